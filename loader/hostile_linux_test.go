package loader

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
)

// What a directory may hold besides files.
func TestHostileDirectories(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(outside, []byte("secret"), 0o644))
	for name, c := range map[string]struct {
		change func(t *testing.T, dir string)
		want   formats.Code
	}{
		"a link out of it": {func(t *testing.T, dir string) {
			require.NoError(t, os.Symlink(outside, filepath.Join(dir, "more.txt")))
		}, policy.CodeIrregular},
		"the weights are a link": {func(t *testing.T, dir string) {
			path := filepath.Join(dir, "model.safetensors")
			require.NoError(t, os.Rename(path, path+".real"))
			require.NoError(t, os.Symlink("model.safetensors.real", path))
		}, policy.CodeIrregular},
		"a directory is a link": {func(t *testing.T, dir string) {
			require.NoError(t, os.Symlink(filepath.Dir(outside), filepath.Join(dir, "sub")))
		}, policy.CodeIrregular},
		"a FIFO": {func(t *testing.T, dir string) {
			require.NoError(t, unix.Mkfifo(filepath.Join(dir, "pipe.txt"), 0o644))
		}, policy.CodeIrregular},
		"the weights are a FIFO": {func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(filepath.Join(dir, "model.safetensors")))
			require.NoError(t, unix.Mkfifo(filepath.Join(dir, "model.safetensors"), 0o644))
		}, policy.CodeIrregular},
		"a socket": {func(t *testing.T, dir string) {
			l, err := net.Listen("unix", filepath.Join(dir, "s"))
			require.NoError(t, err)
			t.Cleanup(func() { l.Close() })
		}, policy.CodeIrregular},
		"names that differ by case": {func(t *testing.T, dir string) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "MODEL.safetensors"), nil, 0o644))
		}, policy.CodeNameCase},
		"a file too many": {func(t *testing.T, dir string) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "extra.txt"), nil, 0o644))
		}, policy.CodeCompanionExtra},
		"a sparse file of 100 TiB": {func(t *testing.T, dir string) {
			require.NoError(t, os.Truncate(filepath.Join(dir, "model.safetensors"), 100<<40))
		}, CodeMemory},
	} {
		t.Run(name, func(t *testing.T) {
			dir, err := os.MkdirTemp("/dev/shm", "weightgate") // a file system that holds 100 TiB of nothing
			require.NoError(t, err)
			t.Cleanup(func() { os.RemoveAll(dir) })
			require.NoError(t, os.WriteFile(filepath.Join(dir, "model.safetensors"), weights(t, 10, 1), 0o644))
			gate := pinned(t, dir)
			gate.pause = func(pausePoint, string, int64) { t.Error("a byte was copied") }
			c.change(t, dir)
			_, err = gate.Load(context.Background(), "m", Dir(dir))
			require.Contains(t, codesOf(t, err), c.want, err)
		})
	}
}

// A hard link is another name for the same bytes: harmless if they are pinned.
func TestHardLinks(t *testing.T) {
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 10, 1)})
	gate := pinned(t, dir)
	require.NoError(t, os.Link(filepath.Join(dir, "model.safetensors"), filepath.Join(t.TempDir(), "elsewhere")))
	m, err := gate.Load(context.Background(), "m", Dir(dir))
	require.NoError(t, err)
	require.NoError(t, m.Close())

	gate = newGate(t, entry("unpinned: true", "findings: {refuse: medium}"), pins(t, nil))
	_, err = gate.Load(context.Background(), "m", Dir(dir))
	require.Equal(t, []formats.Code{policy.CodeHardLink}, codesOf(t, err))
}

// What files.only leaves out is never opened.
func TestLeftOutIsNeverOpened(t *testing.T) {
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 10, 1), "README.md": []byte("read me")})
	gate := newGate(t, entry("unpinned: true", `files: {only: ["*.safetensors"]}`), pins(t, nil))
	require.NoError(t, os.Remove(filepath.Join(dir, "README.md")))
	require.NoError(t, unix.Mkfifo(filepath.Join(dir, "README.md"), 0o644))
	m, err := gate.Load(context.Background(), "m", Dir(dir))
	require.NoError(t, err)
	require.Equal(t, []string{"README.md"}, m.Report().LeftOut)
	require.False(t, m.Vouched())
	_, err = m.FS().Open("README.md")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, m.Close())
}
