package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A draft is a small file that takes its place in one step. It lies beside its
// place under a name that one command at a time can have. A link stays a link.
type draft struct {
	path   string
	f      *os.File
	placed bool
}

// newDraft begins what is to lie at path.
func newDraft(path string) (*draft, error) {
	path, err := linked(path)
	if err != nil {
		return nil, err
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil { // who may read it is who might before
		mode = info.Mode().Perm()
	}
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w: another command is writing %s; if none is running, remove this file", err, path)
	}
	if err != nil {
		return nil, err
	}
	return &draft{path: path, f: f}, nil
}

// place puts text in its place. Without replace, nothing may lie there.
func (d *draft) place(text []byte, replace bool) error {
	if _, err := d.f.Write(text); err != nil {
		return err
	}
	if err := errors.Join(d.f.Sync(), d.f.Close()); err != nil { // some systems rename nothing that is open
		return err
	}
	if !replace {
		if err := (&target{out: d.path}).appear(d.f.Name()); err != nil {
			return err
		}
		d.placed = true
		return nil
	}
	if err := os.Rename(d.f.Name(), d.path); err != nil {
		return err
	}
	d.placed = true
	return syncDir(os.Open, filepath.Dir(d.path))
}

// discard removes what is not in its place.
func (d *draft) discard() {
	if !d.placed {
		d.f.Close() // a second time where it was closed
		os.Remove(d.f.Name())
	}
}
