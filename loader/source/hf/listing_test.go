package hf

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What encode has not written is an error: every byte of a listing changed,
// dropped and doubled, and every prefix of it.
func TestListingIsStrict(t *testing.T) {
	s := smallRepository(t)
	l, err := parseMetadata(t.Context(), s.metadata(testCommit), testCommit)
	require.NoError(t, err)
	good := l.encode()
	back, err := parseListing(good)
	require.NoError(t, err)
	require.Equal(t, l, back)
	for i := range good {
		flipped := bytes.Clone(good)
		flipped[i] ^= 1
		for _, bad := range [][]byte{flipped, good[:i], append(bytes.Clone(good[:i]), good[i+1:]...), append(bytes.Clone(good[:i+1]), good[i:]...)} {
			_, err := parseListing(bad)
			require.ErrorIs(t, err, ErrMetadata, "%q", bad)
		}
	}
	both := listing{{name: "a", size: 1, sha1: [20]byte{1}}, {name: "a/b", size: 1, sha1: [20]byte{1}}}
	_, err = parseListing(both.encode())
	require.ErrorIs(t, err, ErrMetadata)
}

func fuzzSeeds() [][]byte {
	file := func(name string) string {
		return fmt.Sprintf(`{"rfilename":%q,"size":12,"blobId":"%s"}`, name, strings.Repeat("cd", 20))
	}
	lfs := fmt.Sprintf(`{"rfilename":"w","size":12,"blobId":"x","lfs":{"sha256":"%s","size":12}}`, strings.Repeat("ab", 32))
	var seeds [][]byte
	for _, list := range []string{"", file("a"), file("a") + "," + lfs, file("../a"), file("a\u202e"), file("a\n"), file("a/b") + "," + file("a"), file("a/b/c") + "," + file("a/b/d") + "," + file("a-b/c") + "," + file("a/e"), "{}", "null"} {
		seeds = append(seeds, fmt.Appendf(nil, `{"x":[{"y":null}],"sha":%q,"siblings":[%s]}`, testCommit, list))
	}
	return seeds
}

// What metadata says is a listing that the cache writes and reads back, whose
// names lie beneath a root, each once.
func FuzzMetadata(f *testing.F) {
	seeds := fuzzSeeds()
	if len(seeds) == 0 {
		f.Fatal("no seeds")
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := parseMetadata(t.Context(), text, testCommit)
		if err != nil {
			require.ErrorIs(t, err, ErrMetadata)
			require.Nil(t, l)
			return
		}
		encoded := l.encode()
		require.Less(t, len(encoded), 8*len(text)+200)
		back, err := parseListing(encoded)
		require.NoError(t, err)
		require.Equal(t, l, back)
		directories := map[string]bool{}
		for _, e := range l {
			require.True(t, fs.ValidPath(e.name) && e.name != ".")
			require.GreaterOrEqual(t, e.size, int64(0))
			require.Equal(t, e.sha256.IsZero(), e.sha1 != [20]byte{})
			for dir := path.Dir(e.name); dir != "."; dir = path.Dir(dir) {
				directories[dir] = true
			}
		}
		require.Equal(t, len(directories), l.directories())
		for i, e := range l {
			require.False(t, directories[e.name])
			at, there := l.search(e.name)
			require.True(t, there && at == i)
		}
	})
}

// A listing that is read is the one that was written, byte for byte.
func FuzzListing(f *testing.F) {
	for _, seed := range fuzzSeeds() {
		if l, err := parseMetadata(f.Context(), seed, testCommit); err == nil {
			f.Add(l.encode())
		}
	}
	f.Add([]byte(listingHead))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := parseListing(text)
		if err != nil {
			require.Nil(t, l)
			return
		}
		require.Equal(t, text, l.encode())
	})
}
