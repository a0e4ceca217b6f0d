package hf

import (
	"bytes"
	"context"
	"crypto/fips140"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy/manifest"
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
	digest := manifest.Digest(sha256.Sum256(s.lfs[big]))
	require.NotNil(t, opened.reopen(big, digest))
	require.NoError(t, os.WriteFile(blob, randomBytes(300_001, "x"), 0o600))
	require.Nil(t, opened.reopen(big, digest))
	s.requireAll(t, opened)
	require.NoError(t, os.Remove(blob))
	require.Nil(t, opened.reopen(big, digest))
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

// What was forgotten is asked for again, and nothing else is.
func TestForget(t *testing.T) {
	s := newServer(t, map[string][]byte{big: []byte("a lie")}, map[string][]byte{})
	h := s.client(t)
	require.NoError(t, h.Forget(testID, testCommit), "there is none")
	s.requireAll(t, openTree(t, h))
	s.lfs[big], s.git = []byte("the truth"), map[string][]byte{"config.json": []byte("{}")}
	_, err := openTree(t, h).Open(t.Context(), "config.json")
	require.ErrorIs(t, err, fs.ErrNotExist)
	offline := h
	offline.Offline = true
	require.ErrorIs(t, offline.Forget(testID, testCommit), ErrOffline)
	require.ErrorIs(t, h.Forget(testID, "main"), fs.ErrInvalid)
	require.Len(t, kept(t, h, "listings"), 1)
	require.NoError(t, h.Forget(testID, testCommit))
	require.Empty(t, kept(t, h, "listings"))
	s.requireAll(t, openTree(t, h))
	requireSound(t, h)
}

// Names far deeper than anybody wants take no more than their text, from the
// hub and from the cache, and no time that the caller does not have.
func TestDeepNames(t *testing.T) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"sha":%q,"siblings":[`, testCommit)
	const files, depth = 2000, (maxName - 8) / 2
	for n := range files {
		if n > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"rfilename":"%05x/%sa","size":1,"blobId":"%s"}`, n, strings.Repeat("a/", depth), strings.Repeat("cd", 20))
	}
	b.WriteString("]}")
	s := smallRepository(t)
	s.onMetadata = always(func(w http.ResponseWriter, _ *http.Request) { w.Write(b.Bytes()) })
	h := s.client(t)
	for range 2 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		opened := openTree(t, h).(*tree)
		var err error
		for _, e := range opened.Files(t.Context()) {
			err = e
		}
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, loader.ErrDirectories)
		require.Equal(t, files*(depth+1), opened.listing.directories())
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(24*b.Len()))
	}
	require.Len(t, s.requests(), 1)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := parseMetadata(ended, b.Bytes(), testCommit)
	require.ErrorIs(t, err, context.Canceled)
}

// A file that was fetched is not read again to be opened.
func TestFetchedIsMeasured(t *testing.T) {
	s := smallRepository(t)
	opened := openTree(t, s.client(t)).(*tree)
	for name, b := range map[string][]byte{big: s.lfs[big], "config.json": s.git["config.json"]} {
		i, ok := opened.listing.search(name)
		require.True(t, ok)
		require.NoError(t, opened.fetch(t.Context(), opened.key(name), opened.listing[i]))
		f := opened.reopen(name, sha256.Sum256(b))
		require.NotNil(t, f)
		got, err := io.ReadAll(f)
		require.NoError(t, errors.Join(err, f.Close()))
		require.True(t, bytes.Equal(b, got))
	}
}

// Where SHA-1 is forbidden, a file that has no other digest is an error.
func TestFIPS(t *testing.T) {
	if !fips140.Enforced() {
		c := exec.Command(os.Args[0], "-test.run=^TestFIPS$", "-test.v")
		c.Env = append(os.Environ(), "GODEBUG=fips140=only")
		out, err := c.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "--- PASS: TestFIPS")
		return
	}
	c, err := openCache(filepath.Join(t.TempDir(), "cache"), false)
	require.NoError(t, err)
	defer c.root.Close()
	opened := &tree{cache: c, lim: formats.Limits{}.WithDefaults(), life: t.Context(),
		listing: listing{{name: "config.json", size: 1, sha1: [20]byte{1}}}}
	_, err = opened.Open(t.Context(), "config.json")
	require.ErrorIs(t, err, errors.ErrUnsupported)
}
