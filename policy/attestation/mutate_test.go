package attestation_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy/attestation"
	"github.com/weightgate/weightgate/policy/internal/mutants"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/signature"
)

func write(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// TestMutants: a payload that is signed anew with each byte flipped, and each
// member dropped, doubled and made another type, is refused, or says what a
// second reader finds in it.
func TestMutants(t *testing.T) {
	var refused, accepted int
	for _, k := range kinds(t) {
		for payload := range mutants.Of(k.payload, 0x01, 0x02, 0x10, 0x20, 0x80) {
			v, err := k.parse(payload)
			if err != nil {
				require.IsType(t, &attestation.Error{}, err)
				require.Nil(t, v)
				refused++
				continue
			}
			requireAgreement(t, k, payload, v)
			accepted++
		}
	}
	require.Greater(t, refused, 5_000)
	require.Greater(t, accepted, 100, "another name and another time are as good")
	t.Logf("%d refused, %d accepted", refused, accepted)
}

// TestSealedMutants: the same for signed documents. None says anything else
// than what was signed, nor is it by anyone else.
func TestSealedMutants(t *testing.T) {
	var refused, accepted int
	for _, k := range kinds(t) {
		sealed, err := signature.Seal(key, nil, signature.InToto, k.payload)
		require.NoError(t, err)
		claim := mustParse(t, k)
		_, signer, err := signature.Open(sealed, signature.InToto, trust)
		require.NoError(t, err)
		for text := range mutants.Of(sealed, 0x01, 0x02, 0x20) {
			payload, by, err := signature.Open(text, signature.InToto, trust)
			if err != nil {
				require.Nil(t, payload)
				refused++
				continue
			}
			v, err := k.parse(payload)
			require.NoError(t, err)
			require.Equal(t, claim, v, "%s", text)
			require.Equal(t, signer, by, "%s", text)
			accepted++
		}
	}
	require.Greater(t, refused, 10_000)
	require.NotZero(t, accepted, "a bundle may be spaced out, and its hints are not signed")
	require.Less(t, accepted, refused/10)
	t.Logf("%d refused, %d accepted", refused, accepted)
}

// TestClaims: the mutants above would show a change of each part of a claim.
func TestClaims(t *testing.T) {
	for name, change := range map[string]func(a *attestation.Approval){
		"name":        func(a *attestation.Approval) { a.Name = "x" },
		"digest":      func(a *attestation.Approval) { a.Identity = manifest.Digest{9} },
		"role":        func(a *attestation.Approval) { a.Role = "x" },
		"environment": func(a *attestation.Approval) { a.Environment = "" },
		"release":     func(a *attestation.Approval) { a.Release++ },
		"time":        func(a *attestation.Approval) { a.Expires = a.Expires.Add(1e9) },
	} {
		a := approval()
		before, err := a.Encode()
		require.NoError(t, err)
		change(&a)
		after, err := a.Encode()
		require.NoError(t, err)
		b, err := attestation.ParseApproval(after)
		require.NoError(t, err)
		require.NotEqual(t, approval(), *b, name)
		require.NotEqual(t, before, after, name)
	}
}
