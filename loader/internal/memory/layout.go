package memory

import (
	"fmt"
	"math"
	"sync/atomic"
)

// page is the border at which small files start: no two share one.
const page = 4096

// A Layout is where the files of one model lie in a region. Files of a Piece
// and more start at a border of Piece; smaller ones follow each other at borders
// of 4 KiB and share pieces. The padding is less than a Piece for each large
// file, less than 4 KiB for each small one, and less than a Piece at the end.
type Layout struct {
	Offsets []int64 // of each file, in the order of the sizes
	Size    int64   // of the region, in whole pieces
	filled  []int64 // bytes of files in each piece
}

// Arrange lays out files of these sizes. It is ErrRange for a negative size and
// for a sum that cannot be counted; nothing is allocated by the sizes unless
// their sum, with its padding, is at most limit bytes.
func Arrange(sizes []int64, limit int64) (*Layout, error) {
	l := &Layout{Offsets: make([]int64, len(sizes))}
	end := int64(0)
	place := func(i int, border int64) error {
		start, ok := roundUp(end, border)
		if !ok || sizes[i] < 0 || sizes[i] > math.MaxInt64-start {
			return fmt.Errorf("%w: a file of %d bytes after %d", ErrRange, sizes[i], end)
		}
		l.Offsets[i], end = start, start+sizes[i]
		return nil
	}
	for i, size := range sizes {
		if size >= Piece {
			if err := place(i, Piece); err != nil {
				return nil, err
			}
		}
	}
	end, ok := roundUp(end, Piece) // small files share no piece with a large one
	if !ok {
		return nil, fmt.Errorf("%w: %d bytes", ErrRange, end)
	}
	for i, size := range sizes {
		if size < Piece {
			if err := place(i, page); err != nil {
				return nil, err
			}
		}
	}
	if l.Size, ok = roundUp(end, Piece); !ok || l.Size > limit {
		return nil, fmt.Errorf("%w: %d bytes, limit %d", ErrRange, end, limit)
	}
	l.filled = make([]int64, l.Size/Piece)
	for i, size := range sizes {
		eachPiece(l.Offsets[i], size, func(piece, n int64) { l.filled[piece] += n })
	}
	return l, nil
}

func roundUp(n, border int64) (int64, bool) {
	if n > math.MaxInt64-(border-1) {
		return n, false
	}
	return (n + border - 1) / border * border, true
}

// eachPiece splits the range at the borders of the pieces.
func eachPiece(offset, length int64, f func(piece, n int64)) {
	for length > 0 {
		n := min(length, Piece-offset%Piece)
		f(offset/Piece, n)
		offset, length = offset+n, length-n
	}
}

// A Guard protects each piece of a region as soon as every byte that its files
// have in it is final. It is safe for concurrent use.
type Guard struct {
	region *Region
	left   []atomic.Int64 // bytes of each piece that may still be written
}

// NewGuard guards r, which was made for l.
func NewGuard(r *Region, l *Layout) *Guard {
	g := &Guard{region: r, left: make([]atomic.Int64, len(l.filled))}
	for i, n := range l.filled {
		g.left[i].Store(n)
	}
	return g
}

// Final tells that the bytes of a file at this offset of the region were
// written and hashed. Each byte of each file is told once.
func (g *Guard) Final(offset, length int64) error {
	if offset < 0 || length < 0 || offset > int64(len(g.left))*Piece-length {
		return fmt.Errorf("%w: %d bytes at %d are final", ErrRange, length, offset)
	}
	var failed error
	eachPiece(offset, length, func(piece, n int64) {
		if g.left[piece].Add(-n) == 0 && failed == nil {
			failed = g.region.Protect(piece*Piece, Piece)
		}
	})
	return failed
}
