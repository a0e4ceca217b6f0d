package signature_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/signature"
)

const mib = 1 << 20

// now is a day on which all certificates of the tests are valid but those that
// are meant not to be.
var now = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// contents are the model of testdata/gen.py.
var contents = sync.OnceValue(func() map[string][]byte {
	weights := make([]byte, 2*mib+5)
	for i := range weights {
		weights[i] = byte(i * 7 % 251)
	}
	return map[string][]byte{
		"a.json":        []byte("{}\n"),
		"deploy.md":     []byte("deploy\n"),
		"deploy/x.md":   []byte("x\n"),
		"deploy/x/y.md": []byte("y\n"),
		"empty.txt":     nil,
		"größe.txt":     []byte("größe\n"),
		"weights.bin":   weights,
	}
})

// measure is what a load would measure of a model.
func measure(contents map[string][]byte, names ...string) (manifest.Manifest, map[string][]manifest.Digest) {
	var files manifest.Manifest
	shards := map[string][]manifest.Digest{}
	for name, b := range contents {
		if len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		files = append(files, manifest.Entry{Name: name, Size: int64(len(b)), SHA256: sha256.Sum256(b)})
		for at := 0; at < len(b); at += mib {
			shards[name] = append(shards[name], sha256.Sum256(b[at:min(at+mib, len(b))]))
		}
	}
	files.Sort()
	return files, shards
}

// principals are keys and certificates that the tests sign with. They are the
// same in each process, for fuzzing has several.
type principals struct {
	keys  map[string]crypto.Signer // by algorithm
	root  *x509.Certificate
	chain []*x509.Certificate // leaf and intermediate, of the key p256
	issue func(change func(*x509.Certificate)) *x509.Certificate
}

var signers = sync.OnceValue(func() principals {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	p := principals{keys: map[string]crypto.Signer{}}
	for name, k := range map[string]struct {
		curve elliptic.Curve
		size  int
		fill  byte
	}{
		"p256": {elliptic.P256(), 32, 1}, "p384": {elliptic.P384(), 48, 2}, "p521": {elliptic.P521(), 66, 0},
		"root": {elliptic.P256(), 32, 3}, "between": {elliptic.P256(), 32, 4},
	} {
		secret := bytes.Repeat([]byte{k.fill}, k.size)
		secret[k.size-1] = 5
		key, err := ecdsa.ParseRawPrivateKey(k.curve, secret)
		must(err)
		p.keys[name] = key
	}
	p.keys["ed25519"] = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))

	issue := func(template, parent *x509.Certificate, key, by crypto.Signer) *x509.Certificate {
		der, err := x509.CreateCertificate(nil, template, parent, key.Public(), by)
		must(err)
		c, err := x509.ParseCertificate(der)
		must(err)
		return c
	}
	authority := func(name string, serial int64) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
			NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		}
	}
	p.root = issue(authority("Root", 1), authority("Root", 1), p.keys["root"], p.keys["root"])
	between := issue(authority("Between", 2), p.root, p.keys["between"], p.keys["root"])
	p.issue = func(change func(*x509.Certificate)) *x509.Certificate {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(0xabc), Subject: pkix.Name{CommonName: "Leaf", Organization: []string{"Example"}},
			NotBefore: now.AddDate(0, -1, 0), NotAfter: now.AddDate(0, 1, 0),
			KeyUsage: x509.KeyUsageDigitalSignature, EmailAddresses: []string{"leaf@example.com"},
			DNSNames: []string{"example.com"}, IPAddresses: []net.IP{{192, 0, 2, 1}},
			URIs: []*url.URL{{Scheme: "https", Host: "example.com", Path: "/leaf"}},
		}
		change(template)
		return issue(template, between, p.keys["p256"], p.keys["between"])
	}
	p.chain = []*x509.Certificate{p.issue(func(*x509.Certificate) {}), between}
	return p
})

// trust is in the key of that name.
func trust(names ...string) signature.Trust {
	var t signature.Trust
	for _, name := range names {
		t.Keys = append(t.Keys, signers().keys[name].Public())
	}
	return t
}

// inRoot trusts the root of signers at now.
func inRoot() signature.Trust {
	return signature.Trust{Roots: []*x509.Certificate{signers().root}, Now: now}
}

// byFiles and byShards are statements over the model.
func byFiles() signature.Statement {
	files, _ := measure(contents())
	return signature.Statement{
		Subject: "model", Method: signature.Files, IgnorePaths: []string{".git", "model.sig"},
		Resources: signature.FileResources(files),
	}
}

func byShards() signature.Statement {
	files, shards := measure(contents())
	return signature.Statement{
		Subject: "model", Method: signature.Shards, ShardSize: mib,
		Resources: signature.ShardResources(files, mib, shards),
	}
}

// bundleOf signs with the key of that name, and with its certificate if the
// name is chain.
func bundleOf(t require.TestingT, name string, s signature.Statement) []byte {
	key, chain := signers().keys[name], []*x509.Certificate(nil)
	if name == "chain" {
		key, chain = signers().keys["p256"], signers().chain
	}
	text, err := signature.Sign(key, chain, s)
	require.NoError(t, err)
	return text
}

type object = map[string]any

// sealed is a bundle around any payload, signed with the key ed25519.
func sealed(t require.TestingT, payload []byte) []byte {
	e := signature.Envelope{PayloadType: "application/vnd.in-toto+json", Payload: payload}
	sig, err := signers().keys["ed25519"].Sign(nil, e.Message(), crypto.Hash(0))
	require.NoError(t, err)
	text, err := json.Marshal(object{
		"mediaType":            "application/vnd.dev.sigstore.bundle.v0.3+json",
		"verificationMaterial": object{"publicKey": object{}},
		"dsseEnvelope": object{
			"payload": payload, "payloadType": e.PayloadType, "signatures": []object{{"sig": sig}},
		},
	})
	require.NoError(t, err)
	return text
}

// payloadOf is what a bundle is over.
func payloadOf(t require.TestingT, bundle []byte) []byte {
	var b struct{ DSSEEnvelope struct{ Payload []byte } }
	require.NoError(t, json.Unmarshal(bundle, &b))
	return b.DSSEEnvelope.Payload
}

// edited is a JSON text after a change.
func edited(t require.TestingT, text []byte, change func(object)) []byte {
	var o object
	require.NoError(t, json.Unmarshal(text, &o))
	change(o)
	text, err := json.Marshal(o)
	require.NoError(t, err)
	return text
}

// fixture is a file of testdata.
func fixture(t testing.TB, elem ...string) []byte {
	b, err := os.ReadFile(filepath.Join(append([]string{"testdata"}, elem...)...))
	require.NoError(t, err)
	return b
}

func publicKey(t testing.TB, elem ...string) crypto.PublicKey {
	key, err := signature.ParseKey(fixture(t, elem...))
	require.NoError(t, err)
	return key
}

func roots(t testing.TB, elem ...string) []*x509.Certificate {
	certificates, err := signature.ParseCertificates(fixture(t, elem...))
	require.NoError(t, err)
	return certificates
}

// requireRefused requires that v is nil and err has that code.
func requireRefused(t require.TestingT, c formats.Code, v *signature.Verified, err error) {
	require.Nil(t, v)
	refusal, ok := errors.AsType[*signature.Error](err)
	require.True(t, ok, "%T %v", err, err)
	require.Equal(t, c, refusal.Code, "%v", err)
}
