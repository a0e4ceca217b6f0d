package hf

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
)

func TestOffline(t *testing.T) {
	s := smallRepository(t)
	h := s.client(t)
	offline := h
	offline.Offline = true
	_, err := offline.Repository(testID, testCommit).Open(t.Context(), formats.Limits{})
	require.ErrorIs(t, err, ErrOffline)
	require.NoDirExists(t, h.Cache, "offline makes nothing")
	require.NoError(t, os.Mkdir(h.Cache, 0o700))
	_, err = offline.Repository(testID, testCommit).Open(t.Context(), formats.Limits{})
	require.ErrorIs(t, err, ErrOffline)

	_, err = content(t.Context(), openTree(t, h), "config.json")
	require.NoError(t, err)
	s.requests()
	tree := openTree(t, offline)
	got, err := content(t.Context(), tree, "config.json")
	require.NoError(t, err)
	require.Equal(t, s.git["config.json"], got)
	for _, name := range []string{big, "__init__.txt"} {
		_, err = content(t.Context(), tree, name)
		require.ErrorIs(t, err, ErrOffline, name)
	}
	s.requireAll(t, openTree(t, h))
	s.requests()
	s.requireAll(t, openTree(t, offline))

	other := offline
	other.Endpoint = "https://mirror.example"
	_, err = other.Repository(testID, testCommit).Open(t.Context(), formats.Limits{})
	require.ErrorIs(t, err, ErrOffline, "what one endpoint lists is not believed of another")
	require.Empty(t, s.requests())
}

// Whatever became of a file of the cache, offline it is an error, and online it
// is fetched again.
func TestDamage(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	require.NoError(t, os.WriteFile(outside, randomBytes(300_000, "lfs"), 0o600))
	for name, spoil := range map[string]func(path string) error{
		"a bit": func(path string) error {
			b, err := os.ReadFile(path)
			if err != nil || len(b) == 0 {
				return err
			}
			b[len(b)/2] ^= 1
			return os.WriteFile(path, b, 0o600)
		},
		"cut":     func(path string) error { return os.Truncate(path, 1) },
		"empty":   func(path string) error { return os.Truncate(path, 0) },
		"longer":  func(path string) error { return appendTo(path) },
		"removed": os.Remove,
		"a link": func(path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Symlink(outside, path)
		},
	} {
		for _, dir := range []string{"blobs", "listings", "places"} {
			t.Run(name+" of "+dir, func(t *testing.T) {
				s := newServer(t, map[string][]byte{big: randomBytes(300_000, "lfs")}, map[string][]byte{"config.json": []byte(`{"a":1}`)})
				h := s.client(t)
				s.requireAll(t, openTree(t, h))
				for _, file := range kept(t, h, dir) {
					require.NoError(t, spoil(filepath.Join(h.Cache, dir, file)))
				}
				offline := h
				offline.Offline = true
				tree, err := offline.Repository(testID, testCommit).Open(t.Context(), formats.Limits{})
				if dir != "listings" {
					require.NoError(t, err)
					_, err = content(t.Context(), tree, "config.json")
					require.NoError(t, tree.Close())
				}
				require.ErrorIs(t, err, ErrOffline)

				s.requireAll(t, openTree(t, h))
				s.requireAll(t, openTree(t, offline))
				requireSound(t, h)
				b, err := os.ReadFile(outside)
				require.NoError(t, err)
				require.True(t, bytes.Equal(randomBytes(300_000, "lfs"), b), "nothing is written through a link")
			})
		}
	}
}

func appendTo(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, 'x'), 0o600)
}

// A place that leads to another good blob does not make it the file.
func TestPlaceOfAnotherBlob(t *testing.T) {
	s := newServer(t, nil, map[string][]byte{"a": []byte("aaaa"), "b": []byte("bbbb")})
	h := s.client(t)
	s.requireAll(t, openTree(t, h))
	a := filepath.Join(h.Cache, "places", key(h.Endpoint, testID, testCommit, "a"))
	b, err := os.ReadFile(filepath.Join(h.Cache, "places", key(h.Endpoint, testID, testCommit, "b")))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(a, b, 0o600))
	s.requireAll(t, openTree(t, h))
}

// What was measured for a tree is not measured again, unless it is another file.
func TestOpenedAgain(t *testing.T) {
	s := smallRepository(t)
	h := s.client(t)
	opened := openTree(t, h).(*tree)
	for range 2 {
		s.requireAll(t, opened)
	}
	blob := filepath.Join(h.Cache, "blobs", hexSHA256(s.lfs[big]))
	require.NotNil(t, opened.again(big, opened.listing[big].sha256))
	require.NoError(t, os.WriteFile(blob, randomBytes(300_001, "x"), 0o600))
	require.Nil(t, opened.again(big, opened.listing[big].sha256))
	s.requireAll(t, opened)
	require.NoError(t, os.Remove(blob))
	require.Nil(t, opened.again(big, opened.listing[big].sha256))
	s.requireAll(t, opened)
	requireSound(t, h)
}

// Content is kept once, whoever brings it, under whatever name.
func TestContentIsKeptOnce(t *testing.T) {
	same := []byte("the same")
	s := newServer(t, map[string][]byte{"lfs": same}, map[string][]byte{"a": same, "b/a": same, "c": {}, "d": {}})
	h := s.client(t)
	var all sync.WaitGroup
	for range 3 {
		tree := openTree(t, h)
		for _, name := range []string{"lfs", "a", "b/a", "c", "d"} {
			all.Go(func() {
				f, err := tree.Open(context.Background(), name)
				if err != nil {
					t.Error(name, err)
					return
				}
				defer f.Close()
				before, err := f.Stat()
				if err != nil || before.Size() != int64(len(s.git[name])+len(s.lfs[name])) {
					t.Error(name, before, err)
				}
			})
		}
	}
	all.Wait()
	require.Len(t, kept(t, h, "blobs"), 2)
	require.Empty(t, kept(t, h, "staging"))
	files := 0
	for _, r := range s.requests() {
		if r.host == "hub" && r.path != "/api/models/"+testID+"/revision/"+testCommit {
			files++
		}
	}
	require.LessOrEqual(t, files, 3, "each that is not empty is fetched once, and the one in Git LFS only if it is first")
	requireSound(t, h)
}
