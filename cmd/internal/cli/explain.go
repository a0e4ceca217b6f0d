package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weightgate/weightgate/cmd/internal/explain"
	"github.com/weightgate/weightgate/formats"
)

func newExplain() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [CODE]",
		Short: "Tell what a code means, why it matters, and what to do",
		Long: `Tells of the code of a finding what it means, why it matters, what to do, and
where CWE, the OWASP LLM Top 10, MITRE ATLAS and OWASP AISVS speak of it. Without
a code it lists all of them.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return ran(explain.List(c.OutOrStdout()))
			}
			code, ok := explain.Find(args[0])
			if !ok {
				return unknownCode(args[0])
			}
			return ran(code.WriteText(c.OutOrStdout()))
		},
		DisableFlagsInUseLine: true,
	}
}

// unknownCode is an error of usage, which names what may have been meant.
func unknownCode(name string) error {
	near := explain.Near(name)
	if len(near) == 0 {
		return fmt.Errorf("no code is called %s; weightgate explain lists all", formats.Quote(name))
	}
	words := make([]string, len(near))
	for i, code := range near {
		words[i] = string(code)
	}
	return fmt.Errorf("no code is called %s; near are %s", formats.Quote(name), strings.Join(words, ", "))
}
