package formattest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/weightgate/weightgate/formats"
)

// A specimen is a file of the corpus, or a mutant of one.
type specimen struct {
	name     string
	mutation string
	data     []byte
	siblings map[string][]byte // by name beneath the root
}

// bytes is the content of the file of that name.
func (s specimen) bytes(name string) []byte {
	if name == s.name {
		return s.data
	}
	return s.siblings[name]
}

// errRead is the read that fails.
var errRead = errors.New("formattest: a read that fails")

// How a read goes wrong.
type fault uint8

const (
	sound  fault = iota
	failed       // no byte and errRead
	torn         // half the bytes and errRead
	short        // half the bytes and io.EOF, as if the file were shorter than its size
)

// watch is what one call does with its inputs.
type watch struct {
	mu      sync.Mutex
	late    func() // is told of a touch after the call
	over    bool
	reads   int
	bytes   int64
	most    int64 // bytes, after which reads fail; 0: any number
	fault   fault
	nth     int    // the read that goes wrong
	broke   bool   // it did
	outside string // the first read out of bounds
	asked   map[string]bool
}

// touch is called with every method of an input.
func (w *watch) touch() {
	if w.over {
		w.late()
	}
}

func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
}

// reach is the length of the files that the call asked for.
func (w *watch) reach(s specimen) int64 {
	n := int64(0)
	for name := range w.asked {
		n += int64(len(s.bytes(name)))
	}
	return n
}

// An input is a specimen, or a sibling of it, under watch.
type input struct {
	*watch
	specimen specimen
	name     string
	content  io.ReaderAt
	size     int64
}

func (w *watch) open(s specimen) *input {
	w.asked = map[string]bool{s.name: true}
	return &input{watch: w, specimen: s, name: s.name, content: bytes.NewReader(s.data), size: int64(len(s.data))}
}

func (in *input) Name() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.touch()
	return in.name
}

func (in *input) Size() int64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.touch()
	return in.size
}

func (in *input) Sibling(name string) (formats.Input, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.touch()
	full, ok := formats.SiblingName(in.name, name)
	if !ok {
		return nil, false
	}
	if full == in.specimen.name { // a file is its own sibling, mutations and all
		return in.watch.sibling(in.specimen, full, in.specimen.data), true
	}
	data, ok := in.specimen.siblings[full]
	if !ok {
		return nil, false
	}
	return in.watch.sibling(in.specimen, full, data), true
}

func (w *watch) sibling(s specimen, name string, data []byte) *input {
	w.asked[name] = true
	return &input{watch: w, specimen: s, name: name, content: bytes.NewReader(data), size: int64(len(data))}
}

func (in *input) ReadAt(p []byte, off int64) (int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.touch()
	if (off < 0 || off > in.size) && in.outside == "" {
		in.outside = fmt.Sprintf("a read at %d of %s, which has %d bytes", off, in.name, in.size)
	}
	if off < 0 {
		return 0, errRead
	}
	nth := in.reads
	in.reads++
	if in.fault != sound && nth == in.nth && off < in.size && len(p) > 0 {
		in.broke = true
		return in.broken(p, off)
	}
	n, err := in.content.ReadAt(p, off)
	in.bytes += int64(n)
	if in.most > 0 && in.bytes > 2*in.most {
		return 0, errRead
	}
	return n, err
}

// broken is a read of half of what there is.
func (in *input) broken(p []byte, off int64) (int, error) {
	half := min(int64(len(p)), max(in.size-off, 0)) / 2
	switch in.fault {
	case torn:
		n, _ := in.content.ReadAt(p[:half], off)
		return n, errRead
	case short:
		n, _ := in.content.ReadAt(p[:half], off)
		return n, io.EOF
	}
	return 0, errRead
}

// stretched is data with zeros from at on.
type stretched struct {
	data  []byte
	at    int
	zeros int64
}

func (s stretched) size() int64 { return int64(len(s.data)) + s.zeros }

func (s stretched) ReadAt(p []byte, off int64) (int, error) {
	for i := range p {
		switch at := off + int64(i); {
		case at >= s.size():
			return i, io.EOF
		case at < int64(s.at):
			p[i] = s.data[at]
		case at < int64(s.at)+s.zeros:
			p[i] = 0
		default:
			p[i] = s.data[at-s.zeros]
		}
	}
	return len(p), nil
}
