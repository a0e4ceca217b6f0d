//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package hf

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// noWait makes an open return at once, whatever it opens, and take no terminal.
const noWait = unix.O_NONBLOCK | unix.O_NOCTTY

// tryLock locks the file until it is closed, unless somebody else has.
func tryLock(f *os.File) (bool, error) {
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

// syncDirectory puts the names in a directory on the disk.
func syncDirectory(root *os.Root, name string) error {
	dir, err := root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
