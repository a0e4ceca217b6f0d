package loader

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"sync"

	"github.com/weightgate/weightgate/loader/internal/hashing"
)

const (
	ringChunks = 8  // chunks that a ring keeps for parsers, and two more for each core: 4 MiB and more
	ringFiles  = 16 // files that it keeps open for them
)

// A ringReader reads chunks again for parsers, and believes a chunk only if it
// still has the seal that it was given when it was hashed. It is safe for
// concurrent use, and reads several chunks at a time.
type ringReader struct {
	tree Tree

	mu     sync.Mutex
	failed error       // the first read that did, whatever the parser made of it
	chunks []ringChunk // most recently used first

	reading sync.RWMutex // held for writing by what opens and closes files, or moves in one
	files   []ringFile   // most recently opened first
}

// A ringChunk is a chunk that was asked for: who comes second waits for the
// first.
type ringChunk struct {
	file  *stagedFile
	index int64
	load  func() ([]byte, error)
}

// A ringFile is a file that was opened again.
type ringFile struct {
	name string
	fs.File
	pos int64 // of a file that can only be read from front to end
}

func newRingReader(tree Tree) *ringReader { return &ringReader{tree: tree} }

// readAt is io.ReaderAt for one file of the listing.
func (r *ringReader) readAt(f *stagedFile, p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, fmt.Errorf("%s: read at offset %d", f.name, off)
	}
	for n < len(p) {
		if off >= f.size {
			return n, io.EOF
		}
		chunk, err := r.chunk(f, off/hashing.Chunk)
		if err != nil {
			return n, err
		}
		k := copy(p[n:], chunk[off%hashing.Chunk:])
		n, off = n+k, off+int64(k)
	}
	return n, nil
}

// chunk is chunk i of f as it was hashed. Its bytes are not written to again.
func (r *ringReader) chunk(f *stagedFile, i int64) ([]byte, error) {
	r.mu.Lock()
	at := slices.IndexFunc(r.chunks, func(c ringChunk) bool { return c.file == f && c.index == i })
	if at >= 0 {
		r.chunks = toFront(r.chunks, at)
	} else {
		r.chunks = slices.Insert(r.chunks, 0, ringChunk{f, i, sync.OnceValues(func() ([]byte, error) { return r.verified(f, i) })})
		r.chunks = r.chunks[:min(len(r.chunks), ringChunks+2*runtime.GOMAXPROCS(0))]
	}
	load := r.chunks[0].load
	r.mu.Unlock()
	return load()
}

func (r *ringReader) verified(f *stagedFile, i int64) ([]byte, error) {
	offset, n := f.tree.Bounds(i)
	buf := make([]byte, n)
	err := r.fetch(f, buf, offset)
	if err == nil && !f.seals.Verify(i, buf) {
		err = changed(f.name, offset, "it was written to between hashing and parsing")
	}
	if err == nil {
		return buf, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = faultFor(err, f.name)
	}
	return nil, faultFor(err, f.name)
}

func (r *ringReader) fetch(f *stagedFile, buf []byte, offset int64) error {
	if done, err := r.fetchAt(f, buf, offset); done {
		return err
	}
	r.reading.Lock()
	defer r.reading.Unlock()
	file, err := r.open(f.name)
	if err != nil {
		return err
	}
	if at, ok := file.File.(io.ReaderAt); ok {
		n, err := at.ReadAt(buf, offset)
		return full(f.name, buf, n, offset, err)
	}
	if offset < file.pos { // no way back but from the start
		r.forget(0)
		if file, err = r.open(f.name); err != nil {
			return err
		}
	}
	if _, err := io.CopyN(io.Discard, file.File, offset-file.pos); err != nil {
		return full(f.name, buf, 0, offset, err)
	}
	n, err := io.ReadFull(file.File, buf)
	file.pos = offset + int64(n)
	return full(f.name, buf, n, offset, err)
}

// fetchAt reads beside other readers what is open and can be read at an
// offset; for anything else done is false.
func (r *ringReader) fetchAt(f *stagedFile, buf []byte, offset int64) (done bool, err error) {
	r.reading.RLock()
	defer r.reading.RUnlock()
	i := slices.IndexFunc(r.files, func(open ringFile) bool { return open.name == f.name })
	if i < 0 {
		return false, nil
	}
	at, ok := r.files[i].File.(io.ReaderAt)
	if !ok {
		return false, nil
	}
	n, err := at.ReadAt(buf, offset)
	return true, full(f.name, buf, n, offset, err)
}

// open is the file of that name, at the front of the list.
func (r *ringReader) open(name string) (*ringFile, error) {
	at := slices.IndexFunc(r.files, func(f ringFile) bool { return f.name == name })
	if at < 0 {
		// A parser's reads carry no context; the stage's end closes what hangs.
		file, err := r.tree.Open(context.Background(), name)
		if err != nil {
			return nil, err
		}
		r.files = append(r.files, ringFile{name: name, File: file})
		at = len(r.files) - 1
	}
	r.files = toFront(r.files, at)
	if len(r.files) > ringFiles {
		r.forget(ringFiles)
	}
	return &r.files[0], nil
}

func (r *ringReader) forget(i int) {
	r.files[i].Close()
	r.files = slices.Delete(r.files, i, i+1)
}

// err is the first read that failed. A parser may take one for a misfit; the
// line does not.
func (r *ringReader) err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *ringReader) close() {
	r.reading.Lock()
	defer r.reading.Unlock()
	for _, f := range r.files {
		f.Close()
	}
	r.files = nil
}

func toFront[T any](s []T, i int) []T {
	v := s[i]
	return slices.Insert(slices.Delete(s, i, i+1), 0, v)
}
