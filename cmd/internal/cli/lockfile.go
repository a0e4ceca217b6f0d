package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/weightgate/weightgate/policy"
)

// writeLock puts next in the place of the lock that pol was opened with, in one
// step. The file that it writes first can exist once only, which keeps other
// writers out; a lock that one of them replaced before that is left alone.
func writeLock(pol *policy.Policy, next *policy.Lock) (err error) {
	path := pol.LockPath()
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // a link stays a link
	}
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
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
	if _, err := f.Write(next.Encode()); err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
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
