//go:build unix

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

// Who waited for a file that was removed has the lock of the one that is there.
func TestWaitForAFileThatIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var opened []*os.File
	unlock, err := Wait(t.Context(), func() (*os.File, error) {
		file, err := opener(path)()
		if opened = append(opened, file); len(opened) == 1 {
			err = errors.Join(err, os.Remove(path))
		}
		return file, err
	})
	require.NoError(t, err)
	require.Len(t, opened, 4, "twice for each try")
	for i, file := range opened {
		_, err := file.Stat()
		require.Equal(t, i != 2, errors.Is(err, os.ErrClosed), "all but the one that is locked are closed: %d", i)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = Wait(ctx, opener(path))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, unlock())

	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = Wait(ctx, func() (*os.File, error) { // and again, and again
		file, err := opener(path)()
		return file, errors.Join(err, os.Remove(path))
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
