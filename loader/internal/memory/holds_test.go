package memory

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRegionHolds(t *testing.T) {
	a, err := NewArena(2 * Piece)
	require.NoError(t, err)
	defer a.Close()
	first, err := a.Alloc(Piece)
	require.NoError(t, err)
	defer first.Release()
	second, err := a.Alloc(Piece)
	require.NoError(t, err)
	defer second.Release()
	b := first.Bytes()
	require.True(t, first.Holds(b))
	require.True(t, first.Holds(b[:1]))
	require.True(t, first.Holds(b[len(b)-1:]))
	require.False(t, second.Holds(b))
	require.False(t, first.Holds(second.Bytes()))
	require.False(t, first.Holds(make([]byte, 1)))
	require.False(t, first.Holds(nil))
	require.False(t, first.Holds(b[:0]))
}
