package cli

import (
	"errors"

	"github.com/spf13/cobra"
)

func newPolicy() *cobra.Command {
	c := &cobra.Command{
		Use:   "policy",
		Short: "Write, check, explain, test and sign a policy",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("no command: policy init, check, explain, test, schema or sign")
		},
		DisableFlagsInUseLine: true,
	}
	c.AddCommand(newPolicyInit(), newPolicyCheck(), newPolicyExplain(), newPolicyTest(), newPolicySchema(), newPolicySign())
	return c
}
