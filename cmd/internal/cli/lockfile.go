package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/weightgate/weightgate/policy"
)

// writeLock puts next in the place of the lock that pol was opened with, in one
// step. The file that it writes first can exist once only, which keeps other
// writers out; a lock that one of them replaced before that is left alone. A
// link stays a link, and who may read the lock is who might before.
func writeLock(pol *policy.Policy, next *policy.Lock) (err error) {
	path, err := linked(pol.LockPath())
	if err != nil {
		return err
	}
	mode, there := fs.FileMode(0o644), false
	if info, err := os.Stat(path); err == nil {
		mode, there = info.Mode().Perm(), true
	}
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: another pin is writing the lock; if none is running, remove this file", err)
	}
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close() // a second time where the first one failed
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := unchanged(path, pol.Lock()); err != nil {
		return err
	}
	if there { // what the umask took away
		if err := f.Chmod(mode); err != nil {
			return err
		}
	}
	if _, err := f.Write(next.Encode()); err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

const maxLinks = 40 // from one to the next

// linked is where path leads when all links are followed; it differs from
// filepath.EvalSymlinks where nothing is there yet.
func linked(path string) (string, error) {
	for range maxLinks {
		dir, name := filepath.Split(path)
		dir, err := filepath.EvalSymlinks(cmp.Or(dir, "."))
		if err != nil {
			return "", err
		}
		path = filepath.Join(dir, name)
		target, err := os.Readlink(path)
		if err != nil {
			return path, nil // no link, or nothing
		}
		if !filepath.IsAbs(target) {
			target = dir + string(filepath.Separator) + target // not cleaned: a .. may follow a link
		}
		path = target
	}
	return "", fmt.Errorf("%s: more than %d links", path, maxLinks)
}

// unchanged fails if the file at path is not what was read as the lock was. A
// file that is missing is the empty lock.
func unchanged(path string, was *policy.Lock) error {
	now, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		now, err = new(policy.Lock).Encode(), nil
	}
	if err == nil && !bytes.Equal(now, was.Encode()) {
		err = fmt.Errorf("%s was changed meanwhile: pin again", path)
	}
	return err
}
