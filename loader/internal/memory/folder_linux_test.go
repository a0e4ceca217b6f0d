package memory

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func sealedText(t *testing.T, text string) *Sealed {
	t.Helper()
	s, err := NewSealed("library", int64(len(text)), func(dst []byte) error { copy(dst, text); return nil })
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// emptied clears the folder, and gives its descriptor back, which nobody needs
// any more.
func emptied(t *testing.T, f *Folder) {
	t.Helper()
	t.Cleanup(func() {
		require.NoError(t, f.Clear())
		if f.opened {
			require.NoError(t, unix.Close(f.fd))
		}
	})
}

func TestFolderHoldsSealedMemoryByName(t *testing.T) {
	f := new(Folder)
	emptied(t, f)
	var first []string
	for range 2 { // a second time by the same paths
		paths, err := f.Fill(Named{"libcore.so.1", sealedText(t, "core")}, Named{"libprovider.so", sealedText(t, "provider")})
		require.NoError(t, err)
		require.Len(t, paths, 2)
		require.Equal(t, filepath.Dir(paths[0]), filepath.Dir(paths[1]))
		for i, want := range []string{"core", "provider"} {
			b, err := os.ReadFile(paths[i])
			require.NoError(t, err)
			require.Equal(t, want, string(b))
			require.ErrorIs(t, os.WriteFile(paths[i], []byte("evil"), 0), unix.EPERM)
		}
		info, err := os.Stat(f.path)
		require.NoError(t, err)
		require.Equal(t, os.ModeDir|0o700, info.Mode())
		if first == nil {
			first = paths
		}
		require.Equal(t, first, paths)

		directory := f.path
		require.NoError(t, f.Clear())
		require.NoFileExists(t, paths[0])
		require.NoDirExists(t, directory)
		require.NoError(t, f.Clear())
	}
}

// What does not succeed in whole leaves nothing behind.
func TestFolderRefusesNames(t *testing.T) {
	parent := t.TempDir()
	f := new(Folder)
	emptied(t, f)
	s := sealedText(t, "core")
	for _, name := range []string{"twice", "", ".", "..", "../escape", "in/side", "zero\x00byte"} {
		paths, err := f.fill([]string{parent}, []Named{{"twice", s}, {name, s}})
		require.Error(t, err, name)
		require.Nil(t, paths)
		left, err := os.ReadDir(parent)
		require.NoError(t, err)
		require.Empty(t, left)
	}
	closed, err := NewSealed("closed", 0, func([]byte) error { return nil })
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	_, err = f.fill([]string{parent}, []Named{{"closed", closed}})
	require.Error(t, err)
}

// Whoever exchanges the directory by its name does not change what the paths
// lead to.
func TestFolderIsKnownByItsDescriptor(t *testing.T) {
	f := new(Folder)
	paths, err := f.fill([]string{t.TempDir()}, []Named{{"libcore.so.1", sealedText(t, "core")}})
	require.NoError(t, err)
	defer unix.Close(f.fd)

	require.NoError(t, os.Rename(f.path, f.path+".away"))
	require.NoError(t, os.Mkdir(f.path, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(f.path, "libcore.so.1"), []byte("evil"), 0o644))
	b, err := os.ReadFile(paths[0])
	require.NoError(t, err)
	require.Equal(t, "core", string(b))
	require.ErrorIs(t, f.Clear(), unix.ENOTEMPTY)
}

func TestFolderOfOthersIsRefused(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o770))
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	defer unix.Close(fd)
	require.ErrorContains(t, isOurs(fd, dir), "exchanged")
	require.NoError(t, os.Chmod(dir, 0o700))
	require.NoError(t, isOurs(fd, dir))
}

// A parent in which directories can be made and links cannot be made, or not
// followed, is passed over.
func TestFolderGoesOnToTheNextParent(t *testing.T) {
	runtime.LockOSThread() // and never unlocked: the thread ends with what was mounted in it
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		t.Skipf("not run: this user may not mount file systems: %v", err)
	}
	require.NoError(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	for _, c := range []struct {
		name  string
		flags uintptr
		data  string
		says  error
	}{
		{"no room for links", 0, "nr_inodes=2", unix.ENOSPC},
		{"links are not followed", unix.MS_NOSYMFOLLOW, "", unix.ELOOP},
	} {
		// A subtest would run on another thread.
		bad, good := t.TempDir(), t.TempDir()
		require.NoError(t, unix.Mount("tmpfs", bad, "tmpfs", c.flags, c.data))
		s := sealedText(t, "core")
		f := new(Folder)
		_, err := f.fill([]string{bad}, []Named{{"libcore.so.1", s}})
		require.ErrorIs(t, err, c.says, c.name)
		paths, err := f.fill([]string{bad, good}, []Named{{"libcore.so.1", s}})
		require.NoError(t, err, c.name)
		b, err := os.ReadFile(paths[0])
		require.NoError(t, err)
		require.Equal(t, "core", string(b))
		left, err := os.ReadDir(bad)
		require.NoError(t, err)
		require.Empty(t, left)
		require.NoError(t, f.Clear())
		require.NoError(t, unix.Close(f.fd))
		require.NoError(t, unix.Unmount(bad, 0))
	}
}
