// Package peek looks into files that may be anything: a few reads at chosen
// places, which cost no more than a bound however long a file is.
package peek

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/weightgate/weightgate/formats"
)

// A File is looked into by one format. What lies beyond what may be read reads as
// if the file ended before it. A failed read stays in Err, and everything after it
// reads as empty. It is not safe for concurrent use.
type File struct {
	Size int64 // in bytes
	Cut  bool  // the file goes on behind Size: it is the start of an unpacked stream
	Left int   // bytes that may still be read
	Err  error

	ctx   context.Context
	from  io.ReaderAt
	name  string
	most  int    // what Left was at first
	first []byte // the head as far as it was read
}

// New looks into in, and reads at most that many bytes of it.
func New(ctx context.Context, in formats.Input, most int) *File {
	return &File{ctx: ctx, from: in, name: in.Name(), Size: in.Size(), Left: most, most: most}
}

// Unpacked looks into the start of what p's file unpacks to. It reads memory,
// which does not fail and is done at once.
func (p *File) Unpacked(start []byte, cut bool) *File {
	return &File{ctx: context.WithoutCancel(p.ctx), from: bytes.NewReader(start), name: p.name, Size: int64(len(start)), Left: p.most, most: p.most, Cut: cut}
}

// At is the n bytes at offset, or those of them that there are.
func (p *File) At(offset int64, n int) []byte {
	if offset < 0 || offset >= p.Size || p.Err != nil {
		return nil
	}
	n = min(n, p.Left)
	b := make([]byte, min(int64(n), p.Size-offset))
	if len(b) == 0 {
		return nil
	}
	if p.Err = p.ctx.Err(); p.Err != nil {
		return nil
	}
	p.Left -= len(b)
	if read, err := p.from.ReadAt(b, offset); read < len(b) {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // the file is shorter than the size it was opened with
		}
		p.Err = fmt.Errorf("%s: %w", formats.Quote(p.name), err)
		return nil
	}
	return b
}

// Head is the first n bytes, or those of them that there are. Callers share it
// and do not change it.
func (p *File) Head(n int) []byte {
	if n > len(p.first) {
		more := p.At(int64(len(p.first)), n-len(p.first))
		p.first = slices.Concat(p.first, more)
	}
	return p.first[:min(n, len(p.first))]
}

// Tail is the last n bytes, or those of them that there are.
func (p *File) Tail(n int) []byte {
	start := max(0, p.Size-int64(n))
	return p.At(start, int(p.Size-start))
}

// Starts reports whether the file begins with one of the magics.
func (p *File) Starts(magics ...string) bool {
	return slices.ContainsFunc(magics, func(m string) bool { return string(p.Head(len(m))) == m })
}

// Field is the n bytes at offset of the file's first KiB; short files are padded
// with zeros, so that what they lack matches no magic.
func (p *File) Field(offset, n int) []byte {
	b := make([]byte, n)
	head := p.Head(1024)
	if offset < len(head) {
		copy(b, head[offset:])
	}
	return b
}
