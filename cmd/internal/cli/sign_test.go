package cli_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"os"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/weightgate/weightgate/cmd/internal/keyfile"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/loader/convert"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/signature"
)

// silent PASSPHRASE KEY demands that the last program has shown neither the
// passphrase nor anything of the private key, encrypted or not.
func silent(ts *testscript.TestScript, _ bool, args []string) {
	pass, _, _ := strings.Cut(ts.ReadFile(args[0]), "\n")
	text := ts.ReadFile(args[1])
	e, err := keyfile.Parse([]byte(text))
	ts.Check(err)
	key, err := e.Decrypt([]byte(pass))
	ts.Check(err)
	var private []byte
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		private, err = key.Bytes()
		ts.Check(err)
	case ed25519.PrivateKey:
		private = key.Seed()
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	secrets := []string{pass, string(private), hex.EncodeToString(private), base64.StdEncoding.EncodeToString(der), "PRIVATE KEY"}
	body := strings.Split(strings.TrimSpace(text), "\n")
	secrets = append(secrets, body[1:len(body)-1]...)
	for _, stream := range []string{"stdout", "stderr"} {
		for i, secret := range secrets {
			if strings.Contains(strings.ToLower(ts.ReadFile(stream)), strings.ToLower(secret)) {
				ts.Fatalf("%s shows secret %d", stream, i)
			}
		}
	}
}

// trusted is the trust in a public key, or in a root.
func trusted(ts *testscript.TestScript, file string) signature.Trust {
	text := []byte(ts.ReadFile(file))
	if key, err := signature.ParseKey(text); err == nil {
		return signature.Trust{Keys: []crypto.PublicKey{key}}
	}
	roots, err := signature.ParseCertificates(text)
	ts.Check(err)
	return signature.Trust{Roots: roots, InsecureLeafNotBefore: true}
}

// payload BUNDLE PUBLIC TYPE FILE verifies what is signed and writes it to FILE.
func payload(ts *testscript.TestScript, _ bool, args []string) {
	text, _, err := signature.Open([]byte(ts.ReadFile(args[0])), args[2], trusted(ts, args[1]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), append(text, '\n'), 0o644))
}

// vouches BUNDLE PUBLIC SUBJECT DIR LEFT... demands that the signature is over
// all that is in DIR but what is left out.
func vouches(ts *testscript.TestScript, neg bool, args []string) {
	v, err := signature.Verify([]byte(ts.ReadFile(args[0])), trusted(ts, args[1]))
	ts.Check(err)
	path := ts.MkAbs(args[3])
	source := loader.Dir(path)
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		source = loader.File(path)
	}
	r, err := loader.Inspect(context.Background(), "model", source, loader.InspectConfig{
		Formats: all.Formats(), SHA256: true, ShardSize: v.ShardSize,
		Converter: convert.New(), Convert: policy.Convert{Packs: []string{"weights"}, Sandbox: formats.SandboxSeccomp},
		Keep: func(name string) bool { return !slices.Contains(args[4:], name) },
	})
	ts.Check(err)
	var files manifest.Manifest
	for _, f := range r.Files {
		files = append(files, f.Entry)
	}
	found := signature.Compare(v, files, r.Shards)
	if (len(found) > 0) != neg || v.Subject != args[2] {
		ts.Fatalf("of %q: %v", v.Subject, found)
	}
}
