package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
)

// reportName is the report's file in a target that is a directory.
const reportName = "conversion.json"

// A target is a file or directory that appears at once when all of it is
// written. Until then it lies in a directory beside its place, which the first
// file makes.
type target struct {
	out    string // where it is to appear
	one    bool   // as a file
	beside *staging
	open   *os.File // the last file, while it is written
	wrote  []string
	failed error // the first write that did
}

func newTarget(out string) (*target, error) {
	out = filepath.Clean(out)
	if _, err := os.Lstat(out); err == nil {
		return nil, denied("%s exists: name another, or remove it", out)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return &target{out: out, one: single(out)}, nil
}

// file is where the derived file of that name goes.
func (t *target) file(name string, _ int64) (w io.Writer, err error) {
	defer func() { t.failed = cmp.Or(t.failed, err) }()
	if t.one && len(t.wrote) > 0 {
		return nil, denied("%s is one file, and the model has several: name a directory", t.out)
	}
	if err := t.finish(); err != nil {
		return nil, err
	}
	if t.beside == nil {
		if t.beside, err = newStaging(t.out); err != nil {
			return nil, err
		}
	}
	t.open, err = t.beside.create(name)
	if errors.Is(err, fs.ErrExist) {
		return nil, denied("two files of the model become %s: convert them one by one", formats.Quote(name))
	}
	if err != nil {
		return nil, err
	}
	t.wrote = append(t.wrote, name)
	return targetFile{t, t.open}, nil
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

// finish makes the last file last.
func (t *target) finish() error {
	if t.open == nil {
		return nil
	}
	f := t.open
	t.open = nil
	return errors.Join(f.Sync(), f.Close())
}

// read is a file that was written.
func (t *target) read(name string) ([]byte, error) {
	return t.beside.root.ReadFile(path.Join(madeName, name))
}

// publish puts everything in its place, if it is what the report says.
func (t *target) publish(r *loader.Report) error {
	var made []string
	for _, e := range r.DerivedFiles {
		made = append(made, e.Name)
	}
	slices.Sort(made)
	if wrote := slices.Sorted(slices.Values(t.wrote)); len(made) == 0 || !slices.Equal(wrote, made) {
		return fmt.Errorf("%s were written, and %s read back", formats.Quote(fmt.Sprint(wrote)), formats.Quote(fmt.Sprint(made)))
	}
	from := madeName
	if t.one {
		from = path.Join(madeName, t.wrote[0])
	} else if err := t.report(r); err != nil {
		return err
	}
	if err := errors.Join(t.finish(), t.beside.sync()); err != nil {
		return err
	}
	return t.appear(filepath.Join(t.beside.path, filepath.FromSlash(from)))
}

// report writes the report beside what it is about.
func (t *target) report(r *loader.Report) error {
	w, err := t.file(reportName, 0)
	if err != nil {
		return err
	}
	_, err = w.Write(append(r.JSON(), '\n'))
	return err
}

// appear renames what was written, unless something took its place meanwhile.
func (t *target) appear(from string) error {
	err := renameNew(from, t.out)
	if errors.Is(err, errors.ErrUnsupported) {
		if _, err = os.Lstat(t.out); errors.Is(err, fs.ErrNotExist) {
			err = os.Rename(from, t.out)
		} else {
			err = cmp.Or(err, fs.ErrExist)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return denied("%s appeared meanwhile: nothing was written", t.out)
	}
	if err != nil {
		return err
	}
	return syncDir(os.Open, filepath.Dir(t.out))
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
	if t.open != nil {
		t.open.Close()
	}
	if t.beside != nil {
		t.beside.discard()
	}
}
