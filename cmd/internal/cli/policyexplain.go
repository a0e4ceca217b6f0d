package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
)

func newPolicyExplain() *cobra.Command {
	return &cobra.Command{
		Use:   "explain FILE [NAME]",
		Short: "Tell in plain sentences what a policy says",
		Long: `Tells what the policy says as a whole and of each entry. With NAME it tells of
the entries that a load under this name asks, in their order: the first whose
source fits decides.`,
		Args:                  cobra.RangeArgs(1, 2),
		RunE:                  func(c *cobra.Command, args []string) error { return ran(explainPolicy(c.OutOrStdout(), args)) },
		DisableFlagsInUseLine: true,
	}
}

func explainPolicy(w io.Writer, args []string) error {
	p, err := policy.Open(args[0], policy.WithoutLock())
	if err != nil {
		return judgedPolicy(err)
	}
	name := ""
	if len(args) > 1 {
		if name = args[1]; name == "" {
			return &ended{exitUsage, errors.New("NAME is empty")}
		}
	}
	parts := p.Describe(name)
	if len(parts) == 0 {
		return denied("no entry of %s is for %s: its load is refused", args[0], formats.Quote(name))
	}
	for i, part := range parts {
		title := "The policy"
		if i > 0 {
			title = "\nThe model " + part.Name
		}
		fmt.Fprintln(w, title)
		for _, sentence := range part.Sentences {
			if _, err := fmt.Fprintf(w, "  %s\n", visible(errors.New(sentence))); err != nil {
				return err
			}
		}
	}
	return nil
}
