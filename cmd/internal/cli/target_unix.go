//go:build unix

package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// lockDir holds a directory until it is closed or the process ends.
func lockDir(root *os.Root) (io.Closer, error) {
	d, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// private reports that a directory is the user's, and that nobody else writes
// to it.
func private(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int64(s.Uid) == int64(os.Geteuid()) && info.Mode().Perm()&0o022 == 0
}

// syncDir makes the names in a directory last.
func syncDir(open func(path string) (*os.File, error), path string) error {
	d, err := open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
