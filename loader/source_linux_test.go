package loader

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
)

func TestSourceLinks(t *testing.T) {
	outside := write(t, map[string][]byte{"secret": []byte("secret")})
	dir := write(t, map[string][]byte{"real": []byte("real"), "sub/f": []byte("f")})
	links := map[string]string{
		"absolute": filepath.Join(outside, "secret"),
		"out":      "../" + filepath.Base(outside) + "/secret",
		"in":       "real",
		"dangling": "nothing",
		"itself":   "itself",
		"folder":   "sub",
		"away":     outside,
		"sub/up":   "../real",
		"proc":     "/proc/self/mem",
	}
	for name, target := range links {
		require.NoError(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	for _, src := range []Source{Dir(dir), FS(os.DirFS(dir))} {
		tree := openTree(t, src, formats.Limits{})
		all, err := listAll(tree)
		require.NoError(t, err)
		require.Len(t, all, len(links)+2)
		for name := range links {
			require.Equal(t, policy.File{Name: name, Kind: policy.Irregular, Links: 1}, all[name])
			_, err := tree.Open(t.Context(), name)
			require.ErrorIs(t, err, ErrIrregular, name)
		}
	}
	tree := openTree(t, Dir(dir), formats.Limits{})
	for _, name := range []string{"folder/f", "away/secret"} {
		_, err := tree.Open(t.Context(), name)
		require.ErrorIs(t, err, ErrIrregular, name)
	}

	one := openTree(t, File(filepath.Join(dir, "in")), formats.Limits{})
	all, err := listAll(one)
	require.NoError(t, err)
	require.Equal(t, policy.Irregular, all["in"].Kind)
	_, err = one.Open(t.Context(), "in")
	require.ErrorIs(t, err, ErrIrregular)

	through := openTree(t, File(filepath.Join(dir, "folder", "f")), formats.Limits{})
	require.Equal(t, "f", contentOf(t, through, "f"), "links above the file are the host's")
	named := filepath.Join(t.TempDir(), "current")
	require.NoError(t, os.Symlink(dir, named))
	require.Equal(t, "real", contentOf(t, openTree(t, Dir(named), formats.Limits{}), "real"), "and so is a link to the directory")
}

func TestSourceHardLinks(t *testing.T) {
	dir := write(t, map[string][]byte{"one": nil, "two": nil})
	require.NoError(t, os.Link(filepath.Join(dir, "two"), filepath.Join(dir, "too")))
	all, err := listAll(openTree(t, Dir(dir), formats.Limits{}))
	require.NoError(t, err)
	require.Equal(t, map[string]policy.File{
		"one": {Name: "one", Kind: policy.Regular, Links: 1},
		"two": {Name: "two", Kind: policy.Regular, Links: 2},
		"too": {Name: "too", Kind: policy.Regular, Links: 2},
	}, all)
}

func TestSourceCase(t *testing.T) {
	all, err := listAll(openTree(t, Dir(write(t, map[string][]byte{"Model.bin": nil, "model.bin": nil})), formats.Limits{}))
	require.NoError(t, err)
	require.Equal(t, []string{"Model.bin", "model.bin"}, names(all))
}

// specials makes a pipe, a socket and, where the user may, a device.
func specials(t *testing.T, dir string) (made []string) {
	require.NoError(t, unix.Mkfifo(filepath.Join(dir, "pipe"), 0o666))
	t.Chdir(dir) // the name of a socket is short
	l, err := net.Listen("unix", "socket")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	made = []string{"pipe", "socket"}
	switch err := unix.Mknod("device", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); {
	case err == nil:
		made = append(made, "device")
	default:
		require.ErrorIs(t, err, unix.EPERM, "only root makes devices")
	}
	return made
}

func TestSourceSpecials(t *testing.T) {
	dir := write(t, map[string][]byte{"file": nil})
	made := specials(t, dir)
	for _, src := range []Source{Dir(dir), FS(os.DirFS(dir))} {
		tree := openTree(t, src, formats.Limits{})
		all, err := listAll(tree)
		require.NoError(t, err)
		require.Len(t, all, len(made)+1)
		for _, name := range made {
			require.Equal(t, policy.Irregular, all[name].Kind, name)
			require.Zero(t, all[name].Size, name)
			_, err := tree.Open(t.Context(), name)
			require.ErrorIs(t, err, ErrIrregular, name)
		}
	}
	for _, name := range made {
		tree := openTree(t, File(filepath.Join(dir, name)), formats.Limits{})
		_, err := tree.Open(t.Context(), name)
		require.ErrorIs(t, err, ErrIrregular, name)
		_, err = Dir(filepath.Join(dir, name)).Open(t.Context(), formats.Limits{})
		require.Error(t, err, name)
	}
}

// TestSourceSwapped puts something else under a name after it was looked at. It
// calls what looks and what opens apart from each other.
func TestSourceSwapped(t *testing.T) {
	other := write(t, map[string][]byte{"f": []byte("other")})
	for name, swap := range map[string]func(path string) error{
		"another file":        func(p string) error { return os.Rename(filepath.Join(other, "f"), p) },
		"another directory":   func(p string) error { return os.Mkdir(p, 0o755) },
		"a link to a sibling": func(p string) error { return os.Symlink("sibling", p) },
		"a link out":          func(p string) error { return os.Symlink(other, p) },
		"a pipe":              func(p string) error { return unix.Mkfifo(p, 0o666) },
		"nothing":             func(string) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, map[string][]byte{"file": []byte("first"), "folder/f": []byte("first"), "sibling/f": []byte("sibling")})
			root, err := os.OpenRoot(dir)
			require.NoError(t, err)
			defer root.Close()
			look := func(name string) fs.FileInfo {
				info, err := root.Lstat(name)
				require.NoError(t, err)
				require.NoError(t, os.Rename(filepath.Join(dir, name), filepath.Join(dir, name+".old")))
				require.NoError(t, swap(filepath.Join(dir, name)))
				return info
			}

			file := look("file")
			f, err := openFile(root, "file", file)
			require.Error(t, err)
			require.Nil(t, f)
			if name == "another file" || name == "a link to a sibling" || name == "a pipe" {
				require.ErrorIs(t, err, ErrReplaced)
				require.NoError(t, os.WriteFile(filepath.Join(other, "f"), nil, 0o644)) // for the folder
			}

			folder := look("folder")
			sub, err := openRoot(root, "folder", folder)
			require.Error(t, err)
			require.Nil(t, sub)
			if name == "another directory" || name == "a link to a sibling" {
				require.ErrorIs(t, err, ErrReplaced)
			}
		})
	}
}

func TestSourceSwappedAfterListing(t *testing.T) {
	outside := write(t, map[string][]byte{"f": []byte("outside")})
	dir := write(t, map[string][]byte{"folder/f": []byte("inside"), "file": []byte("inside")})
	tree := openTree(t, Dir(dir), formats.Limits{})
	all, err := listAll(tree)
	require.NoError(t, err)
	require.Equal(t, []string{"file", "folder/f"}, names(all))

	require.NoError(t, os.RemoveAll(filepath.Join(dir, "folder")))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "folder")))
	_, err = tree.Open(t.Context(), "folder/f")
	require.ErrorIs(t, err, ErrIrregular)
	require.NoError(t, os.Remove(filepath.Join(dir, "file")))
	require.NoError(t, unix.Mkfifo(filepath.Join(dir, "file"), 0o666))
	_, err = tree.Open(t.Context(), "file")
	require.ErrorIs(t, err, ErrIrregular)

	one := openTree(t, File(filepath.Join(outside, "f")), formats.Limits{})
	require.NoError(t, os.Rename(filepath.Join(outside, "f"), filepath.Join(outside, "old")))
	require.NoError(t, os.WriteFile(filepath.Join(outside, "f"), []byte("swapped"), 0o644))
	_, err = one.Open(t.Context(), "f")
	require.ErrorIs(t, err, ErrReplaced)

	moved := dir + ".moved"
	require.NoError(t, os.Rename(dir, moved))
	require.NoError(t, os.Mkdir(dir, 0o755))
	defer os.RemoveAll(moved)
	require.NoError(t, os.WriteFile(filepath.Join(moved, "late"), []byte("same root"), 0o644))
	require.Equal(t, "same root", contentOf(t, tree, "late"), "a tree is its directory, not its path")
}

func TestSourceSparse(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "weightgate-test-")
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "sparse")
	require.NoError(t, os.WriteFile(name, nil, 0o600))
	require.NoError(t, os.Truncate(name, 100<<40))
	all, err := listAll(openTree(t, Dir(dir), formats.Limits{}))
	require.NoError(t, err)
	require.Equal(t, int64(100<<40), all["sparse"].Size)
}

func TestSourceEarlyStop(t *testing.T) {
	files := map[string][]byte{}
	for _, name := range strings.Split("abcdefghijklmnopqrstuvwxyz", "") {
		files["d/e/"+name] = nil
	}
	dir := write(t, files)
	descriptors := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		require.NoError(t, err)
		return len(entries)
	}
	for _, src := range []Source{Dir(dir), FS(os.DirFS(dir))} {
		tree := openTree(t, src, formats.Limits{})
		before := descriptors()
		n := 0
		for _, err := range tree.Files(t.Context()) {
			require.NoError(t, err)
			if n++; n == 3 {
				require.Greater(t, descriptors(), before, "a listing under way keeps its directories open")
				break
			}
		}
		require.Equal(t, 3, n)
		require.Equal(t, before, descriptors(), "and closes them when it is left")
	}
}

const hubCommit = "0123456789abcdef0123456789abcdef01234567"

// hubCache makes a cache with one snapshot, and these links in it.
func hubCache(t *testing.T, links map[string]string) (dir, snapshot string) {
	dir = write(t, map[string][]byte{
		"models--org--name/blobs/aa":                             []byte("blob a"),
		"models--org--name/blobs/deep/cc":                        []byte("blob c"),
		"models--org--name/snapshots/" + hubCommit + "/copy.txt": []byte("a copy"),
		"models--org--name/refs/main":                            []byte(hubCommit),
		"models--org--other/blobs/dd":                            []byte("another model"),
		"outside":                                                []byte("outside"),
	})
	repository := filepath.Join(dir, "models--org--name")
	require.NoError(t, os.Symlink("../../outside", filepath.Join(repository, "blobs", "link")))
	require.NoError(t, unix.Mkfifo(filepath.Join(repository, "blobs", "pipe"), 0o666))
	snapshot = filepath.Join(repository, "snapshots", hubCommit)
	require.NoError(t, os.Mkdir(filepath.Join(snapshot, "sub"), 0o755))
	for name, target := range links {
		require.NoError(t, os.Symlink(target, filepath.Join(snapshot, name)))
	}
	return dir, snapshot
}

func TestHubCache(t *testing.T) {
	dir, _ := hubCache(t, map[string]string{"model.bin": "../../blobs/aa", "sub/model.bin": "../../../blobs/aa"})
	src := HubCache(dir, "org/name", hubCommit)
	require.Equal(t, policy.Origin{Kind: "hub", Repository: "org/name", Commit: hubCommit}, src.Origin())
	tree := openTree(t, src, formats.Limits{})
	repository, err := os.Stat(filepath.Join(dir, "models--org--name"))
	require.NoError(t, err)
	require.True(t, os.SameFile(repository, tree.Root()))

	all, err := listAll(tree)
	require.NoError(t, err)
	require.Equal(t, map[string]policy.File{
		"copy.txt":      {Name: "copy.txt", Size: 6, Kind: policy.Regular, Links: 1},
		"model.bin":     {Name: "model.bin", Size: 6, Kind: policy.Regular, Links: 1},
		"sub/model.bin": {Name: "sub/model.bin", Size: 6, Kind: policy.Regular, Links: 1},
	}, all)
	require.Equal(t, "a copy", contentOf(t, tree, "copy.txt"))
	require.Equal(t, "blob a", contentOf(t, tree, "model.bin"))
	require.Equal(t, "blob a", contentOf(t, tree, "sub/model.bin"))
	f, err := tree.Open(t.Context(), "model.bin")
	require.NoError(t, err)
	defer f.Close()
	require.IsType(t, &os.File{}, f)
}

func TestHubCacheBadLinks(t *testing.T) {
	links := map[string]string{
		"outside":         "../../../outside",
		"absolute":        "/etc/hostname",
		"other-model":     "../../../models--org--other/blobs/dd",
		"refs":            "../../refs/main",
		"sibling":         "copy.txt",
		"nested":          "../../blobs/deep/cc",
		"directory":       "../../blobs/deep",
		"blobs-itself":    "../../blobs",
		"blobs-slash":     "../../blobs/",
		"blobs-dot":       "../../blobs/.",
		"blobs-up":        "../../blobs/..",
		"detour":          "../../blobs/../blobs/aa",
		"other-spelling":  "./../../blobs/aa",
		"double-slash":    "../..//blobs/aa",
		"too-high":        "../../../blobs/aa",
		"too-low":         "../blobs/aa",
		"sub/too-low":     "../../blobs/aa",
		"dangling":        "../../blobs/ee",
		"link-to-link":    "../../blobs/link",
		"pipe":            "../../blobs/pipe",
		"folder-of-blobs": "../../blobs/deep/",
	}
	dir, snapshot := hubCache(t, links)
	require.NoError(t, os.Symlink("sub", filepath.Join(snapshot, "folder")))
	tree := openTree(t, HubCache(dir, "org/name", hubCommit), formats.Limits{})
	all, err := listAll(tree)
	require.NoError(t, err)
	require.Len(t, all, len(links)+2)
	for name := range links {
		require.Equal(t, policy.Irregular, all[name].Kind, name)
		require.Zero(t, all[name].Size, name)
		_, err := tree.Open(t.Context(), name)
		require.ErrorIs(t, err, ErrIrregular, name)
	}
	require.Equal(t, policy.Irregular, all["folder"].Kind)
	_, err = tree.Open(t.Context(), "folder/too-low")
	require.ErrorIs(t, err, ErrIrregular)
}

func TestHubCacheNames(t *testing.T) {
	dir, _ := hubCache(t, nil)
	for _, c := range [][2]string{
		{"", hubCommit}, {"/", hubCommit}, {"org/", hubCommit}, {"/name", hubCommit}, {"org/name/x", hubCommit},
		{"..", hubCommit}, {"../name", hubCommit}, {"org/..", hubCommit}, {"org--name", hubCommit}, {"org/na me", hubCommit},
		{`org\name`, hubCommit}, {strings.Repeat("n", 97), hubCommit},
		{"org/name", ""}, {"org/name", "main"}, {"org/name", hubCommit[1:]}, {"org/name", hubCommit + "0"},
		{"org/name", strings.ToUpper(hubCommit)}, {"org/name", "../" + hubCommit[3:]},
	} {
		_, err := HubCache(dir, c[0], c[1]).Open(t.Context(), formats.Limits{})
		require.ErrorIs(t, err, fs.ErrInvalid, "%q", c)
	}
	_, err := HubCache("", "org/name", hubCommit).Open(t.Context(), formats.Limits{})
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = HubCache(dir, "org/absent", hubCommit).Open(t.Context(), formats.Limits{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = HubCache(dir, "org/name", strings.Repeat("f", 40)).Open(t.Context(), formats.Limits{})
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// TestHubCacheFolders swaps the directories between repository and files for links.
func TestHubCacheFolders(t *testing.T) {
	for _, folder := range []string{"blobs", "snapshots", "snapshots/" + hubCommit} {
		dir, _ := hubCache(t, map[string]string{"model.bin": "../../blobs/aa"})
		path := filepath.Join(dir, "models--org--name", folder)
		require.NoError(t, os.Rename(path, path+".old"))
		require.NoError(t, os.Symlink(filepath.Base(path)+".old", path))
		_, err := HubCache(dir, "org/name", hubCommit).Open(t.Context(), formats.Limits{})
		require.ErrorIs(t, err, ErrIrregular, folder)
	}

	dir, _ := hubCache(t, nil)
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "models--org--name", "blobs")))
	tree := openTree(t, HubCache(dir, "org/name", hubCommit), formats.Limits{})
	require.Equal(t, "a copy", contentOf(t, tree, "copy.txt"), "a cache without links needs no blobs")
	require.False(t, errors.Is(tree.Close(), fs.ErrClosed))
}
