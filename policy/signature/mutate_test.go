package signature_test

import (
	"crypto"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy/internal/mutants"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/signature"
)

// few is a statement of few bytes, since each of them is flipped.
func few(m signature.Method) signature.Statement {
	files, shards := measure(contents(), "a.json", "deploy/x.md")
	s := signature.Statement{Subject: "m", Method: m, IgnorePaths: []string{".git"}}
	if m == signature.Files {
		s.Resources = signature.FileResources(files)
		return s
	}
	s.ShardSize = mib
	s.Resources = signature.ShardResources(files, mib, shards)
	return s
}

// seeds are bundles and who may sign them.
func seeds(t testing.TB) map[string]struct {
	bundle []byte
	trust  signature.Trust
} {
	both := inRoot()
	both.Keys = trust("p256", "ed25519", "p384", "p521").Keys
	type seed = struct {
		bundle []byte
		trust  signature.Trust
	}
	all := map[string]seed{}
	for _, name := range []string{"p256", "ed25519", "chain"} {
		for _, m := range []signature.Method{signature.Files, signature.Shards} {
			all[name+" "+m.String()] = seed{bundleOf(t, name, few(m)), both}
		}
	}
	all["python"] = seed{fixture(t, "python", "p256-shards.sig"), signature.Trust{Keys: []crypto.PublicKey{publicKey(t, "python", "p256.pem")}}}
	return all
}

// fates counts what became of mutants.
type fates struct{ refused, accepted int }

// try holds a mutant against what the seed claims: it is refused, or claims the same.
func (m *fates) try(t *testing.T, text []byte, trust signature.Trust, claim *signature.Verified) {
	v, err := signature.Verify(text, trust)
	if err != nil {
		_, ok := err.(*signature.Error)
		if !ok || v != nil {
			t.Fatalf("%T with %v: %s", err, v, text)
		}
		m.refused++
		return
	}
	require.Equal(t, claim, v, "%s", text)
	m.accepted++
}

// TestMutants: each byte of each seed flipped in several ways, each member
// dropped, doubled and made another type.
func TestMutants(t *testing.T) {
	var m fates
	for name, seed := range seeds(t) {
		claim, err := signature.Verify(seed.bundle, seed.trust)
		require.NoError(t, err, name)
		for text := range mutants.Of(seed.bundle, 0x01, 0x20) {
			m.try(t, text, seed.trust, claim)
		}
	}
	require.Greater(t, m.refused, 10_000)
	require.NotZero(t, m.accepted, "a bundle may be spaced out, and its hints are not signed")
	require.Less(t, m.accepted, m.refused/10)
	t.Logf("%d refused, %d accepted", m.refused, m.accepted)
}

// TestSignedMutants: the same for statements that are signed anew. What is
// accepted is what a second reader finds in them.
func TestSignedMutants(t *testing.T) {
	var refused, accepted int
	for _, method := range []signature.Method{signature.Files, signature.Shards} {
		payload := payloadOf(t, bundleOf(t, "ed25519", few(method)))
		for text := range mutants.Of(payload, 0x01, 0x02, 0x10, 0x20, 0x80) {
			v, err := signature.Verify(sealed(t, text), trust("ed25519"))
			if err != nil {
				_, ok := err.(*signature.Error)
				require.True(t, ok && v == nil)
				refused++
				continue
			}
			requireAgreement(t, text, &v.Statement)
			accepted++
		}
	}
	require.Greater(t, refused, 5_000)
	require.NotZero(t, accepted)
	t.Logf("%d refused, %d accepted", refused, accepted)
}

// TestClaims: the mutants above would show a change of each part of a claim.
func TestClaims(t *testing.T) {
	claim := func() *signature.Verified {
		v, err := signature.Verify(bundleOf(t, "chain", few(signature.Shards)), inRoot())
		require.NoError(t, err)
		return v
	}
	for name, change := range map[string]func(v *signature.Verified){
		"name":    func(v *signature.Verified) { v.Resources[0].Name = "x" },
		"digest":  func(v *signature.Verified) { v.Resources[0].SHA256 = manifest.Digest{1} },
		"offset":  func(v *signature.Verified) { v.Resources[0].End++ },
		"signer":  func(v *signature.Verified) { v.Signer.Key = manifest.Digest{1} },
		"issuer":  func(v *signature.Verified) { v.Signer.Chain[0].Issuer = "x" },
		"time":    func(v *signature.Verified) { v.Signer.Chain[0].NotAfter = now },
		"subject": func(v *signature.Verified) { v.Subject = "x" },
		"ignored": func(v *signature.Verified) { v.IgnorePaths = nil },
	} {
		changed := claim()
		change(changed)
		require.NotEqual(t, claim(), changed, name)
	}
}
