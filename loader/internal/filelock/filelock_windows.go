package filelock

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// try locks the file until it is closed, unless somebody else has.
func try(f *os.File) (bool, error) {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	if err != nil {
		return false, &os.PathError{Op: "lock", Path: f.Name(), Err: err}
	}
	return true, nil
}

// SyncNames is nothing: NTFS keeps a journal of its names.
func SyncNames(func() (*os.File, error)) error { return nil }
