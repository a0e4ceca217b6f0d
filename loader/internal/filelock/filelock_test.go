package filelock

import (
	"context"
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

func TestSyncNames(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, SyncNames(func() (*os.File, error) { return os.Open(dir) }))
}
