//go:build unix

package hf

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/manifest"
)

// A file that others own or may write to is not the cache's: it is absent, and
// another one comes in its place. What the cache makes is its own under any umask.
func TestForeignFiles(t *testing.T) {
	defer unix.Umask(unix.Umask(0))
	foreign := map[string]func(path string) error{
		"its group may write": func(path string) error { return os.Chmod(path, 0o620) },
		"all may write":       func(path string) error { return os.Chmod(path, 0o666) },
	}
	if os.Geteuid() == 0 { // who else may give a file away
		foreign["another's"] = func(path string) error { return os.Chown(path, 65534, 65534) }
	}
	s := smallRepository(t)
	for what, give := range foreign {
		h := s.client(t)
		offline := h
		offline.Offline = true
		s.requireAll(t, openTree(t, h))
		for _, dir := range []string{"blobs", "places", "listings"} {
			for _, file := range kept(t, h, dir) {
				require.NoError(t, give(filepath.Join(h.Cache, dir, file)))
			}
			tree, err := offline.Repository(testID, testCommit).Open(t.Context(), formats.Limits{})
			if dir != "listings" {
				require.NoError(t, err)
				_, err = content(t.Context(), tree, "config.json")
				require.NoError(t, tree.Close())
			}
			require.ErrorIs(t, err, ErrOffline, "%s in %s", what, dir)
			require.ErrorIs(t, err, ErrCache, "%s in %s", what, dir)
			s.requireAll(t, openTree(t, h))
			s.requireAll(t, openTree(t, offline))
		}
		blob := filepath.Join(h.Cache, "blobs", hexSHA256(s.lfs[big]))
		require.NoError(t, os.Remove(blob))
		staged := filepath.Join(h.Cache, "staging", key(h.Endpoint, testID, testCommit, big))
		require.NoError(t, os.WriteFile(staged, s.lfs[big], 0o600))
		require.NoError(t, give(staged))
		s.requests()
		s.requireAll(t, openTree(t, h))
		require.Equal(t, []string{""}, rangesOf(s.requests(), "cdn"), "%s in staging", what)
		require.NoError(t, filepath.WalkDir(h.Cache, func(path string, d fs.DirEntry, err error) error {
			require.NoError(t, err)
			info, err := d.Info()
			require.NoError(t, err)
			require.True(t, isPrivate(info), path)
			return nil
		}))
		requireSound(t, h)

		require.NoError(t, os.Remove(blob))
		require.NoError(t, give(filepath.Join(h.Cache, "locks", key(h.Endpoint, testID, testCommit, big))))
		_, err := content(t.Context(), openTree(t, h), big)
		require.ErrorIs(t, err, ErrCache, "somebody may hold the lock")
	}
}

// rewrite gives a file these bytes, and the time back at which it was written to.
func rewrite(t *testing.T, path string, b []byte) {
	t.Helper()
	before, err := os.Stat(path)
	require.NoError(t, err)
	for after := before; changed(after) == changed(before); { // the clock of a file system has ticks
		require.NoError(t, os.WriteFile(path, b, 0o600))
		require.NoError(t, os.Chtimes(path, before.ModTime(), before.ModTime()))
		after, err = os.Stat(path)
		require.NoError(t, err)
	}
}

// A blob that is rewritten with its time put back is measured again, and is none
// if that happens while it is measured.
func TestRewritten(t *testing.T) {
	s := smallRepository(t)
	h := s.client(t)
	opened := openTree(t, h)
	s.requireAll(t, opened)
	blob := filepath.Join(h.Cache, "blobs", hexSHA256(s.lfs[big]))
	rewrite(t, blob, bytes.Repeat([]byte("x"), len(s.lfs[big])))
	s.requireAll(t, opened)

	c, err := openCache(h.Cache, false)
	require.NoError(t, err)
	defer c.root.Close()
	e := entry{name: big, size: int64(len(s.lfs[big]))}
	e.sha256, err = manifest.ParseDigest(hexSHA256(s.lfs[big]))
	require.NoError(t, err)
	looks := 0
	meanwhile := onErr{t.Context(), func() {
		if looks++; looks == 2 {
			rewrite(t, blob, s.lfs[big])
		}
	}}
	f, _, err := c.blob(meanwhile, e, e.sha256)
	require.ErrorIs(t, err, ErrCache)
	require.Nil(t, f)
	f, _, err = c.blob(t.Context(), e, e.sha256)
	require.NoError(t, err)
	b, err := io.ReadAll(f)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.True(t, bytes.Equal(s.lfs[big], b))
}

// onErr is a context with something that happens whenever it is asked.
type onErr struct {
	context.Context
	happens func()
}

func (c onErr) Err() error { c.happens(); return c.Context.Err() }
