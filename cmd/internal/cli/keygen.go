package cli

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weightgate/weightgate/cmd/internal/keyfile"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/signature"
)

type keygen struct {
	passphrase passphraseFlag
	algorithm  algorithm
}

func newKeygen() *cobra.Command {
	g := keygen{algorithm: algorithm(keyfile.P256)}
	c := &cobra.Command{
		Use:   "keygen NAME",
		Short: "Make a key that signs, under a passphrase",
		Long: `Writes the private key to NAME.key and the public one to NAME.pub, and prints
what a policy says to trust it. Neither file may be there yet.

The private key is PKCS#8 as openssl pkcs8 -topk8 -v2 aes-256-cbc writes it. It
cannot be had back without its passphrase.`,
		Args:                  cobra.ExactArgs(1),
		RunE:                  func(c *cobra.Command, args []string) error { return ran(g.run(c, args[0])) },
		DisableFlagsInUseLine: true,
	}
	c.Flags().Var(&g.algorithm, "algorithm", "the `KIND` of key: p256, p384, p521 or ed25519; model-signing reads the first three")
	g.passphrase.register(c)
	return c
}

func (g *keygen) run(c *cobra.Command, name string) error {
	private, public := name+".key", name+".pub"
	for _, path := range []string{private, public} { // before anything is asked
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return kept(path, err)
		}
	}
	pass, err := g.passphrase.ask(c, private, true)
	if err != nil {
		return err
	}
	defer clear(pass)
	key, err := keyfile.Generate(keyfile.Algorithm(g.algorithm))
	if err != nil {
		return err
	}
	sealed, err := keyfile.Encrypt(key, pass)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	id, err := signature.KeyID(key.Public())
	if err != nil {
		return err
	}
	shown := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	if err := writeNew(private, sealed, 0o600); err != nil {
		return err
	}
	if err := writeNew(public, shown, 0o644); err != nil {
		return errors.Join(err, os.Remove(private)) // nobody has used it
	}
	w := c.OutOrStdout()
	fmt.Fprintf(w, "  key       %s\n  private   %s\n  public    %s\n\n", id, formats.Quote(private), formats.Quote(public))
	return printSigner(w, filepath.Base(name), string(shown))
}

// printSigner writes what a policy says of a key.
func printSigner(w io.Writer, name, shown string) error {
	var block strings.Builder
	for line := range strings.Lines(shown) {
		block.WriteString("        " + line)
	}
	_, err := fmt.Fprintf(w, "signers:\n  - name: %q\n    keys:\n      - |\n%s", name, block.String())
	return err
}

// writeNew writes a file that is not there yet. One that cannot be written in
// full is not left.
func writeNew(path string, text []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return kept(path, nil)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return syncDir(os.Open, filepath.Dir(path))
}

// kept ends a command that would have written over a file; err is why that
// could not be seen.
func kept(path string, err error) error {
	if err != nil {
		return err
	}
	return denied("%s exists: name another, or remove it", path)
}

// algorithm is the value of a flag.
type algorithm keyfile.Algorithm

func (a algorithm) String() string      { return keyfile.Algorithm(a).String() }
func (a *algorithm) Type() string       { return "kind" }
func (a *algorithm) Set(s string) error { return (*keyfile.Algorithm)(a).UnmarshalText([]byte(s)) }
