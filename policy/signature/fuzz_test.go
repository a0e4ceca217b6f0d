package signature_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy/signature"
)

// FuzzBundle: no bundle that is not one of the seeds claims anything that no
// seed claims, whatever certificates and hints it brings.
func FuzzBundle(f *testing.F) {
	everybody := inRoot()
	everybody.Keys = trust("p256", "ed25519").Keys
	claims := map[string]bool{}
	for _, seed := range seeds(f) {
		f.Add(seed.bundle)
		if v, err := signature.Verify(seed.bundle, everybody); err == nil {
			claims[write(v)] = true
		}
	}
	require.NotEmpty(f, claims)
	paths, err := filepath.Glob("testdata/python/*.sig")
	require.NoError(f, err)
	require.NotEmpty(f, paths)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := signature.Verify(text, everybody)
		if err != nil {
			require.Nil(t, v)
			require.IsType(t, &signature.Error{}, err)
			require.LessOrEqual(t, err.(*signature.Error).Offset, int64(len(text)))
			return
		}
		require.Contains(t, claims, write(v))
		requireAgreement(t, payloadOf(t, text), &v.Statement)
	})
}

// FuzzStatement: a statement that a trusted key signed is refused, or is what a
// second reader finds in it; it is then signed again, and is the same but for
// its order.
func FuzzStatement(f *testing.F) {
	f.Add(payloadOf(f, bundleOf(f, "ed25519", few(signature.Files))))
	f.Add(payloadOf(f, bundleOf(f, "ed25519", few(signature.Shards))))
	added := 2
	for _, c := range statements {
		if text, err := json.Marshal(c.statement); err == nil && len(text) < 1<<16 {
			f.Add(text)
			added++
		}
	}
	require.Greater(f, added, 60)
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) == 0 {
			return // no envelope has it
		}
		v, err := signature.Verify(sealed(t, text), trust("ed25519"))
		if err != nil {
			require.Nil(t, v)
			require.IsType(t, &signature.Error{}, err)
			return
		}
		requireAgreement(t, text, &v.Statement)
		for _, r := range v.Resources {
			require.True(t, filepath.IsLocal(r.Name), r.Name)
		}
		bundle, err := signature.Sign(signers().keys["ed25519"], nil, v.Statement)
		if err != nil {
			require.ErrorContains(t, err, "colon")
			return
		}
		again, err := signature.Verify(bundle, trust("ed25519"))
		require.NoError(t, err)
		require.ElementsMatch(t, v.Resources, again.Resources)
		again.Resources = v.Resources
		require.Equal(t, v, again)
	})
}
