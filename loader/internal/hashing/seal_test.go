package hashing

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSeals(t *testing.T) {
	for _, size := range []int64{0, 1, Block, Chunk, 2*Chunk + 5} {
		content := stream(size)
		tree, seals, others := NewTree(size), NewSeals(size), NewSeals(size)
		for i := range max(1, Chunks(size)) {
			offset, n := tree.Bounds(i)
			chunk := bytes.Clone(content[offset : offset+int64(n)])
			require.False(t, seals.Verify(i, chunk), "nothing was sealed")
			seals.Seal(i, chunk)
			others.Seal(i, chunk)
			require.True(t, seals.Verify(i, chunk))
			require.NotEqual(t, others.tags[i], seals.tags[i], "a key that others have")
			require.False(t, seals.Verify(i, append(chunk, 0)))
			for _, at := range []int{0, n / 2, n - 1} {
				if n == 0 {
					break
				}
				require.False(t, seals.Verify(i, chunk[:at]))
				chunk[at] ^= 1
				require.False(t, seals.Verify(i, chunk), "byte %d of chunk %d", at, i)
				chunk[at] ^= 1
			}
		}
	}
	seals, chunk := NewSeals(2*Chunk), make([]byte, Chunk)
	seals.Seal(0, chunk)
	seals.Seal(1, chunk)
	require.NotEqual(t, seals.tags[0], seals.tags[1], "equal chunks, equal seals")
}
