//go:build unix

package hf

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/weightgate/weightgate/formats"
)

func TestPrivateTo(t *testing.T) {
	for _, c := range []struct {
		user, owner int
		mode        fs.FileMode
		want        bool
	}{
		{1000, 1000, 0o700, true},
		{1000, 1000, 0o755, true},
		{1000, 0, 0o755, true},
		{0, 0, 0o700, true},
		{1000, 1001, 0o700, false},
		{0, 1000, 0o700, false},
		{1000, 1000, 0o770, false},
		{1000, 1000, 0o702, false},
		{1000, 0, 0o777 | fs.ModeSticky, false},
	} {
		require.Equal(t, c.want, privateTo(c.user, c.owner, c.mode), "%v", c)
	}
}

// A cache that somebody else may write to is none, offline too.
func TestSharedCache(t *testing.T) {
	s := smallRepository(t)
	h := s.client(t)
	s.requireAll(t, openTree(t, h))
	for _, dir := range []string{".", "blobs", "listings", "places", "staging", "locks"} {
		path := filepath.Join(h.Cache, dir)
		require.NoError(t, os.Chmod(path, 0o777))
		for _, offline := range []bool{false, true} {
			h.Offline = offline
			_, err := h.Repository(testID, testCommit).Open(t.Context(), formats.Limits{})
			require.ErrorIs(t, err, ErrCache, dir)
			require.Contains(t, err.Error(), path)
		}
		require.NoError(t, os.Chmod(path, 0o700))
	}
	require.NoError(t, os.RemoveAll(filepath.Join(h.Cache, "blobs")))
	require.NoError(t, os.Symlink(t.TempDir(), filepath.Join(h.Cache, "blobs")))
	_, err := h.Repository(testID, testCommit).Open(t.Context(), formats.Limits{})
	require.ErrorIs(t, err, ErrCache)
}

// Nothing is written to or read from a file that has another name too.
func TestHardLinks(t *testing.T) {
	s := smallRepository(t)
	h := s.client(t)
	tree := openTree(t, h)
	outside := filepath.Join(t.TempDir(), "outside")
	require.NoError(t, os.WriteFile(outside, []byte("precious"), 0o600))
	require.NoError(t, os.Link(outside, filepath.Join(h.Cache, "staging", key(h.Endpoint, testID, testCommit, big))))
	s.requireAll(t, tree)
	b, err := os.ReadFile(outside)
	require.NoError(t, err)
	require.True(t, string(b) == "precious", "%d bytes", len(b))

	blob := filepath.Join(h.Cache, "blobs", hexSHA256(s.lfs[big]))
	second := filepath.Join(t.TempDir(), "second")
	require.NoError(t, os.Link(blob, second))
	offline := h
	offline.Offline = true
	_, err = content(t.Context(), openTree(t, offline), big)
	require.ErrorIs(t, err, ErrOffline)
	require.ErrorIs(t, err, ErrCache)
	s.requireAll(t, tree)
	one, err := os.Stat(blob)
	require.NoError(t, err)
	other, err := os.Stat(second)
	require.NoError(t, err)
	require.False(t, os.SameFile(one, other))
	requireSound(t, h)
}

// What is no file in the place of one is replaced, or named in the error: if it
// is a directory with something in it, or in the place of a lock.
func TestObstacles(t *testing.T) {
	weights := randomBytes(300_000, "lfs")
	for what, obstruct := range map[string]func(path string) error{
		"a directory":       func(path string) error { return os.Mkdir(path, 0o700) },
		"a full directory":  func(path string) error { return os.MkdirAll(path+"/x", 0o700) },
		"a pipe":            func(path string) error { return unix.Mkfifo(path, 0o600) },
		"a link":            func(path string) error { return os.Symlink("/etc/passwd", path) },
		"a link to nothing": func(path string) error { return os.Symlink("../blobs/zzz", path) },
		"a link to itself":  func(path string) error { return os.Symlink(filepath.Base(path), path) },
	} {
		s := newServer(t, map[string][]byte{big: weights}, map[string][]byte{"config.json": []byte("{}")})
		keyOf := func(words ...string) string { return key(append([]string{s.hub.URL, testID, testCommit}, words...)...) }
		for _, where := range []string{
			"blobs/" + hexSHA256(weights),
			"staging/" + keyOf(big),
			"staging/" + keyOf("config.json") + ".new",
			"places/" + keyOf("config.json"),
			"listings/" + keyOf(),
			"locks/" + keyOf(big),
			"locks/blob-" + hexSHA256(weights),
		} {
			h := s.client(t)
			c, err := openCache(h.Cache, false)
			require.NoError(t, err)
			require.NoError(t, c.root.Close())
			require.NoError(t, obstruct(filepath.Join(h.Cache, where)))
			tree, err := h.Repository(testID, testCommit).Open(t.Context(), formats.Limits{})
			for _, name := range []string{big, "config.json"} {
				if err == nil {
					_, err = content(t.Context(), tree, name)
				}
			}
			if what == "a full directory" || strings.HasPrefix(where, "locks/") {
				require.ErrorContains(t, err, where, "%s at %s", what, where)
				continue
			}
			require.NoError(t, err, "%s at %s", what, where)
			s.requireAll(t, openTree(t, h))
			requireSound(t, h)
		}
	}
}
