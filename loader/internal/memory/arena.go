// Package memory is where bytes lie that nobody else can change: private
// memory, which holds a model's files, and sealed memory, which can be given
// away by descriptor. It also reads the mappings of files that others do
// change, and knows how much memory is left.
//
// Private memory can be protected, and a range that was released faults, on
// unix. Elsewhere it is memory of the Go heap, and both are left out.
package memory

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"unsafe"
)

// Piece is the unit of placing and protecting in bytes: a huge page, which a
// smaller unit would split.
const Piece = 2 << 20

// ErrClosed says that memory was asked of an arena after its Close.
var ErrClosed = errors.New("memory: arena is closed")

// ErrRange says that a range does not lie within a region, or does not consist
// of whole pieces, or that a size is negative or too large to be counted.
var ErrRange = errors.New("memory: no such range")

// An Arena hands out private memory. What fits is cut from one mapping, whose
// pages are resident from the start and stay so; what does not fit gets a
// mapping of its own. An Arena is safe for concurrent use.
type Arena struct {
	mu     sync.Mutex
	pages  *pages    // nil: every region has a mapping of its own
	held   []*Region // cut from pages, in the order of their offsets
	closed bool
}

// NewArena is an arena of size bytes, rounded up to whole pieces. Their pages
// are touched before it returns. An arena of 0 bytes keeps nothing: each region
// is mapped when it is asked for and unmapped when it is released.
func NewArena(size int64) (*Arena, error) {
	n, err := wholePieces(size)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return &Arena{}, nil
	}
	p, err := mapPages(n)
	if err != nil {
		return nil, err
	}
	if err := populate(p.bytes); err != nil {
		return nil, errors.Join(err, p.unmap())
	}
	if err := protect(p.bytes, noAccess); err != nil {
		return nil, errors.Join(err, p.unmap())
	}
	return &Arena{pages: p}, nil
}

// Alloc is a region of size bytes, readable and writable. Its bytes hold what
// the last holder left in them: the caller writes each byte that it shows to
// others. The region is the caller's until its Release.
func (a *Arena) Alloc(size int64) (*Region, error) {
	n, err := wholePieces(size)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil, ErrClosed
	}
	if n == 0 {
		return &Region{}, nil
	}
	if r, err := a.cut(n, int(size)); r != nil || err != nil {
		return r, err
	}
	p, err := mapPages(n)
	if err != nil {
		return nil, err
	}
	return &Region{size: int(size), bytes: p.bytes, own: p}, nil
}

// cut takes the first gap of n bytes; it is nil if there is none.
func (a *Arena) cut(n, size int) (*Region, error) {
	if a.pages == nil {
		return nil, nil
	}
	at, i := 0, 0
	for i < len(a.held) && a.held[i].offset-at < n {
		at = a.held[i].offset + len(a.held[i].bytes)
		i++
	}
	if len(a.pages.bytes)-at < n {
		return nil, nil
	}
	r := &Region{size: size, bytes: a.pages.bytes[at : at+n : at+n], arena: a, offset: at}
	if err := protect(r.bytes, readWrite); err != nil {
		return nil, err
	}
	a.held = slices.Insert(a.held, i, r)
	return r, nil
}

// give takes r back. If its pages cannot be made to fault they are not handed
// out again: an old slice may show the old model, never another.
func (a *Arena) give(r *Region) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := protect(r.bytes, noAccess); err != nil {
		return err
	}
	a.held = slices.DeleteFunc(a.held, func(h *Region) bool { return h == r })
	if a.closed && len(a.held) == 0 {
		return a.pages.unmap()
	}
	return nil
}

// Close ends the arena: Alloc answers ErrClosed from now on. Regions stay valid
// until they are released, and with the last one the mapping goes. Further
// calls do nothing.
func (a *Arena) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil
	}
	a.closed = true
	if a.pages == nil || len(a.held) > 0 {
		return nil
	}
	return a.pages.unmap()
}

// A Region is private memory that one holder was given.
type Region struct {
	size   int
	bytes  []byte // whole pieces
	own    *pages // a mapping of its own, or
	arena  *Arena // the arena that it was cut from,
	offset int    // and where

	release sync.Once
}

// Bytes is the memory, valid until Release: a slice that is kept longer faults
// when it is used. Its capacity is its length.
func (r *Region) Bytes() []byte { return r.bytes[:r.size:r.size] }

// Holds reports whether b lies in the region. It is false for an empty b.
func (r *Region) Holds(b []byte) bool {
	if len(b) == 0 || r.size == 0 {
		return false
	}
	first, at := uintptr(unsafe.Pointer(unsafe.SliceData(r.bytes))), uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	return at >= first && at-first < uintptr(r.size) && uintptr(len(b)) <= uintptr(r.size)-(at-first)
}

// Kept reports whether the region was cut from the arena's own mapping.
func (r *Region) Kept() bool { return r.arena != nil }

// Protect makes the range read-only until Release: a write to it faults. Offset
// and length are multiples of Piece; the last piece of a region reaches beyond
// its Bytes.
func (r *Region) Protect(offset, length int64) error {
	if offset < 0 || length < 0 || offset%Piece != 0 || length%Piece != 0 || offset > int64(len(r.bytes))-length {
		return fmt.Errorf("%w: protect %d bytes at %d of %d", ErrRange, length, offset, len(r.bytes))
	}
	if length == 0 {
		return nil
	}
	return protect(r.bytes[offset:offset+length], readOnly)
}

// Release gives the memory back, at any time and from any goroutine; no other
// call of r's methods may still run. Further calls do nothing.
func (r *Region) Release() (err error) {
	r.release.Do(func() {
		switch {
		case r.own != nil:
			err = r.own.unmap()
		case r.arena != nil:
			err = r.arena.give(r)
		}
	})
	return err
}

// wholePieces is size rounded up to a multiple of Piece.
func wholePieces(size int64) (int, error) {
	if size < 0 || size > math.MaxInt-2*Piece {
		return 0, fmt.Errorf("%w: %d bytes", ErrRange, size)
	}
	return int((size + Piece - 1) / Piece * Piece), nil
}
