package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/weightgate/weightgate/policy"
)

const maxCases = 1 << 20 // bytes

func newPolicyTest() *cobra.Command {
	return &cobra.Command{
		Use:   "test FILE CASES",
		Short: "Hold a policy against cases with known answers",
		Long: `Reads CASES, a list in YAML or JSON. Each case has a name, a phase, facts as a
load would measure them, the verdict that is expected, and the codes of its
reasons; audit: true and waived say what the mode and exceptions let pass.

Exit codes: 0 every case is as expected, 1 one is not, or a file is malformed,
2 something could not be read, 3 usage.`,
		Args:                  cobra.ExactArgs(2),
		RunE:                  func(c *cobra.Command, args []string) error { return ran(testPolicy(c.OutOrStdout(), args[0], args[1])) },
		DisableFlagsInUseLine: true,
	}
}

func testPolicy(w io.Writer, path, casesPath string) error {
	p, err := policy.Open(path)
	if err != nil {
		return judgedPolicy(err)
	}
	text, err := readSmall(casesPath, maxCases)
	if err != nil {
		return err
	}
	cases, err := policy.ParseCases(text)
	if malformed, ok := errors.AsType[*policy.ParseError](err); ok {
		malformed.File = casesPath
		return judgedPolicy(err)
	}
	failed := 0
	for _, c := range cases {
		d, wrong := c.Try(p)
		line := fmt.Sprintf("ok      %s: %s", c.Name, d.Verdict)
		if wrong != "" {
			failed++
			line = fmt.Sprintf("FAILED  %s: %s", c.Name, wrong)
		}
		if _, err := fmt.Fprintln(w, visible(errors.New(line))); err != nil {
			return err
		}
	}
	if failed > 0 {
		return denied("%d of %d cases failed", failed, len(cases))
	}
	return nil
}
