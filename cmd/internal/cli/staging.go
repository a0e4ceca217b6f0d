package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// What lies in a staging directory: a mark that a convert made it, and what is
// to appear.
const (
	markName = ".weightgate-convert"
	madeName = "out"
)

// A staging is the directory .OUT.partial beside OUT, which one command holds
// at a time. What an interrupted one has left is cleared; nothing else that has
// the name is touched.
type staging struct {
	path string
	root *os.Root
	lock io.Closer // held until nothing is left of it
}

func newStaging(out string) (*staging, error) {
	s := &staging{path: filepath.Join(filepath.Dir(out), "."+filepath.Base(out)+".partial")}
	if err := os.MkdirAll(filepath.Dir(out), 0o777); err != nil {
		return nil, err
	}
	made := os.Mkdir(s.path, 0o700)
	if made != nil && !errors.Is(made, fs.ErrExist) {
		return nil, made
	}
	// The dot makes the system open nothing but a directory, and a pipe keeps nobody waiting.
	root, err := os.OpenRoot(s.path + string(filepath.Separator) + ".")
	if err != nil {
		return nil, err
	}
	s.root = root
	if s.lock, err = lockDir(root); err != nil {
		return nil, errors.Join(fmt.Errorf("another convert writes %s: %w", out, err), root.Close())
	}
	if err := s.claim(made == nil); err != nil {
		return nil, errors.Join(err, s.lock.Close(), root.Close())
	}
	return s, nil
}

// claim makes the directory ready, if it is one of ours. Whoever held it before
// may have removed it until it was locked, so what counts is that it lies there
// now, and that it is no link to another.
func (s *staging) claim(fresh bool) error {
	opened, err := s.root.Stat(".")
	if err != nil {
		return err
	}
	there, err := os.Lstat(s.path)
	if err != nil {
		return err
	}
	if !os.SameFile(opened, there) || !fresh && !private(opened) {
		return s.stranger()
	}
	switch mark, err := s.root.Lstat(markName); {
	case err == nil && mark.Mode().IsRegular():
	case errors.Is(err, fs.ErrNotExist):
		if err := s.mark(); err != nil {
			return err
		}
	default:
		return s.stranger()
	}
	if err := s.root.RemoveAll(madeName); err != nil {
		return err
	}
	return s.root.Mkdir(madeName, 0o777)
}

// mark marks a directory in which nothing is.
func (s *staging) mark() error {
	d, err := s.root.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	if _, err := d.Readdirnames(1); !errors.Is(err, io.EOF) {
		return s.stranger()
	}
	f, err := s.root.OpenFile(markName, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func (s *staging) stranger() error {
	return denied("no convert has left %s as it is: remove it, or name another output", s.path)
}

// create makes a new file of what is to appear.
func (s *staging) create(name string) (*os.File, error) {
	name = path.Join(madeName, name)
	if err := s.root.MkdirAll(path.Dir(name), 0o777); err != nil {
		return nil, err
	}
	return s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

// sync makes the names of what is to appear last.
func (s *staging) sync() error {
	return fs.WalkDir(s.root.FS(), madeName, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return syncDir(s.root.Open, name)
	})
}

// discard removes what is still here.
func (s *staging) discard() {
	s.root.RemoveAll(madeName)
	s.root.Remove(markName)
	s.root.Close()
	os.Remove(s.path) // unless somebody put something into it
	s.lock.Close()
}
