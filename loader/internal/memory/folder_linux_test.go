package memory

import (
	"os"
	"path/filepath"
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

func newTestFolder(t *testing.T) *Folder {
	t.Helper()
	f, err := NewFolder()
	require.NoError(t, err)
	t.Cleanup(func() { unix.Close(f.fd) })
	return f
}

func TestFolderHoldsSealedMemoryByName(t *testing.T) {
	f := newTestFolder(t)
	core, err := f.Put("libcore.so.1", sealedText(t, "core"))
	require.NoError(t, err)
	provider, err := f.Put("libprovider.so", sealedText(t, "provider"))
	require.NoError(t, err)
	require.Equal(t, filepath.Dir(core), filepath.Dir(provider))

	for path, want := range map[string]string{core: "core", provider: "provider"} {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, want, string(b))
		require.ErrorIs(t, os.WriteFile(path, []byte("evil"), 0), unix.EPERM)
	}
	info, err := os.Stat(f.path)
	require.NoError(t, err)
	require.Equal(t, os.ModeDir|0o700, info.Mode())

	require.NoError(t, f.Clear("libcore.so.1", "libprovider.so", "never there"))
	require.NoFileExists(t, core)
	require.NoError(t, f.Remove())
	require.NoDirExists(t, f.path)
	_, err = f.Put("libcore.so.1", sealedText(t, "core"))
	require.ErrorIs(t, err, unix.ENOENT)
}

func TestFolderRefusesNames(t *testing.T) {
	f := newTestFolder(t)
	defer f.Remove()
	defer f.Clear("twice")
	s := sealedText(t, "core")
	_, err := f.Put("twice", s)
	require.NoError(t, err)
	for _, name := range []string{"twice", "", ".", "..", "../escape", "in/side"} {
		_, err := f.Put(name, s)
		require.Error(t, err, name)
	}
}

// Whoever exchanges the directory by its name does not change what the paths
// lead to.
func TestFolderIsKnownByItsDescriptor(t *testing.T) {
	f, err := newFolder(t.TempDir())
	require.NoError(t, err)
	defer unix.Close(f.fd)
	path, err := f.Put("libcore.so.1", sealedText(t, "core"))
	require.NoError(t, err)

	require.NoError(t, os.Rename(f.path, f.path+".away"))
	require.NoError(t, os.Mkdir(f.path, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(f.path, "libcore.so.1"), []byte("evil"), 0o644))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "core", string(b))
}

func TestFolderOfOthersIsRefused(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o770))
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	defer unix.Close(fd)
	require.ErrorContains(t, (&Folder{fd: fd, path: dir}).isOurs(), "exchanged")
	require.NoError(t, os.Chmod(dir, 0o700))
	require.NoError(t, (&Folder{fd: fd, path: dir}).isOurs())

	_, err = newFolder(filepath.Join(dir, "nowhere"))
	require.ErrorIs(t, err, unix.ENOENT)
}
