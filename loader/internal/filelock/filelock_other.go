//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package filelock

import (
	"errors"
	"os"
)

// try fails: no lock of this system is known to hold between processes.
func try(f *os.File) (bool, error) {
	return false, &os.PathError{Op: "lock", Path: f.Name(), Err: errors.ErrUnsupported}
}

// SyncNames is nothing that is known of this system.
func SyncNames(func() (*os.File, error)) error { return nil }
