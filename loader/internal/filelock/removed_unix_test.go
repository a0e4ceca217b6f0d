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

	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = Wait(ctx, func() (*os.File, error) { // and again, and again
		file, err := opener(path)()
		return file, errors.Join(err, os.Remove(path))
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
