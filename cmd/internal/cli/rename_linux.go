package cli

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// renameNew is os.Rename that replaces nothing.
func renameNew(from, to string) error {
	switch err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE); err {
	case nil:
		return nil
	case unix.EINVAL, unix.ENOSYS: // of file systems and kernels that lack it
		return errors.ErrUnsupported
	default:
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
}
