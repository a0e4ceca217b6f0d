//go:build unix

package cli

import (
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTargetIsHeldByOne(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	first := partial(t, out)
	second, err := newTarget(out)
	require.NoError(t, err)
	_, err = second.file("w", 1)
	require.ErrorContains(t, err, "another convert writes")
	require.ErrorIs(t, err, syscall.EWOULDBLOCK)
	second.discard()
	require.NoError(t, first.publish(derived("sub/w")), "the second took nothing away")
}

// A directory that went after it was opened is no staging any more: whoever
// makes one of its name anew has another.
func TestStagingThatIsGone(t *testing.T) {
	first := partial(t, filepath.Join(t.TempDir(), "out")).beside
	require.NoError(t, os.Rename(first.path, first.path+".moved"))
	require.ErrorIs(t, first.claim(true), os.ErrNotExist)
	require.NoError(t, os.Mkdir(first.path, 0o700))
	require.ErrorContains(t, first.claim(true), "no convert has left")
	require.True(t, exists(t, filepath.Join(first.path+".moved", madeName, "sub", "w")))
}

func TestPrivate(t *testing.T) {
	dir := t.TempDir()
	for mode, want := range map[os.FileMode]bool{0o700: true, 0o755: true, 0o775: false, 0o757: false, 0o720: false} {
		require.NoError(t, os.Chmod(dir, mode))
		info, err := os.Stat(dir)
		require.NoError(t, err)
		require.Equal(t, want, private(info), "%o", mode)
	}
	another := "/" // root's
	if os.Geteuid() == 0 {
		another = t.TempDir()
		require.NoError(t, os.Chown(another, 1, 1))
	}
	info, err := os.Stat(another)
	require.NoError(t, err)
	require.False(t, private(info))
}

// terminating is a reader who ends the program at its first word.
type terminating struct{ io.Writer }

func (w *terminating) Write(p []byte) (int, error) {
	if w.Writer != nil {
		return w.Writer.Write(p)
	}
	w.Writer = io.Discard
	return len(p), syscall.Kill(os.Getpid(), syscall.SIGTERM)
}

// A program that is told to end does so by itself, and tidies up.
func TestTerminated(t *testing.T) {
	survives := make(chan os.Signal, 1)
	signal.Notify(survives, syscall.SIGTERM)
	defer signal.Stop(survives)
	path := filepath.Join(t.TempDir(), "model.txt")
	require.NoError(t, os.WriteFile(path, []byte("text"), 0o644))
	args := []string{"inspect"}
	for range 10_000 {
		args = append(args, path)
	}
	require.Equal(t, exitUnverifiable, Main(args, &terminating{}, io.Discard))
	<-survives
}
