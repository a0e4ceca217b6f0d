package filelock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// opener opens the file at path, or makes it.
func opener(path string) func() (*os.File, error) {
	return func() (*os.File, error) { return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) }
}

func TestWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := Wait(t.Context(), opener(path))
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var late *os.File
	_, err = Wait(ctx, func() (_ *os.File, err error) {
		late, err = opener(path)()
		return late, err
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, late.Close(), os.ErrClosed, "an error has closed it")

	next := make(chan error, 1)
	go func() {
		unlock, err := Wait(context.Background(), opener(path))
		if err == nil {
			err = unlock()
		}
		next <- err
	}()
	require.NoError(t, unlock())
	require.NoError(t, <-next)

	_, err = Wait(t.Context(), opener(filepath.Join(path, "none")))
	require.Error(t, err)
}

// Who waited for a file that was removed has the lock of the one that is there.
func TestWaitForAFileThatIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	opened := 0
	unlock, err := Wait(t.Context(), func() (*os.File, error) {
		file, err := opener(path)()
		if opened++; opened == 1 {
			err = errors.Join(err, os.Remove(path))
		}
		return file, err
	})
	require.NoError(t, err)
	require.Equal(t, 4, opened, "twice for each try")

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = Wait(ctx, opener(path))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, unlock())
}

func TestSyncNames(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, SyncNames(func() (*os.File, error) { return os.Open(dir) }))
}
