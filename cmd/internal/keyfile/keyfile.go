// Package keyfile reads and writes private keys in files: PKCS#8 (RFC 5958)
// under a passphrase, as
//
//	openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256
//
// writes and reads it: PEM with the label ENCRYPTED PRIVATE KEY (RFC 7468,
// section 11), PBES2 of PBKDF2 with HMAC-SHA-256 and AES-256 in CBC mode (RFC
// 8018). Other schemes are refused.
//
// PBES2 encrypts and does not authenticate: hold the public half of what was
// read against what is trusted. Everything is safe for concurrent use.
package keyfile

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

var (
	// ErrPassphrase says that the passphrase is empty, or is not the one that
	// the key was encrypted with. An encrypted part that was damaged looks the same.
	ErrPassphrase = errors.New("keyfile: wrong or empty passphrase")

	// ErrSyntax says that a text is no private key in PKCS#8, or is more than that.
	ErrSyntax = errors.New("keyfile: not a private key in PKCS#8")

	// ErrPlain says that a private key is not encrypted.
	ErrPlain = errors.New("keyfile: the private key is not encrypted")

	// ErrAlgorithm says that a key, or what it is encrypted with, is of another
	// kind than those of this package.
	ErrAlgorithm = errors.New("keyfile: not an algorithm that is used here")
)

// MaxSize is the size in bytes up to which a text is read.
const MaxSize = 64 << 10

// The labels of PEM.
const (
	encryptedLabel = "ENCRYPTED PRIVATE KEY"
	plainLabel     = "PRIVATE KEY"
)

// An Algorithm is a kind of key. The zero Algorithm is none.
type Algorithm uint8

const (
	P256 Algorithm = iota + 1 // ECDSA, as are the next two
	P384
	P521
	Ed25519
)

var algorithms = [...]string{"", "p256", "p384", "p521", "ed25519"}

func (a Algorithm) String() string {
	if a == 0 || int(a) >= len(algorithms) {
		return fmt.Sprintf("algorithm %d", uint8(a))
	}
	return algorithms[a]
}

// UnmarshalText reads what String writes of an algorithm.
func (a *Algorithm) UnmarshalText(b []byte) error {
	for v := P256; v <= Ed25519; v++ {
		if algorithms[v] == string(b) {
			*a = v
			return nil
		}
	}
	return fmt.Errorf("%w: %q is not p256, p384, p521 or ed25519", ErrAlgorithm, b)
}

// Generate makes a key: an *ecdsa.PrivateKey or an ed25519.PrivateKey.
func Generate(a Algorithm) (crypto.Signer, error) {
	switch a {
	case P256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case P384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case P521:
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("%w: %v", ErrAlgorithm, a)
}

// InsecureParsePlain reads a key that lies in its file unencrypted, in PEM with
// the label PRIVATE KEY.
func InsecureParsePlain(text []byte) (crypto.Signer, error) {
	der, err := unwrap(plainLabel, text)
	if err != nil {
		return nil, err
	}
	defer clear(der)
	return parseKey(der)
}

// unwrap is the one block of PEM that text consists of.
func unwrap(label string, text []byte) ([]byte, error) {
	if len(text) > MaxSize {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrSyntax, MaxSize)
	}
	text = bytes.TrimSpace(text)
	block, rest := pem.Decode(text)
	switch {
	case block == nil || !bytes.HasPrefix(text, []byte("-----BEGIN")) || len(rest) > 0 || len(block.Headers) > 0:
		return nil, fmt.Errorf("%w: not one block of PEM", ErrSyntax)
	case block.Type == plainLabel && label != plainLabel:
		return nil, ErrPlain
	case block.Type != label:
		return nil, fmt.Errorf("%w: the PEM has another label than %s", ErrSyntax, label)
	}
	return block.Bytes, nil
}

// parseKey reads a PrivateKeyInfo as OpenSSL and crypto/x509 write it: that of
// ECDSA repeats the public half, which has to be the private one's. The error
// quotes nothing of it.
func parseKey(der []byte) (crypto.Signer, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, ErrSyntax
	}
	signer, ok := key.(crypto.Signer)
	if !ok || !known(signer) {
		return nil, fmt.Errorf("%w: a %T", ErrAlgorithm, key)
	}
	again, err := x509.MarshalPKCS8PrivateKey(signer)
	defer clear(again)
	if err != nil || !bytes.Equal(again, der) {
		return nil, fmt.Errorf("%w: not its DER", ErrSyntax)
	}
	return signer, nil
}

// known reports whether Generate makes such keys.
func known(key crypto.Signer) bool {
	switch key := key.(type) {
	case ed25519.PrivateKey:
		return len(key) == ed25519.PrivateKeySize
	case *ecdsa.PrivateKey:
		return key != nil && (key.Curve == elliptic.P256() || key.Curve == elliptic.P384() || key.Curve == elliptic.P521())
	}
	return false
}
