package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/weightgate/weightgate/loader"
)

// reportName is the report's file in a target that is a directory.
const reportName = "conversion.json"

// A target is a file or directory that appears at once when all of it is
// written. Until then it lies beside its place, in a directory that one command
// holds at a time and that the next one clears.
type target struct {
	out     string // where it is to appear
	partial string // a directory
	lock    io.Closer
	files   []*os.File
	one     bool
	failed  error // the first write that did
}

func newTarget(out string) (*target, error) {
	out = filepath.Clean(out)
	if _, err := os.Lstat(out); err == nil {
		return nil, denied("%s exists: name another, or remove it", out)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	t := &target{out: out, partial: filepath.Join(filepath.Dir(out), "."+filepath.Base(out)+".partial"), one: single(out)}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return nil, err
	}
	if err := os.Mkdir(t.partial, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	lock, err := lockDir(t.partial)
	if err != nil {
		return nil, fmt.Errorf("another convert writes %s: %w", out, err)
	}
	t.lock = lock
	return t, t.clear()
}

// clear removes what an interrupted command has left.
func (t *target) clear() error {
	entries, err := os.ReadDir(t.partial)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(t.partial, e.Name())))
	}
	return err
}

// file is where the derived file of that name goes.
func (t *target) file(name string, _ int64) (w io.Writer, err error) {
	defer func() { t.failed = cmp.Or(t.failed, err) }()
	if t.one && len(t.files) > 0 {
		return nil, denied("%s is one file, and the model has several: name a directory", t.out)
	}
	path := filepath.Join(t.partial, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	t.files = append(t.files, f)
	return targetFile{t, f}, nil
}

// A targetFile remembers that it failed: an inspection takes any error for one
// of the model's.
type targetFile struct {
	t *target
	*os.File
}

func (f targetFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.t.failed = cmp.Or(f.t.failed, err)
	return n, err
}

// publish puts everything in its place.
func (t *target) publish(r *loader.Report) error {
	if !t.one {
		w, err := t.file(reportName, 0)
		if err != nil {
			return err
		}
		if _, err := w.Write(append(r.JSON(), '\n')); err != nil {
			return err
		}
	}
	for _, f := range t.files {
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	if t.one {
		return t.appear(t.files[0].Name())
	}
	if err := os.Chmod(t.partial, 0o755); err != nil {
		return err
	}
	if err := t.appear(t.partial); err != nil {
		return err
	}
	t.partial = "" // the next command may have made it anew
	return nil
}

// appear renames what was written, unless something took its place meanwhile.
func (t *target) appear(from string) error {
	if _, err := os.Lstat(t.out); !errors.Is(err, fs.ErrNotExist) {
		return denied("%s appeared meanwhile: nothing was written", t.out)
	}
	if err := os.Rename(from, t.out); err != nil {
		return err
	}
	return syncDir(filepath.Dir(t.out))
}

// path is where the derived file of that name lies once it is published.
func (t *target) path(name string) string {
	if t.one {
		return t.out
	}
	return filepath.Join(t.out, filepath.FromSlash(name))
}

// discard removes what was not published.
func (t *target) discard() {
	for _, f := range t.files {
		f.Close() // a second time if it was published
	}
	if t.partial != "" {
		os.RemoveAll(t.partial)
	}
	t.lock.Close()
}
