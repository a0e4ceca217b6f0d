package loader

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/weightgate/weightgate/loader/internal/hashing"
	"github.com/weightgate/weightgate/loader/internal/memory"
)

// A chunkReader copies chunks of one open file. Each chunk is asked for once.
type chunkReader interface {
	// read fills dst from offset. It is safe for concurrent use unless sequential.
	read(dst []byte, offset int64) error
	// sequential reports that chunks must be read in their order by one goroutine.
	sequential() bool
	// close closes the file, and fails if it is not the one that was opened any more.
	close() error
}

// reading is how local files are read.
type reading uint8

const (
	readAuto    reading = iota // through a mapping from one chunk on, by pread below
	readMapping                // through a mapping
	readAt                     // by pread
)

// open opens a file of the listing, once.
func (a *admission) open(ctx context.Context, f *stagedFile) (chunkReader, error) {
	file, err := a.tree.Open(ctx, f.name)
	if err != nil {
		return nil, err
	}
	was, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, err
	}
	if !was.Mode().IsRegular() || was.Size() != f.size {
		file.Close()
		return nil, changed(f.name, 0, "it was listed with %d bytes and opened with %d", f.size, was.Size())
	}
	o := opened{File: file, name: f.name, was: was}
	a.at(pauseOpened, f.name, 0)
	if local, ok := file.(*os.File); ok && a.maps(f.size) {
		if m, err := memory.MapFile(local, f.size); err == nil {
			return &mappedFile{opened: o, mapping: m}, nil
		} // else a file system that maps nothing: pread reads the same bytes
	}
	if at, ok := file.(io.ReaderAt); ok {
		return &positionedFile{opened: o, at: at}, nil
	}
	return &streamedFile{opened: o}, nil
}

// maps reports whether a local file of this size is read through a mapping.
func (a *admission) maps(size int64) bool {
	if a.staged != nil && a.staged.ring != nil && a.via == readAuto {
		return false // a ring's memory is the ring: pages of a mapping count as its own
	}
	switch a.via {
	case readMapping:
		return size > 0
	case readAt:
		return false
	}
	return size >= hashing.Chunk // below, mapping costs more than it saves
}

// opened is a file and what it was when it was opened.
type opened struct {
	fs.File
	name string
	was  fs.FileInfo
}

// end closes the file after a second look: a writer who was here while it was
// copied is named, whatever the digests say.
func (o *opened) end() error {
	is, err := o.Stat()
	if err = errors.Join(err, o.File.Close()); err != nil {
		return err
	}
	if !sameState(o.was, is) {
		return changed(o.name, 0, "it was written to while it was copied (%d bytes before, %d after)", o.was.Size(), is.Size())
	}
	return nil
}

// changed is the fault of a file that is not what it was.
func changed(name string, offset int64, format string, args ...any) *fault {
	return &fault{Finding: codes.Finding(CodeChanged, name, offset, format, args...)}
}

// mappedFile is a local file, copied out of a mapping of it.
type mappedFile struct {
	opened
	mapping *memory.Mapping
}

func (m *mappedFile) sequential() bool { return false }

func (m *mappedFile) read(dst []byte, offset int64) error {
	err := memory.Copy(dst, m.mapping.Bytes()[offset:][:len(dst)])
	if errors.Is(err, memory.ErrFault) {
		f := changed(m.name, offset, "it was cut short while it was copied")
		f.err = err
		return f
	}
	return err
}

func (m *mappedFile) close() error {
	return errors.Join(m.mapping.Unmap(), m.end())
}

// positionedFile is a file that is read by offset.
type positionedFile struct {
	opened
	at io.ReaderAt
}

func (p *positionedFile) sequential() bool { return false }

func (p *positionedFile) read(dst []byte, offset int64) error {
	n, err := p.at.ReadAt(dst, offset)
	return full(p.name, dst, n, offset, err)
}

func (p *positionedFile) close() error { return p.end() }

// streamedFile is a file that is read from front to end.
type streamedFile struct{ opened }

func (s *streamedFile) sequential() bool { return true }

func (s *streamedFile) read(dst []byte, offset int64) error {
	n, err := io.ReadFull(s.File, dst)
	return full(s.name, dst, n, offset, err)
}

func (s *streamedFile) close() error {
	var one [1]byte
	if n, _ := s.File.Read(one[:]); n > 0 {
		s.File.Close()
		return changed(s.name, s.was.Size(), "it goes on after the %d bytes of its size", s.was.Size())
	}
	return s.end()
}

// full turns a read that is not whole into its reason.
func full(name string, dst []byte, n int, offset int64, err error) error {
	switch {
	case n == len(dst):
		return nil // io.ReaderAt may return io.EOF with the last bytes
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return changed(name, offset+int64(n), "it ended while it was copied")
	}
	return err
}
