//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package filelock

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// try locks the file until it is closed, unless somebody else has.
func try(f *os.File) (bool, error) {
	for {
		switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, unix.EINTR):
			return false, &os.PathError{Op: "lock", Path: f.Name(), Err: err}
		}
	}
}

// SyncNames puts the names in a directory on the disk.
func SyncNames(open func() (directory *os.File, err error)) error {
	dir, err := open()
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
