package foreign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/weightgate/weightgate/formats"
)

// A peek looks into one file for one kind. It reads no more than MaxRead bytes
// in all; what lies beyond reads as if the file ended before it. A failed read
// stays in err, and everything after it reads as empty.
type peek struct {
	ctx  context.Context
	from io.ReaderAt
	name string
	size int64 // of the file
	left int   // bytes that may still be read
	cut  bool  // the file goes on behind size: it is the start of an unpacked stream
	err  error

	first []byte // the head as far as it was read
}

func newPeek(ctx context.Context, in formats.Input) *peek {
	return &peek{ctx: ctx, from: in, name: in.Name(), size: in.Size(), left: MaxRead}
}

// unpacked is a peek into the start of what p's file unpacks to. It reads memory,
// which does not fail and is done at once.
func (p *peek) unpacked(start []byte, cut bool) *peek {
	return &peek{ctx: context.WithoutCancel(p.ctx), from: bytes.NewReader(start), name: p.name, size: int64(len(start)), left: MaxRead, cut: cut}
}

// at is the n bytes at offset, or those of them that there are.
func (p *peek) at(offset int64, n int) []byte {
	if offset < 0 || offset >= p.size || p.err != nil {
		return nil
	}
	n = min(n, p.left)
	b := make([]byte, min(int64(n), p.size-offset))
	if len(b) == 0 {
		return nil
	}
	if p.err = p.ctx.Err(); p.err != nil {
		return nil
	}
	p.left -= len(b)
	if read, err := p.from.ReadAt(b, offset); read < len(b) {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // the file is shorter than the size it was opened with
		}
		p.err = fmt.Errorf("%s: %w", formats.Quote(p.name), err)
		return nil
	}
	return b
}

// head is the first n bytes, or those of them that there are. Callers share it
// and do not change it.
func (p *peek) head(n int) []byte {
	if n > len(p.first) {
		more := p.at(int64(len(p.first)), n-len(p.first))
		p.first = slices.Concat(p.first, more)
	}
	return p.first[:min(n, len(p.first))]
}

// tail is the last n bytes, or those of them that there are.
func (p *peek) tail(n int) []byte {
	start := max(0, p.size-int64(n))
	return p.at(start, int(p.size-start))
}

// starts reports whether the file begins with one of the magics.
func (p *peek) starts(magics ...string) bool {
	return slices.ContainsFunc(magics, func(m string) bool { return string(p.head(len(m))) == m })
}

// field is the n bytes at offset of the file's first KiB; short files are padded
// with zeros, so that what they lack matches no magic.
func (p *peek) field(offset, n int) []byte {
	b := make([]byte, n)
	head := p.head(1024)
	if offset < len(head) {
		copy(b, head[offset:])
	}
	return b
}
