package signature_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/signature"
)

// TestSign: what is signed is what is verified, for all keys and both methods.
func TestSign(t *testing.T) {
	for _, name := range []string{"p256", "p384", "p521", "ed25519", "chain"} {
		for _, s := range []signature.Statement{byFiles(), byShards()} {
			t.Run(name+" "+s.Method.String(), func(t *testing.T) {
				in := inRoot()
				if name != "chain" {
					in = trust(name)
				}
				v, err := signature.Verify(bundleOf(t, name, s), in)
				require.NoError(t, err)
				require.ElementsMatch(t, s.Resources, v.Resources)
				s.Resources = v.Resources
				require.Equal(t, s, v.Statement)
				requireAgreement(t, payloadOf(t, bundleOf(t, name, s)), &v.Statement)
			})
		}
	}
}

// TestSignOrder: the order of the manifest does not matter, and is not changed.
func TestSignOrder(t *testing.T) {
	s := byFiles()
	backwards := s
	backwards.Resources = slices.Clone(s.Resources)
	slices.Reverse(backwards.Resources)
	kept := slices.Clone(backwards.Resources)
	one, other := payloadOf(t, bundleOf(t, "ed25519", s)), payloadOf(t, bundleOf(t, "ed25519", backwards))
	require.Equal(t, string(one), string(other))
	require.Equal(t, kept, backwards.Resources)
}

// TestSignShards: offsets are ordered as numbers, not as digits.
func TestSignShards(t *testing.T) {
	s := signature.Statement{Method: signature.Shards, ShardSize: 2 * mib}
	for i := range int64(12) {
		s.Resources = append(s.Resources, signature.Resource{Name: "w", Start: i * 2 * mib, End: (i + 1) * 2 * mib, SHA256: manifest.Digest{byte(i + 1)}})
	}
	v, err := signature.Verify(bundleOf(t, "p256", s), trust("p256"))
	require.NoError(t, err)
	require.Equal(t, s, v.Statement)
}

// broken is a key that does what it should not.
type broken struct {
	crypto.Signer
	sign func() ([]byte, error)
}

func (b broken) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return b.sign() }

var errToken = errors.New("the token was pulled")

func TestSignRefused(t *testing.T) {
	p := signers()
	old, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	small, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	require.NoError(t, err)
	unsigned := byFiles()
	unsigned.Resources[0].SHA256 = manifest.Digest{}
	files, shards := measure(contents())
	shards["weights.bin"] = shards["weights.bin"][:2]
	short := byShards()
	short.Resources = signature.ShardResources(files, mib, shards)
	colon := byShards()
	colon.Resources[0].Name = "a:b.json"
	subject := byFiles()
	subject.Subject = "\xff"
	name := func(name string) signature.Statement {
		s := byFiles()
		s.Resources[0].Name = name
		return s
	}
	for what, c := range map[string]struct {
		key   crypto.Signer
		chain []*x509.Certificate
		s     signature.Statement
		code  formats.Code
	}{
		"RSA":               {old, nil, byFiles(), signature.CodeAlgorithm},
		"P-224":             {small, nil, byFiles(), signature.CodeAlgorithm},
		"another's chain":   {p.keys["p384"], p.chain, byFiles(), signature.CodeUntrusted},
		"an issuer's":       {p.keys["between"], p.chain[1:], byFiles(), signature.CodeUsage},
		"nothing":           {p.keys["p256"], nil, signature.Statement{}, signature.CodeMethod},
		"no files":          {p.keys["p256"], nil, signature.Statement{Method: signature.Files}, signature.CodeEmpty},
		"small shards":      {p.keys["p256"], nil, signature.Statement{Method: signature.Shards, ShardSize: 8}, signature.CodeShardSize},
		"unmeasured":        {p.keys["p256"], nil, unsigned, signature.CodeSyntax},
		"a shard short":     {p.keys["p256"], nil, short, signature.CodeSyntax},
		"upwards":           {p.keys["p256"], nil, name("../a"), signature.CodeName},
		"not UTF-8":         {p.keys["p256"], nil, name("a\xff"), signature.CodeName},
		"twice":             {p.keys["p256"], nil, name("deploy.md"), signature.CodeNameTwice},
		"case":              {p.keys["p256"], nil, name("DEPLOY.md"), signature.CodeNameCase},
		"a colon by shards": {p.keys["p256"], nil, colon, signature.CodeName},
		"a broken subject":  {p.keys["p256"], nil, subject, signature.CodeSyntax},
		"a wrong signature": {broken{p.keys["p256"], func() ([]byte, error) { return []byte{1}, nil }}, nil, byFiles(), signature.CodeInvalid},
		"a long chain":      {p.keys["p256"], append(p.chain[:1:1], slices.Repeat(p.chain[1:], 16)...), byFiles(), signature.CodeLimits},
	} {
		t.Run(what, func(t *testing.T) {
			text, err := signature.Sign(c.key, c.chain, c.s)
			require.Nil(t, text)
			requireRefused(t, c.code, nil, err)
		})
	}
	_, err = signature.Sign(broken{p.keys["p256"], func() ([]byte, error) { return nil, errToken }}, nil, byFiles())
	require.ErrorIs(t, err, errToken)
}

// TestShardResources: no number of bytes that is no shard's takes forever.
func TestShardResources(t *testing.T) {
	files, shards := measure(contents())
	for _, size := range []int64{-1, 0, 1, mib - 1, 1<<53 + 1} {
		require.Empty(t, signature.ShardResources(files, size, shards))
	}
	require.Equal(t, []signature.Resource{{Name: "a.json", End: 3, SHA256: shards["a.json"][0]}},
		signature.ShardResources(files[:1], mib, shards))
}

func TestMethod(t *testing.T) {
	for _, m := range []signature.Method{signature.Files, signature.Shards} {
		text, err := m.MarshalText()
		require.NoError(t, err)
		var again signature.Method
		require.NoError(t, again.UnmarshalText(text))
		require.Equal(t, m, again)
	}
	var m signature.Method
	require.Error(t, m.UnmarshalText([]byte("")))
	require.Equal(t, "method 0", m.String())
	require.Equal(t, "method 3", signature.Method(3).String())
}
