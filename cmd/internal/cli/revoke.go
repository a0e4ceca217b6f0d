package cli

import (
	"crypto"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/revocation"
	"github.com/weightgate/weightgate/policy/signature"
)

const maxListFile = 32 << 20 // bytes, as signature.Open takes them

type revoke struct {
	key         keyFlags
	list        string
	file        digestFlag
	identity    digestFlag
	signer      digestFlag
	certificate string
	issuer      string
	serial      string
	reason      string
}

func newRevoke() *cobra.Command {
	var r revoke
	c := &cobra.Command{
		Use:   "revoke --list FILE --key FILE",
		Short: "Publish what may not be loaded any more",
		Long: `Adds one entry to a signed list, which gets the next version and the date of
today. A list that is there must be signed with the same key; one that is not
there begins with version 1. Without an entry, the list is only dated anew: what
a policy holds to a maximum age has to be.`,
		Args:                  r.args,
		RunE:                  func(c *cobra.Command, _ []string) error { return ran(r.run(c)) },
		DisableFlagsInUseLine: true,
	}
	r.key.register(c, false)
	c.Flags().StringVar(&r.list, "list", "", "the signed list, a `FILE`")
	c.Flags().Var(&r.file, "file", "revoke a file, by its fs-verity digest or SHA-256, 64 lower-case hexadecimal `DIGITS`")
	c.Flags().Var(&r.identity, "model-identity", "revoke a model, by the `DIGITS` of its identity")
	c.Flags().Var(&r.signer, "signer", "revoke a key, by the `DIGITS` that keygen prints")
	c.Flags().StringVar(&r.certificate, "certificate", "", "revoke the certificate in a `FILE`")
	c.Flags().StringVar(&r.issuer, "issuer", "", "revoke a certificate by its issuer, a `NAME` as RFC 2253 writes it, and --serial")
	c.Flags().StringVar(&r.serial, "serial", "", "its serial number in hexadecimal `DIGITS`")
	c.Flags().StringVar(&r.reason, "reason", "", "a `TEXT` that says why")
	c.MarkFlagRequired("list")
	c.MarkFlagsMutuallyExclusive("file", "model-identity", "signer", "certificate", "issuer")
	c.MarkFlagsRequiredTogether("issuer", "serial")
	return c
}

func (r *revoke) args(c *cobra.Command, args []string) error {
	if err := cobra.NoArgs(c, args); err != nil {
		return err
	}
	if err := notEmpty(c, "certificate", "issuer", "reason"); err != nil {
		return err
	}
	if c.Flags().Changed("serial") {
		digits := strings.ToLower(strings.ReplaceAll(r.serial, ":", ""))
		serial, ok := new(big.Int).SetString(digits, 16)
		if !ok || strings.Trim(digits, "0123456789abcdef") != "" {
			return fmt.Errorf("--serial %q: not hexadecimal digits", r.serial)
		}
		r.serial = serial.Text(16)
	}
	return nil
}

func (r *revoke) run(c *cobra.Command) error {
	entry, err := r.entry()
	if err != nil {
		return err
	}
	own, err := r.key.open(c)
	if err != nil {
		return err
	}
	d, err := newDraft(r.list) // from here on nobody else writes it
	if err != nil {
		return err
	}
	defer d.discard()
	list, err := readList(d.path, own.key.Public())
	if err != nil {
		return err
	}
	was := list.Version
	if err := add(list, entry, time.Now()); err != nil {
		return err
	}
	payload, err := list.Encode()
	if err != nil {
		return err
	}
	text, err := own.seal(revocation.PayloadType, payload)
	if err != nil {
		return err
	}
	if err := d.place(text, was > 0); err != nil {
		return err
	}
	return printList(c.OutOrStdout(), r.list, list, entry)
}

// entry is what the flags revoke; the zero Entry is nothing.
func (r *revoke) entry() (revocation.Entry, error) {
	e := revocation.Entry{
		File: r.file.Digest, Identity: r.identity.Digest, Key: r.signer.Digest, Issuer: r.issuer, Serial: r.serial,
	}
	if r.certificate != "" {
		text, err := readSmall(r.certificate, maxChainFile)
		if err != nil {
			return revocation.Entry{}, err
		}
		certificates, err := signature.ParseCertificates(text)
		if err == nil && len(certificates) != 1 {
			err = errors.New("more than one certificate: the issuer's is not the one to revoke")
		}
		if err != nil {
			return revocation.Entry{}, fmt.Errorf("%s: %w", r.certificate, err)
		}
		e.Issuer, e.Serial = certificates[0].Issuer.String(), certificates[0].SerialNumber.Text(16)
	}
	if e == (revocation.Entry{}) && r.reason != "" {
		return revocation.Entry{}, &ended{exitUsage, errors.New("--reason is about an entry, and none is named")}
	}
	e.Reason = r.reason
	return e, nil
}

// readList reads the list at path, which key has signed; what is not there is
// the empty list, of version 0.
func readList(path string, key crypto.PublicKey) (*revocation.List, error) {
	text, err := readSmall(path, maxListFile)
	if errors.Is(err, fs.ErrNotExist) {
		return &revocation.List{}, nil
	}
	if err != nil {
		return nil, err
	}
	payload, _, err := signature.Open(text, revocation.PayloadType, signature.Trust{Keys: []crypto.PublicKey{key}})
	if e, ok := errors.AsType[*signature.Error](err); ok && e.Class == formats.Denied {
		return nil, denied("%s: %w", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	list, err := revocation.Parse(payload)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

// add makes list the next one, with entry in it unless that is zero.
func add(list *revocation.List, entry revocation.Entry, now time.Time) error {
	now = now.UTC().Truncate(time.Second)
	if list.IssuedAt.After(now) {
		return denied("the list is of %s, and it is %s: set the clock", list.IssuedAt.Format(time.RFC3339), now.Format(time.RFC3339))
	}
	for _, e := range list.Entries {
		if e.Reason = entry.Reason; e == entry {
			return denied("it is revoked already: nothing was written")
		}
	}
	if entry != (revocation.Entry{}) {
		list.Entries = append(list.Entries, entry)
	}
	list.Version++
	list.IssuedAt = now
	return nil
}

func printList(w io.Writer, path string, list *revocation.List, entry revocation.Entry) error {
	if entry != (revocation.Entry{}) {
		what := ""
		switch {
		case !entry.File.IsZero():
			what = "the file " + entry.File.String()
		case !entry.Identity.IsZero():
			what = "the model " + entry.Identity.String()
		case !entry.Key.IsZero():
			what = "the key " + entry.Key.String()
		default:
			what = "the certificate " + entry.Serial + " of " + formats.Quote(entry.Issuer)
		}
		fmt.Fprintf(w, "  revoked   %s\n", what)
	}
	_, err := fmt.Fprintf(w, "  list      %s, version %d of %s, entries: %d\n",
		formats.Quote(path), list.Version, list.IssuedAt.Format(time.RFC3339), len(list.Entries))
	return err
}
