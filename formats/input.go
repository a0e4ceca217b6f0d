package formats

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// Input is one file of a model, and the way to the files beside it. Its bytes
// do not change while a parser reads them. It is safe for concurrent use.
type Input interface {
	io.ReaderAt

	// Name is the slash-separated name beneath the model's root.
	Name() string

	// Size is the length in bytes.
	Size() int64

	// Sibling is the file of that name beside this one: a slash-separated path
	// relative to this file's directory, which never climbs. It is false for
	// whatever the model does not hold.
	Sibling(name string) (Input, bool)
}

// ReadFull fills b with what lies at offset of in. Where that is less, the file
// is shorter than the size it was opened with, and the error is an
// io.ErrUnexpectedEOF.
func ReadFull(in Input, b []byte, offset int64) error {
	n, err := in.ReadAt(b, offset)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%s: %w", Quote(in.Name()), err)
}

// SiblingName is the name, beneath the model's root, of what a file calls its
// sibling. It is false for names that are absolute, climb, or are not in their
// shortest form.
func SiblingName(file, sibling string) (string, bool) {
	if !fs.ValidPath(sibling) || sibling == "." || strings.ContainsRune(sibling, '\\') {
		return "", false
	}
	return path.Join(path.Dir(file), sibling), true
}

// Open gives the file name of fsys as an Input. Files that implement
// io.ReaderAt are read in place; for others Open fails. Close closes it.
func Open(fsys fs.FS, name string) (*OpenInput, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	in, err := newOpenInput(fsys, name, f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return in, nil
}

// OpenInput is a file of an fs.FS as an Input. Siblings that were asked for
// stay open until Close.
type OpenInput struct {
	io.ReaderAt
	fsys     fs.FS
	file     fs.File
	name     string
	size     int64
	siblings []*OpenInput
}

func newOpenInput(fsys fs.FS, name string, f fs.File) (*OpenInput, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	at, ok := f.(io.ReaderAt)
	if !ok {
		return nil, fmt.Errorf("%s: %T cannot be read at an offset", name, f)
	}
	return &OpenInput{ReaderAt: at, fsys: fsys, file: f, name: name, size: info.Size()}, nil
}

func (in *OpenInput) Name() string { return in.name }
func (in *OpenInput) Size() int64  { return in.size }

// Sibling opens a file beside this one. Unlike the other methods it is not
// safe for concurrent use.
func (in *OpenInput) Sibling(name string) (Input, bool) {
	full, ok := SiblingName(in.name, name)
	if !ok {
		return nil, false
	}
	s, err := Open(in.fsys, full)
	if err != nil {
		return nil, false
	}
	in.siblings = append(in.siblings, s)
	return s, true
}

// Close closes the file and the siblings that were opened through it.
func (in *OpenInput) Close() error {
	for _, s := range in.siblings {
		s.Close()
	}
	return in.file.Close()
}
