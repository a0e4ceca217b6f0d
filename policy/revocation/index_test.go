package revocation_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/revocation"
)

func TestIndex(t *testing.T) {
	l := list()
	x := l.Index()
	found := func(e revocation.Entry, ok bool) revocation.Entry {
		require.True(t, ok)
		return e
	}
	require.Equal(t, l.Entries[0], found(x.File(manifest.Digest{1})))
	require.Equal(t, l.Entries[1], found(x.Identity(manifest.Digest{2})))
	require.Equal(t, l.Entries[2], found(x.Key(manifest.Digest{3})))
	require.Equal(t, l.Entries[3], found(x.Certificate("CN=Root,O=Größe", "abc")))

	l.Entries[0] = revocation.Entry{}
	require.Equal(t, list().Entries[0], found(x.File(manifest.Digest{1})), "the index keeps nothing of the list")
}

// A digest is revoked as what it was listed as, and as nothing else.
func TestIndexAbsent(t *testing.T) {
	l := list()
	for _, x := range []*revocation.Index{l.Index(), new(revocation.List).Index(), {}} {
		for _, d := range []manifest.Digest{{}, {4}} {
			absent(t)(x.File(d))
			absent(t)(x.Identity(d))
			absent(t)(x.Key(d))
		}
		absent(t)(x.File(manifest.Digest{2}))
		absent(t)(x.Identity(manifest.Digest{3}))
		absent(t)(x.Key(manifest.Digest{1}))
		absent(t)(x.Certificate("", ""))
		absent(t)(x.Certificate("CN=Root,O=Größe", ""))
		absent(t)(x.Certificate("CN=Root,O=Größe", "ABC"))
		absent(t)(x.Certificate("cn=Root,O=Größe", "abc"))
	}
}

func absent(t *testing.T) func(revocation.Entry, bool) {
	return func(e revocation.Entry, ok bool) {
		require.False(t, ok)
		require.Zero(t, e)
	}
}
