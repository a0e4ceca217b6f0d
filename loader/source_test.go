package loader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
)

func openTree(t *testing.T, src Source, lim formats.Limits) Tree {
	t.Helper()
	tree, err := src.Open(t.Context(), lim)
	require.NoError(t, err)
	t.Cleanup(func() { tree.Close() })
	return tree
}

// listAll is everything that a tree lists, by name, and the error at its end.
func listAll(tree Tree) (map[string]policy.File, error) {
	all := map[string]policy.File{}
	for f, err := range tree.Files(context.Background()) {
		if err != nil {
			return all, err
		}
		all[f.Name] = f
	}
	return all, nil
}

func names(all map[string]policy.File) []string { return slices.Sorted(maps.Keys(all)) }

func contentOf(t *testing.T, tree Tree, name string) string {
	t.Helper()
	f, err := tree.Open(t.Context(), name)
	require.NoError(t, err)
	defer f.Close()
	b, err := io.ReadAll(f)
	require.NoError(t, err)
	return string(b)
}

var twoFiles = map[string][]byte{"a.txt": []byte("alpha"), "sub/deep/b.bin": []byte("beta!!")}

func TestSourcesList(t *testing.T) {
	dir := write(t, twoFiles)
	info := func(path string) fs.FileInfo {
		i, err := os.Stat(path)
		require.NoError(t, err)
		return i
	}
	for _, c := range []struct {
		name   string
		src    Source
		origin policy.Origin
		root   fs.FileInfo
		want   map[string]string
		local  bool
	}{
		{"dir", Dir(dir), policy.Origin{Kind: "dir"}, info(dir), map[string]string{"a.txt": "alpha", "sub/deep/b.bin": "beta!!"}, true},
		{"file", File(filepath.Join(dir, "a.txt")), policy.Origin{Kind: "file"}, info(filepath.Join(dir, "a.txt")), map[string]string{"a.txt": "alpha"}, true},
		{"fs of a directory", FS(os.DirFS(dir)), policy.Origin{Kind: "fs"}, nil, map[string]string{"a.txt": "alpha", "sub/deep/b.bin": "beta!!"}, false},
		{"fs in memory", FS(fstest.MapFS{"m/x": {Data: []byte("xx")}}), policy.Origin{Kind: "fs"}, nil, map[string]string{"m/x": "xx"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.origin, c.src.Origin())
			tree := openTree(t, c.src, formats.Limits{})
			if c.root == nil {
				require.Nil(t, tree.Root())
			} else {
				require.True(t, os.SameFile(c.root, tree.Root()))
			}
			for range 2 { // a tree is listed as often as one likes
				all, err := listAll(tree)
				require.NoError(t, err)
				require.Equal(t, slices.Sorted(maps.Keys(c.want)), names(all))
				for name, content := range c.want {
					require.Equal(t, policy.Regular, all[name].Kind)
					require.Equal(t, int64(len(content)), all[name].Size)
				}
			}
			for name, content := range c.want {
				require.Equal(t, content, contentOf(t, tree, name))
				f, err := tree.Open(t.Context(), name)
				require.NoError(t, err)
				_, local := f.(*os.File)
				require.Equal(t, c.local, local, "only a local file is mapped")
				_, positioned := f.(io.ReaderAt)
				require.True(t, positioned)
				require.NoError(t, f.Close())
			}
			_, err := tree.Open(t.Context(), "absent")
			require.ErrorIs(t, err, fs.ErrNotExist)
		})
	}
}

func TestSourceNames(t *testing.T) {
	dir := write(t, twoFiles)
	for _, src := range []Source{Dir(dir), FS(os.DirFS(dir))} {
		tree := openTree(t, src, formats.Limits{})
		for _, name := range []string{"", ".", "..", "/a.txt", "./a.txt", "a.txt/", "sub/../a.txt", "sub//deep/b.bin", "../" + filepath.Base(dir) + "/a.txt"} {
			_, err := tree.Open(t.Context(), name)
			require.ErrorIs(t, err, fs.ErrInvalid, "%s %q", src.Origin().Kind, name)
		}
		for _, name := range []string{"sub", "sub/deep"} {
			_, err := tree.Open(t.Context(), name)
			require.ErrorIs(t, err, ErrIrregular, "%s %q", src.Origin().Kind, name)
		}
	}
	one := openTree(t, File(filepath.Join(dir, "a.txt")), formats.Limits{})
	for _, name := range []string{"sub/deep/b.bin", "./a.txt", ".."} {
		_, err := one.Open(t.Context(), name)
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
}

func TestSourcesThatAreNone(t *testing.T) {
	dir := write(t, twoFiles)
	for name, c := range map[string]struct {
		src  Source
		want error
	}{
		"no dir":              {Dir(""), fs.ErrInvalid},
		"dir is absent":       {Dir(filepath.Join(dir, "absent")), fs.ErrNotExist},
		"no file":             {File(""), fs.ErrInvalid},
		"file is a directory": {File(dir + string(filepath.Separator)), fs.ErrInvalid},
		"file is a dot":       {File(filepath.Join(dir, "sub") + string(filepath.Separator) + "."), fs.ErrInvalid},
		"file climbs":         {File(filepath.Join(dir, "sub") + string(filepath.Separator) + ".."), fs.ErrInvalid},
		"file is absent":      {File(filepath.Join(dir, "absent")), fs.ErrNotExist},
		"no fs":               {FS(nil), fs.ErrInvalid},
	} {
		tree, err := c.src.Open(t.Context(), formats.Limits{})
		require.ErrorIs(t, err, c.want, name)
		require.Nil(t, tree, name)
	}
	_, err := Dir(filepath.Join(dir, "a.txt")).Open(t.Context(), formats.Limits{})
	require.Error(t, err)

	all, err := listAll(openTree(t, File(filepath.Join(dir, "sub")), formats.Limits{}))
	require.NoError(t, err)
	require.Equal(t, policy.Irregular, all["sub"].Kind)
}

func TestSourceDepth(t *testing.T) {
	const depth = 4
	deep := func(n int) string { return strings.Repeat("d/", n) + "f" }
	for _, c := range []struct {
		files map[string][]byte
		want  error
	}{
		{map[string][]byte{deep(depth): nil, "g": nil}, nil},
		{map[string][]byte{deep(depth + 1): nil, "g": nil}, ErrDepth},
	} {
		dir := write(t, c.files)
		for _, src := range []Source{Dir(dir), FS(os.DirFS(dir))} {
			tree := openTree(t, src, formats.Limits{MaxDepth: depth})
			all, err := listAll(tree)
			if c.want == nil {
				require.NoError(t, err)
				require.Equal(t, []string{deep(depth), "g"}, names(all))
				continue
			}
			require.ErrorIs(t, err, c.want)
		}
		if c.want != nil {
			_, err := openTree(t, Dir(dir), formats.Limits{MaxDepth: depth}).Open(t.Context(), deep(depth+1))
			require.ErrorIs(t, err, c.want)
		}
	}
}

func TestSourceDirectories(t *testing.T) {
	dir := t.TempDir()
	for i := range 4 {
		require.NoError(t, os.Mkdir(filepath.Join(dir, fmt.Sprint(i)), 0o755))
	}
	for _, src := range []Source{Dir(dir), FS(os.DirFS(dir))} {
		_, err := listAll(openTree(t, src, formats.Limits{MaxFiles: 4}))
		require.NoError(t, err)
		_, err = listAll(openTree(t, src, formats.Limits{MaxFiles: 3}))
		require.ErrorIs(t, err, ErrDirectories, "directories without files are counted too")
	}
}

func TestSourceCancel(t *testing.T) {
	files := map[string][]byte{}
	for i := range 3 * batch {
		files[fmt.Sprintf("f%04d", i)] = nil
	}
	dir := write(t, files)
	for _, src := range []Source{Dir(dir), FS(os.DirFS(dir)), File(filepath.Join(dir, "f0000"))} {
		ctx, cancel := context.WithCancel(t.Context())
		tree := openTree(t, src, formats.Limits{})
		if src.Origin().Kind != "file" {
			n := 0
			for _, err := range tree.Files(ctx) {
				if n++; err != nil {
					require.ErrorIs(t, err, context.Canceled)
				}
				cancel()
			}
			require.Less(t, n, len(files), "a listing ends with its context")
		}
		cancel()
		_, err := src.Open(ctx, formats.Limits{})
		require.ErrorIs(t, err, context.Canceled)
		_, err = tree.Open(ctx, "f0000")
		require.ErrorIs(t, err, context.Canceled)
		n := 0
		for _, err := range tree.Files(ctx) {
			require.ErrorIs(t, err, context.Canceled)
			n++
		}
		require.Equal(t, 1, n)
	}
}

func TestSourceClosed(t *testing.T) {
	tree, err := Dir(write(t, twoFiles)).Open(t.Context(), formats.Limits{})
	require.NoError(t, err)
	require.NoError(t, tree.Close())
	_, err = listAll(tree)
	require.ErrorIs(t, err, fs.ErrClosed)
	_, err = tree.Open(t.Context(), "a.txt")
	require.ErrorIs(t, err, fs.ErrClosed)
}

// crowd is an fs.FS whose root reports entries as long as it is asked.
type crowd struct {
	entries  int
	reported int
	name     func(i int) string
}

func (c *crowd) Open(string) (fs.File, error) { return &crowdDir{crowd: c}, nil }

type crowdDir struct {
	*crowd
	next int
}

func (d *crowdDir) Stat() (fs.FileInfo, error) { return crowdEntry("."), nil }
func (d *crowdDir) Read([]byte) (int, error)   { return 0, fs.ErrInvalid }
func (d *crowdDir) Close() error               { return nil }

func (d *crowdDir) ReadDir(n int) (list []fs.DirEntry, err error) {
	if n <= 0 {
		return nil, errors.New("all at once")
	}
	for ; len(list) < n && d.next < d.entries; d.next++ {
		list = append(list, fs.FileInfoToDirEntry(crowdEntry(d.name(d.next))))
	}
	d.reported += len(list)
	if d.next == d.entries && len(list) == 0 {
		err = io.EOF
	}
	return list, err
}

type crowdEntry string

func (e crowdEntry) Name() string       { return string(e) }
func (e crowdEntry) Size() int64        { return 1 }
func (e crowdEntry) Mode() fs.FileMode  { return 0o444 }
func (e crowdEntry) ModTime() time.Time { return time.Time{} }
func (e crowdEntry) IsDir() bool        { return false }
func (e crowdEntry) Sys() any           { return nil }

func TestFSCrowd(t *testing.T) {
	c := &crowd{entries: 1_000_000, name: func(i int) string { return fmt.Sprint(i) }}
	n, limit := 0, formats.Limits{}.WithDefaults().MaxFiles
	for _, err := range openTree(t, FS(c), formats.Limits{}).Files(t.Context()) {
		require.NoError(t, err)
		if n++; n > limit {
			break
		}
	}
	require.Equal(t, limit+1, n)
	require.LessOrEqual(t, c.reported, limit+1+batch, "no more was asked for than was listed")
}

func TestFSNames(t *testing.T) {
	for _, name := range []string{"", ".", "..", "../a", "a/b", "/a", "a/"} {
		all, err := listAll(openTree(t, FS(&crowd{entries: 1, name: func(int) string { return name }}), formats.Limits{}))
		require.ErrorIs(t, err, fs.ErrInvalid, "%q", name)
		require.Empty(t, all)
	}
}

// openFS is an fs.FS of one function.
type openFS func(name string) (fs.File, error)

func (f openFS) Open(name string) (fs.File, error) { return f(name) }

// listFile is a directory whose ReadDir is a function.
type listFile struct {
	fs.File
	list func(n int) ([]fs.DirEntry, error)
}

func (f listFile) Close() error                         { return nil }
func (f listFile) ReadDir(n int) ([]fs.DirEntry, error) { return f.list(n) }

func TestFSMisbehaves(t *testing.T) {
	broken := errors.New("broken")
	loop := fstest.MapFS{"d": {Mode: fs.ModeDir | 0o755}}
	entry, err := fs.Stat(loop, "d")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		fsys fs.FS
		want error
	}{
		"no directories": {openFS(func(string) (fs.File, error) { return struct{ fs.File }{listFile{}}, nil }), errors.ErrUnsupported},
		"no progress": {openFS(func(string) (fs.File, error) {
			return listFile{list: func(int) ([]fs.DirEntry, error) { return nil, nil }}, nil
		}), io.ErrNoProgress},
		"fails": {openFS(func(string) (fs.File, error) {
			return listFile{list: func(int) ([]fs.DirEntry, error) { return nil, broken }}, nil
		}), broken},
		"does not open": {openFS(func(string) (fs.File, error) { return nil, broken }), broken},
		"itself in itself": {openFS(func(string) (fs.File, error) {
			return listFile{list: func(int) ([]fs.DirEntry, error) {
				return []fs.DirEntry{fs.FileInfoToDirEntry(entry)}, nil
			}}, nil
		}), ErrDepth},
	} {
		_, err := listAll(openTree(t, FS(c.fsys), formats.Limits{}))
		require.ErrorIs(t, err, c.want, name)
	}
}

func TestFSStream(t *testing.T) {
	mem := fstest.MapFS{"f": {Data: []byte("stream")}}
	tree := openTree(t, FS(openFS(func(name string) (fs.File, error) {
		f, err := mem.Open(name)
		return struct{ fs.File }{f}, err
	})), formats.Limits{})
	f, err := tree.Open(t.Context(), "f")
	require.NoError(t, err)
	defer f.Close()
	_, positioned := f.(io.ReaderAt)
	require.False(t, positioned, "what cannot be read at an offset does not claim it")
}
