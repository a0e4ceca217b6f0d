package signature_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/signature"
)

const listType = "application/vnd.example.list+json"

// bare is the envelope of a bundle by itself.
func bare(t require.TestingT, bundle []byte) []byte {
	var b struct {
		Envelope json.RawMessage `json:"dsseEnvelope"`
	}
	require.NoError(t, json.Unmarshal(bundle, &b))
	return b.Envelope
}

// sealedBy is a bundle over a payload, by the key of that name or its chain.
func sealedBy(t require.TestingT, name, payloadType, payload string) []byte {
	key, chain := signers().keys[name], []*x509.Certificate(nil)
	if name == "chain" {
		key, chain = signers().keys["p256"], signers().chain
	}
	text, err := signature.Seal(key, chain, payloadType, []byte(payload))
	require.NoError(t, err)
	return text
}

// TestOpen: what was sealed is opened as it was, by whoever sealed it.
func TestOpen(t *testing.T) {
	for _, name := range []string{"p256", "p384", "p521", "ed25519", "chain"} {
		t.Run(name, func(t *testing.T) {
			in, key := inRoot(), "p256"
			if name != "chain" {
				in, key = trust(name), name
			}
			id, err := signature.KeyID(signers().keys[key].Public())
			require.NoError(t, err)
			for _, payload := range []string{`{"a":1}`, "no JSON", "\x00\xff"} {
				text := sealedBy(t, name, listType, payload)
				got, by, err := signature.Open(text, listType, in)
				require.NoError(t, err)
				require.Equal(t, payload, string(got))
				require.Equal(t, id, by.Key)
				require.Equal(t, name == "chain", len(by.Chain) > 0)
			}
		})
	}
}

// TestOpenBare: an envelope without a bundle has no certificate, and so is held
// against keys alone.
func TestOpenBare(t *testing.T) {
	text := bare(t, sealedBy(t, "p384", listType, "payload"))
	got, by, err := signature.Open(text, listType, trust("p256", "p384"))
	require.NoError(t, err)
	require.Equal(t, "payload", string(got))
	id, err := signature.KeyID(signers().keys["p384"].Public())
	require.NoError(t, err)
	require.Equal(t, signature.Signer{Key: id}, by)
}

func TestOpenRefused(t *testing.T) {
	text := sealedBy(t, "p256", listType, "payload")
	chained := sealedBy(t, "chain", listType, "payload")
	model := bundleOf(t, "p256", byFiles())
	for name, c := range map[string]struct {
		text        []byte
		payloadType string
		trust       signature.Trust
		code        formats.Code
	}{
		"nobody":                     {text, listType, signature.Trust{}, signature.CodeTrust},
		"another key":                {text, listType, trust("p384"), signature.CodeUntrusted},
		"another type":               {text, signature.InToto, trust("p256"), signature.CodeType},
		"no type":                    {text, "", trust("p256"), signature.CodeType},
		"a type that was exchanged":  {[]byte(replace(listType, signature.InToto)(string(text))), signature.InToto, trust("p256"), signature.CodeInvalid},
		"nothing":                    {nil, listType, trust("p256"), signature.CodeSyntax},
		"a bare one by another key":  {bare(t, text), listType, trust("p384"), signature.CodeInvalid},
		"a bare one of another type": {bare(t, text), signature.InToto, trust("p256"), signature.CodeType},
		"a bare one in a root":       {bare(t, chained), listType, inRoot(), signature.CodeTrust},
		"a bare one with a key more": {[]byte(replace(`"payload":`, `"x":1,"payload":`)(string(bare(t, text)))), listType, trust("p256"), signature.CodeSyntax},
		"a key for a certificate":    {chained, listType, trust("p256"), signature.CodeTrust},
		"a model as a list":          {model, listType, trust("p256"), signature.CodeType},
	} {
		t.Run(name, func(t *testing.T) {
			payload, by, err := signature.Open(c.text, c.payloadType, c.trust)
			requireRefused(t, c.code, nil, err)
			require.Nil(t, payload)
			require.Zero(t, by)
		})
	}
}

// TestCrossUse: what one trusted key signed as one thing is not another. Only
// in-toto statements share a payload type, and their predicates differ.
func TestCrossUse(t *testing.T) {
	in := trust("p256")
	for name, c := range map[string]struct {
		text []byte
		code formats.Code
	}{
		"a list":          {sealedBy(t, "p256", listType, string(payloadOf(t, bundleOf(t, "p256", byFiles())))), signature.CodeType},
		"an approval":     {sealedBy(t, "p256", signature.InToto, write(with(statement("a"), func(s object) { s["predicateType"] = "https://example.com/approval/v1" }))), signature.CodeType},
		"a bare envelope": {bare(t, bundleOf(t, "p256", byFiles())), signature.CodeSyntax},
	} {
		v, err := signature.Verify(c.text, in)
		requireRefused(t, c.code, v, err)
		require.NotEmpty(t, name)
	}
}

func TestSealRefused(t *testing.T) {
	p := signers()
	old, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		key   crypto.Signer
		chain []*x509.Certificate
		code  formats.Code
	}{
		"RSA":               {old, nil, signature.CodeAlgorithm},
		"another's chain":   {p.keys["p384"], p.chain, signature.CodeUntrusted},
		"an issuer's":       {p.keys["between"], p.chain[1:], signature.CodeUsage},
		"a wrong signature": {broken{p.keys["p256"], func() ([]byte, error) { return []byte{1}, nil }}, nil, signature.CodeInvalid},
	} {
		text, err := signature.Seal(c.key, c.chain, listType, []byte("x"))
		require.Nil(t, text, name)
		requireRefused(t, c.code, nil, err)
	}
	text, err := signature.Seal(p.keys["p256"], nil, listType, nil)
	require.Nil(t, text)
	requireRefused(t, signature.CodeSyntax, nil, err) // no envelope is around nothing
}

// TestAlgorithms: keys of other kinds verify nothing, wherever they come from.
func TestAlgorithms(t *testing.T) {
	old, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	small, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	require.NoError(t, err)
	for _, key := range []crypto.PublicKey{old.Public(), small.Public()} {
		in := signature.Trust{Keys: []crypto.PublicKey{key}}
		v, err := signature.Verify(bundleOf(t, "p256", byFiles()), in)
		requireRefused(t, signature.CodeAlgorithm, v, err)
		_, _, err = signature.Open(sealedBy(t, "p256", listType, "x"), listType, in)
		requireRefused(t, signature.CodeAlgorithm, nil, err)
		_, err = signature.KeyID(key)
		requireRefused(t, signature.CodeAlgorithm, nil, err)
		der, err := x509.MarshalPKIXPublicKey(key)
		require.NoError(t, err)
		_, err = signature.ParseKey(der)
		requireRefused(t, signature.CodeAlgorithm, nil, err)
	}
}

// FuzzOpen: nothing that is opened was not sealed.
func FuzzOpen(f *testing.F) {
	payload := "payload"
	for _, name := range []string{"p256", "ed25519", "chain"} {
		text := sealedBy(f, name, listType, payload)
		f.Add(text)
		f.Add(bare(f, text))
	}
	in := inRoot()
	in.Keys = trust("p256", "ed25519").Keys
	opened, _, err := signature.Open(sealedBy(f, "chain", listType, payload), listType, in)
	require.NoError(f, err)
	require.Equal(f, payload, string(opened))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, by, err := signature.Open(text, listType, in)
		if err != nil {
			require.Nil(t, got)
			require.Zero(t, by)
			require.IsType(t, &signature.Error{}, err)
			return
		}
		require.Equal(t, payload, string(got))
		require.False(t, by.Key.IsZero())
	})
}
