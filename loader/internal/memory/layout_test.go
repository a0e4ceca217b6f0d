package memory

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

const mib = 1 << 20

func TestArrange(t *testing.T) {
	for _, c := range []struct {
		name           string
		sizes, offsets []int64
		size           int64
	}{
		{"nothing", nil, []int64{}, 0},
		{"empty", []int64{0, 0}, []int64{0, 0}, 0},
		{"one byte", []int64{1}, []int64{0}, Piece},
		{"one piece", []int64{Piece}, []int64{0}, Piece},
		{"large and small", []int64{10, 5 * mib, 4097, 2 * mib, 1}, []int64{8 * mib, 0, 8*mib + 4096, 6 * mib, 8*mib + 3*4096}, 10 * mib},
		{"small over a border", []int64{mib, mib - 1, mib}, []int64{0, mib, 2 * mib}, 2 * Piece},
	} {
		l, err := Arrange(c.sizes, math.MaxInt64)
		require.NoError(t, err, c.name)
		require.Equal(t, c.offsets, l.Offsets, c.name)
		require.Equal(t, c.size, l.Size, c.name)
	}
}

func TestArrangeRefuses(t *testing.T) {
	for _, c := range []struct {
		sizes []int64
		limit int64
	}{
		{[]int64{-1}, math.MaxInt64},
		{[]int64{Piece, math.MinInt64}, math.MaxInt64},
		{[]int64{math.MaxInt64, 1}, math.MaxInt64},
		{[]int64{math.MaxInt64}, math.MaxInt64},
		{slices.Repeat([]int64{math.MaxInt64 / 4}, 5), math.MaxInt64},
		{[]int64{100 << 40}, 1 << 40},
		{[]int64{1}, Piece - 1},
	} {
		l, err := Arrange(c.sizes, c.limit)
		require.ErrorIs(t, err, ErrRange, "%v", c.sizes)
		require.Nil(t, l)
	}
}

// FuzzArrange checks what a Layout promises, for sizes that are read from data.
func FuzzArrange(f *testing.F) {
	seeds := [][]byte{nil, {0, 0, 0, 0}, {1, 0, 0, 0}, {0, 0, 32, 0, 255, 255, 31, 0, 1, 0, 0, 0}, {1, 16, 0, 0, 1, 0, 96, 0}}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var sizes []int64
		for ; len(data) >= 4; data = data[4:] {
			sizes = append(sizes, int64(binary.LittleEndian.Uint32(data)%(5*Piece)))
		}
		l, err := Arrange(sizes, math.MaxInt64)
		require.NoError(t, err)
		require.Zero(t, l.Size%Piece)

		room := int64(Piece) // sum and padding
		order := make([]int, len(sizes))
		filled := make([]int64, l.Size/Piece)
		for i, size := range sizes {
			order[i] = i
			border := int64(page)
			if size >= Piece {
				border = Piece
			}
			require.Zero(t, l.Offsets[i]%border)
			room += (size + border - 1) / border * border
			for at := l.Offsets[i]; at < l.Offsets[i]+size; {
				end := min(l.Offsets[i]+size, (at/Piece+1)*Piece)
				filled[at/Piece] += end - at
				at = end
			}
		}
		require.LessOrEqual(t, l.Size, room)
		require.Equal(t, filled, l.filled)
		require.NotContains(t, filled, int64(0), "a piece without a file")

		slices.SortFunc(order, func(a, b int) int { return int(l.Offsets[a] + sizes[a] - l.Offsets[b] - sizes[b]) })
		end := int64(0)
		for _, i := range order {
			if sizes[i] > 0 {
				require.GreaterOrEqual(t, l.Offsets[i], end, "two files overlap")
				end = l.Offsets[i] + sizes[i]
			}
		}
		require.LessOrEqual(t, end, l.Size)
	})
}
