package keyfile_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/cmd/internal/keyfile"
)

// What testdata/gen.sh encrypts with.
const passphrase = "correct horse \xc3\xa4"

var algorithms = []keyfile.Algorithm{keyfile.P256, keyfile.P384, keyfile.P521, keyfile.Ed25519}

func fixture(t testing.TB, name string) []byte {
	text, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return text
}

// public is the public half of key as OpenSSL writes it.
func public(t *testing.T, key crypto.Signer) string {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func decrypt(text []byte, passphrase string) (crypto.Signer, error) {
	e, err := keyfile.Parse(text)
	if err != nil {
		return nil, err
	}
	return e.Decrypt([]byte(passphrase))
}

// OpenSSL has written these, and their public halves.
func TestReadsWhatOpenSSLWrote(t *testing.T) {
	for _, a := range algorithms {
		key, err := decrypt(fixture(t, a.String()+".key"), passphrase)
		require.NoError(t, err, a)
		require.Equal(t, string(fixture(t, a.String()+".pub")), public(t, key), a)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, a := range algorithms {
		key, err := keyfile.Generate(a)
		require.NoError(t, err)
		text, err := keyfile.Encrypt(key, []byte("secret"))
		require.NoError(t, err)
		got, err := decrypt(text, "secret")
		require.NoError(t, err)
		require.Equal(t, key, got)

		again, err := keyfile.Encrypt(key, []byte("secret"))
		require.NoError(t, err)
		require.NotEqual(t, text, again, "a salt was used twice")
	}
}

func TestAlgorithm(t *testing.T) {
	for _, a := range algorithms {
		var got keyfile.Algorithm
		require.NoError(t, got.UnmarshalText([]byte(a.String())))
		require.Equal(t, a, got)
	}
	var a keyfile.Algorithm
	require.ErrorIs(t, a.UnmarshalText([]byte("rsa")), keyfile.ErrAlgorithm)
	require.ErrorIs(t, a.UnmarshalText(nil), keyfile.ErrAlgorithm)
	require.Equal(t, "algorithm 0", a.String())
	require.Equal(t, "algorithm 9", keyfile.Algorithm(9).String())
	_, err := keyfile.Generate(0)
	require.ErrorIs(t, err, keyfile.ErrAlgorithm)
}

func TestPassphrase(t *testing.T) {
	text := fixture(t, "p256.key")
	for _, wrong := range []string{"", "correct horse", passphrase + "\n", "correct horse \xe4"} {
		key, err := decrypt(text, wrong)
		require.ErrorIs(t, err, keyfile.ErrPassphrase, "%q", wrong)
		require.Nil(t, key)
	}
	_, err := new(keyfile.Encrypted).Decrypt([]byte(passphrase))
	require.ErrorIs(t, err, keyfile.ErrPassphrase)

	key, err := keyfile.Generate(keyfile.P256)
	require.NoError(t, err)
	_, err = keyfile.Encrypt(key, nil)
	require.ErrorIs(t, err, keyfile.ErrPassphrase)
}

// Wrong passphrases whose padding is right by chance are wrong passphrases: of
// 2000, about eight are such.
func TestPaddingByChance(t *testing.T) {
	e, err := keyfile.Parse(fixture(t, "once.key"))
	require.NoError(t, err)
	for n := range 2000 {
		_, err := e.Decrypt(bytes.Repeat([]byte{'x'}, n+1))
		require.ErrorIs(t, err, keyfile.ErrPassphrase, n)
	}
	_, err = e.Decrypt([]byte(passphrase))
	require.NoError(t, err)
}

func TestPlain(t *testing.T) {
	text := fixture(t, "plain.key")
	_, err := keyfile.Parse(text)
	require.ErrorIs(t, err, keyfile.ErrPlain)
	key, err := keyfile.InsecureParsePlain(text)
	require.NoError(t, err)
	require.Equal(t, string(fixture(t, "plain.pub")), public(t, key))

	_, err = keyfile.InsecureParsePlain(fixture(t, "p256.key"))
	require.ErrorIs(t, err, keyfile.ErrSyntax)
}

func TestOtherKeys(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	require.NoError(t, err)
	for _, key := range []crypto.Signer{rsaKey, p224, (*ecdsa.PrivateKey)(nil), ed25519.PrivateKey{1}} {
		_, err := keyfile.Encrypt(key, []byte("secret"))
		require.ErrorIs(t, err, keyfile.ErrAlgorithm)
	}
	der, err := x509.MarshalPKCS8PrivateKey(rsaKey)
	require.NoError(t, err)
	_, err = keyfile.InsecureParsePlain(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	require.ErrorIs(t, err, keyfile.ErrAlgorithm)
	_, err = decrypt(fixture(t, "rsa.key"), passphrase)
	require.ErrorIs(t, err, keyfile.ErrAlgorithm)
}

func TestRefuses(t *testing.T) {
	good := string(fixture(t, "p256.key"))
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"nothing":        {"", keyfile.ErrSyntax},
		"no PEM":         {"secret", keyfile.ErrSyntax},
		"cut":            {good[:len(good)/2], keyfile.ErrSyntax},
		"two":            {good + good, keyfile.ErrSyntax},
		"text before":    {"key\n" + good, keyfile.ErrSyntax},
		"text behind":    {good + "key", keyfile.ErrSyntax},
		"headers":        {strings.Replace(good, "\n", "\nProc-Type: 4,ENCRYPTED\n\n", 1), keyfile.ErrSyntax},
		"public":         {string(fixture(t, "p256.pub")), keyfile.ErrSyntax},
		"too long":       {strings.Repeat("\n", keyfile.MaxSize) + good, keyfile.ErrSyntax},
		"3DES":           {string(fixture(t, "des3.key")), keyfile.ErrAlgorithm},
		"scrypt":         {string(fixture(t, "scrypt.key")), keyfile.ErrAlgorithm},
		"HMAC-SHA-1":     {string(fixture(t, "sha1.key")), keyfile.ErrSyntax}, // says no PRF at all
		"PBES1":          {string(fixture(t, "pbes1.key")), keyfile.ErrAlgorithm},
		"AES-128":        {string(fixture(t, "aes128.key")), keyfile.ErrAlgorithm},
		"HMAC-SHA-512":   {string(fixture(t, "sha512.key")), keyfile.ErrAlgorithm},
		"too many turns": {string(fixture(t, "slow.key")), keyfile.ErrSyntax},
	} {
		e, err := keyfile.Parse([]byte(c.text))
		require.ErrorIs(t, err, c.want, name)
		require.Nil(t, e, name)
	}
}

// Whatever byte of a file is another, no key comes of it: its public half is
// encrypted with it.
func TestFlippedBytes(t *testing.T) {
	block, _ := pem.Decode(fixture(t, "once.key"))
	for i := range block.Bytes {
		changed := bytes.Clone(block.Bytes)
		changed[i] ^= 1
		key, err := decrypt(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: changed}), passphrase)
		require.Error(t, err, "byte %d", i)
		require.Nil(t, key)
	}
}

// The real one, both ways.
func TestOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl on this machine; the fixtures are by one")
	}
	dir := t.TempDir()
	run := func(args ...string) []byte {
		out, err := exec.Command(openssl, args...).Output()
		require.NoError(t, err, args)
		return out
	}
	secret := filepath.Join(dir, "passphrase")
	require.NoError(t, os.WriteFile(secret, []byte(passphrase+"\n"+passphrase+"\n"), 0o600))
	for _, a := range algorithms {
		key, err := keyfile.Generate(a)
		require.NoError(t, err)
		text, err := keyfile.Encrypt(key, []byte(passphrase))
		require.NoError(t, err)
		ours := filepath.Join(dir, a.String())
		require.NoError(t, os.WriteFile(ours, text, 0o600))
		require.Equal(t, public(t, key), string(run("pkey", "-in", ours, "-passin", "file:"+secret, "-pubout")))

		theirs := run("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256", "-in", ours, "-passin", "file:"+secret, "-passout", "file:"+secret)
		got, err := decrypt(theirs, passphrase)
		require.NoError(t, err)
		require.Equal(t, key, got)
	}
}
