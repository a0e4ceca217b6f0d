package cli

import (
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/signature"
)

const maxKeyFile = 64 << 10 // bytes

type policyCheck struct {
	key        string
	minVersion uint64
}

func newPolicyCheck() *cobra.Command {
	var k policyCheck
	c := &cobra.Command{
		Use:   "check FILE",
		Short: "Tell whether a policy and its lock are well formed, and what is worth a second look",
		Long: `Reads the policy and the lock beside it as a service does, and with --key holds
them against the signature beside them. A lock that is not there yet is a
warning. Warnings change no exit code.

Exit codes: 0 well formed, 1 not, 2 something could not be read, 3 usage.`,
		Args:                  k.args,
		RunE:                  func(c *cobra.Command, args []string) error { return ran(k.run(c, args[0])) },
		DisableFlagsInUseLine: true,
	}
	c.Flags().StringVar(&k.key, "key", "", "the public key, a PEM `FILE`, that must have signed policy and lock")
	c.Flags().Uint64Var(&k.minVersion, "min-version", 0, "the lowest `NUMBER` that the signature of --key may have")
	return c
}

func (k *policyCheck) args(c *cobra.Command, args []string) error {
	if k.minVersion > 0 && k.key == "" {
		return errors.New("--min-version is about the signature that --key asks for")
	}
	return cobra.ExactArgs(1)(c, args)
}

func (k *policyCheck) run(c *cobra.Command, path string) error {
	p, err := k.open(path)
	if err != nil {
		return judgedPolicy(err)
	}
	mode := "enforce"
	if p.Audit() {
		mode = "audit"
	}
	out := c.OutOrStdout()
	fmt.Fprintf(out, "  policy    %s\n  mode      %s\n  models    %s\n", p.Digest(), mode, strings.Join(p.Names(), ", "))
	if _, err := os.Lstat(p.LockPath()); p.LockPath() != "" && errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(out, "  warning   %s is not there yet: a service takes no policy without its lock\n", formats.Quote(p.LockPath()))
	}
	for _, w := range p.Warnings(time.Now()) {
		fmt.Fprintf(out, "  warning   %s\n", visible(errors.New(w)))
	}
	_, err = fmt.Fprintln(out, "  well formed")
	return err
}

// open reads the policy, and asks for its signature if there is a key.
func (k *policyCheck) open(path string) (*policy.Policy, error) {
	if k.key == "" {
		return policy.Open(path, policy.WithoutLock())
	}
	key, err := readKey(k.key)
	if err != nil {
		return nil, err
	}
	return policy.Open(path, policy.SignedBy(key, k.minVersion))
}

// readKey reads a public key.
func readKey(path string) (crypto.PublicKey, error) {
	text, err := readSmall(path, maxKeyFile)
	if err != nil {
		return nil, err
	}
	key, err := signature.ParseKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// judgedPolicy is the error of Open for a command whose question the policy is:
// one that was read and is wrong is denied.
func judgedPolicy(err error) error {
	_, malformed := errors.AsType[*policy.ParseError](err)
	unsigned := errors.Is(err, policy.ErrUnsigned) && !errors.Is(err, fs.ErrNotExist)
	if malformed || unsigned {
		return &ended{exitDenied, err}
	}
	return err
}

func newPolicySchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of a policy",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := c.OutOrStdout().Write(policy.Schema())
			return ran(err)
		},
		DisableFlagsInUseLine: true,
	}
}
