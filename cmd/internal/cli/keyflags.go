package cli

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/weightgate/weightgate/cmd/internal/keyfile"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/signature"
)

const maxChainFile = 1 << 20 // bytes

// keyFlags say whose signature it is to be.
type keyFlags struct {
	passphrase    passphraseFlag
	path          string
	chain         string
	insecurePlain bool
}

// register adds the flags, --cert among them where a certificate can vouch.
func (k *keyFlags) register(c *cobra.Command, certified bool) {
	c.Flags().StringVar(&k.path, "key", "", "the private key: a `FILE` as keygen or openssl pkcs8 -topk8 writes it")
	if certified {
		c.Flags().StringVar(&k.chain, "cert", "", "a PEM `FILE` with the key's certificate and then its intermediates: verifiers trust its root instead of the key")
	}
	c.Flags().BoolVar(&k.insecurePlain, "insecure-plain-key", false, "take a key that lies in its file unencrypted")
	k.passphrase.register(c)
	c.MarkFlagRequired("key")
}

// An identity is a key that signs, and the chain that vouches for it.
type identity struct {
	key   crypto.Signer
	id    manifest.Digest // signature.KeyID
	chain []*x509.Certificate
}

// open reads the key, and asks for its passphrase.
func (k *keyFlags) open(c *cobra.Command) (identity, error) {
	var own identity
	if k.chain != "" {
		text, err := readSmall(k.chain, maxChainFile)
		if err != nil {
			return identity{}, err
		}
		if own.chain, err = signature.ParseCertificates(text); err != nil {
			return identity{}, fmt.Errorf("%s: %w", k.chain, err)
		}
	}
	text, err := readSmall(k.path, keyfile.MaxSize)
	if err != nil {
		return identity{}, err
	}
	defer clear(text)
	if own.key, err = k.decrypt(c, text); err != nil {
		return identity{}, fmt.Errorf("%s: %w", k.path, err)
	}
	if own.id, err = signature.KeyID(own.key.Public()); err != nil {
		return identity{}, err
	}
	return own, nil
}

func (k *keyFlags) decrypt(c *cobra.Command, text []byte) (crypto.Signer, error) {
	e, err := keyfile.Parse(text)
	if errors.Is(err, keyfile.ErrPlain) {
		if k.insecurePlain {
			return keyfile.InsecureParsePlain(text)
		}
		return nil, fmt.Errorf("%w: encrypt it with openssl pkcs8 -topk8, or say --insecure-plain-key", err)
	}
	if err != nil {
		return nil, err
	}
	pass, err := k.passphrase.ask(c, k.path, false)
	if err != nil {
		return nil, err
	}
	defer clear(pass)
	return e.Decrypt(pass)
}

// seal makes a bundle over a payload.
func (i identity) seal(payloadType string, payload []byte) ([]byte, error) {
	return signature.Seal(i.key, i.chain, payloadType, payload)
}

// readSmall reads a file of at most that many bytes.
func readSmall(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for its writer
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		return nil, fmt.Errorf("%s: longer than %d bytes", path, most)
	}
	return text, err
}

// notEmpty refuses flags that were given without a value, as a variable that is
// not set gives them: what they narrow would be wide.
func notEmpty(c *cobra.Command, flags ...string) error {
	for _, name := range flags {
		if f := c.Flags().Lookup(name); f != nil && f.Changed && f.Value.String() == "" {
			return fmt.Errorf("--%s is empty", name)
		}
	}
	return nil
}
