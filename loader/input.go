package loader

import (
	"fmt"
	"io"

	"github.com/weightgate/weightgate/formats"
)

// A stagedFile is the Input of its parser: kept bytes, or chunks read again
// and held against their hashes.

func (f *stagedFile) Name() string { return f.name }
func (f *stagedFile) Size() int64  { return f.size }

func (f *stagedFile) ReadAt(p []byte, off int64) (int, error) {
	if f.set.ring != nil {
		return f.set.ring.readAt(f, p, off)
	}
	if off < 0 {
		return 0, fmt.Errorf("%s: read at offset %d", f.name, off)
	}
	if off >= f.size {
		return 0, io.EOF
	}
	n := copy(p, f.bytes[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *stagedFile) Sibling(name string) (formats.Input, bool) {
	full, ok := formats.SiblingName(f.name, name)
	if !ok {
		return nil, false
	}
	return f.set.sibling(full)
}

func (s *staged) sibling(full string) (formats.Input, bool) {
	f, ok := s.find(full)
	if !ok {
		return nil, false // not a nil *stagedFile in a non-nil Input
	}
	return f, true
}
