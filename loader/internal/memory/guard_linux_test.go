package memory

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGuard(t *testing.T) {
	sizes := []int64{3, 2*Piece + 1, mib, mib - 1, 0, 5} // small ones over the border of two pieces
	l, err := Arrange(sizes, math.MaxInt64)
	require.NoError(t, err)
	a, err := NewArena(0)
	require.NoError(t, err)
	r, err := a.Alloc(l.Size)
	require.NoError(t, err)
	defer r.Release()
	g := NewGuard(r, l)
	final := func(file int) { require.NoError(t, g.Final(l.Offsets[file], sizes[file])) }
	writable := func() (pieces []int64) {
		for at := int64(0); at < l.Size; at += Piece {
			if !faultsOnWrite(r.bytes[at : at+Piece]) {
				pieces = append(pieces, at/Piece)
			}
		}
		return pieces
	}

	require.Equal(t, []int64{0, 1, 2, 3, 4}, writable())
	require.NoError(t, g.Final(l.Offsets[1], Piece-1))
	require.Equal(t, []int64{0, 1, 2, 3, 4}, writable())
	require.NoError(t, g.Final(l.Offsets[1]+Piece-1, 1))
	require.Equal(t, []int64{1, 2, 3, 4}, writable())
	require.NoError(t, g.Final(l.Offsets[1]+Piece, Piece+1))
	require.Equal(t, []int64{3, 4}, writable())
	final(0)
	final(2)
	final(4)
	require.Equal(t, []int64{3, 4}, writable())
	final(3)
	require.Equal(t, []int64{4}, writable())
	final(5)
	require.Empty(t, writable())

	for _, c := range [][2]int64{{-1, 1}, {0, -1}, {l.Size, 1}, {math.MaxInt64, math.MaxInt64}} {
		require.ErrorIs(t, g.Final(c[0], c[1]), ErrRange)
	}
}

func TestGuardConcurrent(t *testing.T) {
	const step = 512 << 10
	l, err := Arrange([]int64{8*Piece + 7, 300 << 10, 1900 << 10, 600 << 10}, math.MaxInt64)
	require.NoError(t, err)
	sizes := []int64{8*Piece + 7, 300 << 10, 1900 << 10, 600 << 10}
	a, err := NewArena(0)
	require.NoError(t, err)
	r, err := a.Alloc(l.Size)
	require.NoError(t, err)
	defer r.Release()

	var parts [][2]int64
	for i, size := range sizes {
		for at := int64(0); at < size; at += step {
			parts = append(parts, [2]int64{l.Offsets[i] + at, min(step, size-at)})
		}
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	g := NewGuard(r, l)
	var wg sync.WaitGroup
	for _, p := range parts {
		wg.Go(func() {
			r.bytes[p[0]]++ // faults if the piece was protected too early
			if err := g.Final(p[0], p[1]); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for at := int64(0); at < l.Size; at += Piece {
		require.True(t, faultsOnWrite(r.bytes[at:at+Piece]), "piece %d", at/Piece)
	}
}
