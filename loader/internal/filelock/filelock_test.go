package filelock

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		require.NoError(t, err)
		return f
	}
	unlock, err := Wait(t.Context(), open())
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	late := open()
	_, err = Wait(ctx, late)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, late.Close(), os.ErrClosed, "an error has closed it")

	next := make(chan error, 1)
	go func() {
		unlock, err := Wait(context.Background(), open())
		if err == nil {
			err = unlock()
		}
		next <- err
	}()
	require.NoError(t, unlock())
	require.NoError(t, <-next)
}

func TestSyncNames(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, SyncNames(func() (*os.File, error) { return os.Open(dir) }))
}
