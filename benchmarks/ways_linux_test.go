package benchmarks

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Every way holds the bytes that were published, and says truly what it read.
func TestLoadWays(t *testing.T) {
	j, size := mebibyte().published(t)
	file := measured(t, j.Dir, safetensorsOnly())[0]
	require.Equal(t, size, file.Size)
	for _, c := range []struct {
		way    string
		digest string
		copied int64
		reads  bool // with read calls
	}{
		{mmapUnverified, file.SHA256.String(), 0, false},
		{copyUnverified, file.SHA256.String(), size, true},
		{hashThenLoad, file.SHA256.String(), 2 * size, true},
		{throughGate, file.SHA256.String(), size, false},
		{throughSHA256, file.SHA256.String(), size, false},
		{throughFresh, file.SHA256.String(), size, false},
		{leavesLimit, file.Verity.String(), 0, false},
		{chainLimit, file.SHA256.String(), 0, false},
	} {
		t.Run(c.way, func(t *testing.T) {
			j := j
			j.Way, j.Check = c.way, true
			s, err := j.inChild()
			require.NoError(t, err)
			require.Equal(t, c.digest, s.Digest)
			require.Equal(t, c.copied, s.Copied)
			require.Positive(t, s.Seconds)
			require.GreaterOrEqual(t, s.Peak, s.Before)
			if c.reads {
				require.GreaterOrEqual(t, s.Read, c.copied)
			}
		})
	}
}

// A sample of a way that nobody knows, or of a file that is not there, is an
// error of the parent.
func TestChildFails(t *testing.T) {
	j, _ := mebibyte().published(t)
	j.Way = "magic"
	_, err := j.inChild()
	require.ErrorContains(t, err, "magic")

	j.Way, j.Files = copyUnverified, []string{"other.safetensors"}
	_, err = j.inChild()
	require.ErrorContains(t, err, "no such file")
}

// A page cache that has a file and one that has dropped it are told apart; a
// place that cannot drop it says so.
func TestColdIsCold(t *testing.T) {
	j, size := mebibyte().published(t)
	j.Way, j.Cold = copyUnverified, true
	s, err := j.inChild()
	if err != nil {
		require.ErrorIs(t, err, errNotCold)
		return
	}
	require.GreaterOrEqual(t, s.Disk, size)
	j.Cold = false
	s, err = j.inChild()
	require.NoError(t, err)
	require.Less(t, s.Disk, size)
}
