package zipfile

import (
	"bufio"
	"context"
	"errors"
	"hash/crc32"
	"io"
	"runtime"
	"sync"

	"github.com/klauspost/compress/flate"

	"github.com/weightgate/weightgate/formats"
)

// chunk is how much is read at once, and the border at which reads end: a file
// that is verified in chunks of this size is fetched once.
const chunk = 512 << 10

// Open reads the content of a member of a. The reader gives Size bytes and
// io.EOF only if they have the member's checksum; else, and for deflated data
// that is broken or of another length, its last error is a *formats.SyntaxError.
// What was read before that is not verified. The reader ends with ctx, and is
// not safe for concurrent use.
func (a *Archive) Open(ctx context.Context, m Member) io.Reader {
	return (&contents{ctx: ctx, in: a.in}).open(m)
}

// Each calls fn for each member in the order of the file, with a reader as Open
// gives it that is valid during the call. What fn leaves is read after it: when
// Each returns nil, all checksums were right. An error of fn ends it.
func (a *Archive) Each(ctx context.Context, fn func(Member, io.Reader) error) error {
	c := &contents{ctx: ctx, in: a.in}
	rest := make([]byte, min(chunk, a.in.Size()))
	for _, m := range a.Members {
		r := c.open(m)
		if err := fn(m, r); err != nil {
			return err
		}
		if err := r.drain(rest); err != nil {
			return err
		}
	}
	return nil
}

// Verify reads all members and checks their checksums, on all cores, in memory
// of about 1 MiB for each. Its error is that of the first member that has one.
func (a *Archive) Verify(ctx context.Context) error {
	var (
		v       = verification{archive: a, bad: len(a.Members)}
		workers sync.WaitGroup
	)
	for range min(int64(runtime.GOMAXPROCS(0)), 1+a.in.Size()/(8*chunk)) { // little is not worth a second one
		workers.Go(func() { v.work(ctx) })
	}
	workers.Wait()
	return v.err
}

// A verification is Verify under way. Members are taken in their order, so that
// all before the first bad one have been taken when it is found.
type verification struct {
	archive *Archive

	mu   sync.Mutex
	next int // member
	bad  int // the first member that is
	err  error
}

func (v *verification) work(ctx context.Context) {
	c := &contents{ctx: ctx, in: v.archive.in}
	rest := make([]byte, min(chunk, c.in.Size()))
	for {
		i, ok := v.take()
		if !ok {
			return
		}
		if err := c.open(v.archive.Members[i]).drain(rest); err != nil {
			v.fail(i, err)
		}
	}
}

func (v *verification) take() (i int, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	i = v.next
	v.next++
	return i, i < v.bad
}

func (v *verification) fail(i int, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if i < v.bad {
		v.bad, v.err = i, err
	}
}

// contents reads members one after the other through the same buffers.
type contents struct {
	ctx      context.Context
	in       formats.Input
	section  section
	buffer   *bufio.Reader // of section, for the inflater
	inflater io.ReadCloser // of buffer
}

func (c *contents) open(m Member) *content {
	c.section = section{in: c.in, offset: m.Offset, end: m.Offset + m.CompressedSize}
	r := &content{contents: c, member: m, left: m.Size, data: &c.section}
	if m.Method == Deflated {
		r.data = c.inflate()
	}
	return r
}

// inflate makes the inflater ready for what is in section.
func (c *contents) inflate() io.Reader {
	if c.inflater == nil {
		c.buffer = bufio.NewReaderSize(&c.section, int(min(chunk, c.in.Size())))
		c.inflater = flate.NewReader(c.buffer)
		return c.inflater
	}
	c.buffer.Reset(&c.section)
	c.inflater.(flate.Resetter).Reset(c.buffer, nil) // its error is about dictionaries
	return c.inflater
}

// A section is the part of the file that a member's data takes.
type section struct {
	in          formats.Input
	offset, end int64
	failed      error // of a read of the file
}

func (s *section) Read(b []byte) (int, error) {
	if s.offset == s.end {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), s.end-s.offset, chunk-s.offset%chunk)]
	n, err := s.in.ReadAt(b, s.offset)
	s.offset += int64(n)
	if n < len(b) {
		s.failed = failedRead(s.in, err)
	}
	return n, s.failed
}

// A content is the reader of one member.
type content struct {
	*contents
	member Member
	data   io.Reader
	left   int64
	crc    uint32
	err    error // the last, io.EOF included
}

func (r *content) Read(b []byte) (int, error) {
	if r.err == nil {
		r.err = r.ctx.Err()
	}
	if r.err != nil || len(b) == 0 {
		return 0, r.err
	}
	if r.left == 0 {
		r.err = r.end()
		return 0, r.err
	}
	n, err := r.data.Read(b[:min(int64(len(b)), r.left)])
	r.crc = crc32.Update(r.crc, crc32.IEEETable, b[:n])
	r.left -= int64(n)
	if err != nil && (r.left > 0 || err != io.EOF) {
		r.err = r.broken(err)
	}
	return n, r.err
}

// drain reads what is left, into buf.
func (r *content) drain(buf []byte) error {
	for {
		if _, err := r.Read(buf); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// end checks that the data ends where the content does.
func (r *content) end() error {
	if r.member.Method == Deflated {
		var more [1]byte
		switch n, err := io.ReadFull(r.data, more[:]); {
		case n > 0:
			return r.fail(CodeDeflate, "%s inflates to more than %d bytes", quote(r.member.Name), r.member.Size)
		case err != io.EOF:
			return r.broken(err)
		}
		if behind := r.section.end - r.section.offset + int64(r.buffer.Buffered()); behind > 0 {
			return r.fail(CodeDeflate, "%s: %d bytes behind the end of the deflated data", quote(r.member.Name), behind)
		}
	}
	if r.crc != r.member.CRC {
		return r.fail(CodeCRC, "%s: checksum %08x, not %08x", quote(r.member.Name), r.crc, r.member.CRC)
	}
	return io.EOF
}

// broken is what an error means that reading the data had before its end: the
// file could not be read, or it holds no deflated data.
func (r *content) broken(err error) error {
	if r.section.failed != nil {
		return r.section.failed
	}
	if errors.Is(err, io.EOF) {
		return r.fail(CodeDeflate, "%s inflates to %d bytes less than %d", quote(r.member.Name), r.left, r.member.Size)
	}
	return r.fail(CodeDeflate, "%s: %v", quote(r.member.Name), err)
}

func (r *content) fail(c formats.Code, detail string, args ...any) error {
	return codes.Syntax(Name, c, r.in.Name(), r.member.Offset, detail, args...)
}
