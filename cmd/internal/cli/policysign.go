package cli

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/attestation"
	"github.com/weightgate/weightgate/policy/signature"
)

type policySign struct {
	key     keyFlags
	output  outputFlags
	version uint64
}

func newPolicySign() *cobra.Command {
	var s policySign
	c := &cobra.Command{
		Use:   "sign POLICY --key FILE --version NUMBER",
		Short: "Sign a policy together with its lock",
		Long: `Signs the digest of the policy and of the lock beside it, with a number that
grows from one to the next. The signature is POLICY.sig, if --output says
nothing. A service that demands it takes neither file when either was edited.`,
		Args:                  s.args,
		RunE:                  func(c *cobra.Command, args []string) error { return ran(s.run(c, args[0])) },
		DisableFlagsInUseLine: true,
	}
	s.key.register(c, false)
	s.output.register(c, "the signature, a `FILE`")
	c.Flags().Uint64Var(&s.version, "version", 0, "the `NUMBER` of this version, from 1, greater than the one before")
	c.MarkFlagRequired("version")
	return c
}

func (s *policySign) args(c *cobra.Command, args []string) error {
	if s.version == 0 {
		return errors.New("--version takes a number from 1")
	}
	return cobra.ExactArgs(1)(c, args)
}

func (s *policySign) run(c *cobra.Command, path string) error {
	s.output.path = cmp.Or(s.output.path, path+".sig")
	if err := s.output.free(); err != nil {
		return err
	}
	p, err := policy.Open(path)
	if err != nil {
		return err
	}
	own, err := s.key.open(c)
	if err != nil {
		return err
	}
	payload, err := attestation.PolicyVersion{Digest: p.Digest(), Version: s.version}.Encode()
	if err != nil {
		return err
	}
	text, err := own.seal(signature.InToto, payload)
	if err != nil {
		return err
	}
	if err := s.output.write(text); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "  policy    %s, version %d\n  key       %s\n  signature %s\n",
		p.Digest(), s.version, own.id, formats.Quote(s.output.path))
	return err
}
