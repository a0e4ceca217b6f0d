package revocation_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy/internal/mutants"
	"github.com/weightgate/weightgate/policy/revocation"
	"github.com/weightgate/weightgate/policy/signature"
)

var (
	key   = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	trust = signature.Trust{Keys: []crypto.PublicKey{key.Public()}}
)

// requireAgreement requires that l is written as what a second reader, which
// believes everything, finds in payload.
func requireAgreement(t require.TestingT, payload []byte, l *revocation.List) {
	again, err := l.Encode()
	require.NoError(t, err)
	require.Equal(t, read(t, payload), read(t, again), "%s", payload)
}

func read(t require.TestingT, payload []byte) map[string]any {
	var v map[string]any
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	require.NoError(t, d.Decode(&v))
	for _, e := range v["entries"].([]any) {
		if e := e.(map[string]any); e["reason"] == "" {
			delete(e, "reason") // it says what an absent one says
		}
	}
	return v
}

// TestMutants: a list that is signed anew with each byte flipped, and each
// member dropped, doubled and made another type, is refused, or revokes what a
// second reader finds in it.
func TestMutants(t *testing.T) {
	var refused, accepted int
	for payload := range mutants.Of(encoded(t, list()), 0x01, 0x02, 0x10, 0x20, 0x80) {
		l, err := revocation.Parse(payload)
		if err != nil {
			require.IsType(t, &revocation.Error{}, err)
			require.Nil(t, l)
			refused++
			continue
		}
		requireAgreement(t, payload, l)
		accepted++
	}
	require.Greater(t, refused, 1_500)
	require.Greater(t, accepted, 100, "another digest is as good")
	t.Logf("%d refused, %d accepted", refused, accepted)
}

// TestSealedMutants: the same for signed lists. None revokes anything else
// than what was signed, nor is it by anyone else.
func TestSealedMutants(t *testing.T) {
	var refused, accepted int
	for _, claim := range []revocation.List{list(), {Version: 1, IssuedAt: day}} {
		sealed, err := signature.Seal(key, nil, revocation.PayloadType, encoded(t, claim))
		require.NoError(t, err)
		_, signer, err := signature.Open(sealed, revocation.PayloadType, trust)
		require.NoError(t, err)
		for text := range mutants.Of(sealed, 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40) {
			payload, by, err := signature.Open(text, revocation.PayloadType, trust)
			if err != nil {
				require.Nil(t, payload)
				refused++
				continue
			}
			l, err := revocation.Parse(payload)
			require.NoError(t, err)
			require.Equal(t, claim, *l, "%s", text)
			require.Equal(t, signer, by, "%s", text)
			accepted++
		}
	}
	require.Greater(t, refused, 10_000)
	require.NotZero(t, accepted, "a bundle may be spaced out, and its hints are not signed")
	require.Less(t, accepted, refused/10)
	t.Logf("%d refused, %d accepted", refused, accepted)
}

// FuzzList: a payload is refused, or revokes what a second reader finds in it,
// and each of its entries is found by what it revokes.
func FuzzList(f *testing.F) {
	f.Add(encoded(f, list()))
	f.Add(encoded(f, revocation.List{Version: 1, IssuedAt: day}))
	added := 2
	for i, text := range mutants.Edits(encoded(f, list())) {
		if i%7 == 0 {
			f.Add([]byte(text))
			added++
		}
	}
	require.Greater(f, added, 50)
	f.Fuzz(func(t *testing.T, payload []byte) {
		l, err := revocation.Parse(payload)
		if err != nil {
			require.Nil(t, l)
			require.IsType(t, &revocation.Error{}, err)
			require.LessOrEqual(t, err.(*revocation.Error).Offset, int64(len(payload)))
			return
		}
		requireAgreement(t, payload, l)
		again, err := revocation.Parse(encoded(t, *l))
		require.NoError(t, err)
		require.Equal(t, l, again)
		x := l.Index()
		for _, e := range l.Entries {
			hits := 0
			for _, find := range []func() (revocation.Entry, bool){
				func() (revocation.Entry, bool) { return x.File(e.File) },
				func() (revocation.Entry, bool) { return x.Identity(e.Identity) },
				func() (revocation.Entry, bool) { return x.Key(e.Key) },
				func() (revocation.Entry, bool) { return x.Certificate(e.Issuer, e.Serial) },
			} {
				if found, ok := find(); ok {
					require.Equal(t, e, found)
					hits++
				}
			}
			require.Equal(t, 1, hits)
		}
	})
}
