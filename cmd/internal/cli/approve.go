package cli

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/attestation"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/signature"
)

type approve struct {
	measureFlags
	key         keyFlags
	output      outputFlags
	identity    digestFlag
	role        string
	environment string
	release     uint64
	expires     string
}

func newApprove() *cobra.Command {
	var a approve
	c := &cobra.Command{
		Use:   "approve NAME [DIR] --role ROLE --key FILE --output FILE",
		Short: "Approve in a role that a model is loaded under a name",
		Long: `Signs that the model may be loaded under NAME: an in-toto statement over its
identity. DIR is inspected and measured, and shown before the passphrase is
asked for; findings of high severity are refused. Without DIR, --identity is the
identity that verify prints.

The identity is of all files of DIR but what is ignored: leave out what the
policy does, such as signatures in the model's directory.`,
		Args:                  a.args,
		RunE:                  func(c *cobra.Command, args []string) error { return ran(a.run(c, args)) },
		DisableFlagsInUseLine: true,
	}
	a.register(c)
	a.key.register(c, true)
	a.output.register(c, "the approval, a `FILE`")
	c.Flags().Var(&a.identity, "identity", "the model's identity, 64 lower-case hexadecimal `DIGITS`, in the place of DIR")
	c.Flags().StringVar(&a.role, "role", "", "the `ROLE` in which you approve, as the policy calls it")
	c.Flags().StringVar(&a.environment, "environment", "", "the one `ENVIRONMENT` that it is for; without it, any")
	c.Flags().Uint64Var(&a.release, "release", 0, "the `NUMBER` of the model's release, which grows; 0: none")
	c.Flags().StringVar(&a.expires, "expires", "", "`WHEN` it ends: in days, as 180d, or as the date begins in UTC, as 2027-01-31; without it, never")
	for _, name := range []string{"role", "output"} {
		c.MarkFlagRequired(name)
	}
	return c
}

func (a *approve) args(c *cobra.Command, args []string) error {
	given := 1
	if a.identity.IsZero() {
		given = 2
	}
	if len(args) != given {
		return errors.New("approve takes NAME and one of DIR and --identity")
	}
	if err := notEmpty(c, "environment", "expires", "cert"); err != nil {
		return err
	}
	if _, err := ends(a.expires, time.Now()); err != nil {
		return err
	}
	return a.measureFlags.args()
}

func (a *approve) run(c *cobra.Command, args []string) error {
	if err := a.output.free(); err != nil {
		return err
	}
	says := attestation.Approval{
		Name: args[0], Identity: a.identity.Digest, Role: a.role, Environment: a.environment, Release: a.release,
	}
	if len(args) == 2 {
		measured, err := a.model(c, args[0], args[1], a.ignore, 0)
		if err != nil {
			return err
		}
		says.Identity = measured.Identity
	}
	own, err := a.key.open(c)
	if err != nil {
		return err
	}
	says.IssuedAt = time.Now().UTC().Truncate(time.Second)
	if says.Expires, err = ends(a.expires, says.IssuedAt); err != nil {
		return err
	}
	payload, err := says.Encode()
	if err != nil {
		return err
	}
	text, err := own.seal(signature.InToto, payload)
	if err != nil {
		return err
	}
	if err := a.output.write(text); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "  approved  %s, identity %s\n  role      %s, in %s\n  key       %s\n  approval  %s\n",
		says.Name, says.Identity, says.Role, cmp.Or(says.Environment, "any environment"), own.id, formats.Quote(a.output.path))
	return err
}

const maxDays = 36500

// ends is when what is said now ends; "" is never, the zero Time.
func ends(when string, now time.Time) (time.Time, error) {
	if when == "" {
		return time.Time{}, nil
	}
	now = now.UTC().Truncate(time.Second)
	if days, ok := strings.CutSuffix(when, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil || n < 1 || n > maxDays {
			return time.Time{}, fmt.Errorf("--expires %q: 1d to %dd", when, maxDays)
		}
		return now.AddDate(0, 0, int(n)), nil
	}
	at, err := time.Parse(time.DateOnly, when)
	if err != nil {
		return time.Time{}, fmt.Errorf("--expires %q: neither days, as 180d, nor a date, as 2027-01-31", when)
	}
	if !at.After(now) {
		return time.Time{}, fmt.Errorf("--expires %s: that is past", when)
	}
	return at, nil
}

// digestFlag is the value of a flag: a digest, zero until it is set.
type digestFlag struct{ manifest.Digest }

func (d *digestFlag) Type() string { return "digest" }

func (d *digestFlag) String() string {
	if d.IsZero() {
		return ""
	}
	return d.Digest.String()
}

func (d *digestFlag) Set(s string) (err error) {
	d.Digest, err = manifest.ParseDigest(s)
	return err
}
