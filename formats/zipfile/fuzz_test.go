package zipfile_test

import (
	stdzip "archive/zip"
	"bytes"
	"context"
	"io"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats/internal/inputtest"
	"github.com/weightgate/weightgate/formats/zipfile"
)

// FuzzRead holds what is accepted against the file and a second reader.
func FuzzRead(f *testing.F) {
	for _, data := range samples(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { check(t, data) })
}

// check reads data and reports whether it was accepted.
func check(t require.TestingT, data []byte) bool {
	before := inputtest.Allocated()
	found, broken := inspect(data)
	require.Less(t, inputtest.Allocated()-before, uint64(8*len(data)+2<<20))
	require.Equal(t, broken == nil, found != nil)
	a, err := read(data)
	if err != nil {
		require.Nil(t, a)
		require.Equal(t, err, broken)
	}
	if broken != nil {
		return false
	}
	requireOrder(t, data, a)
	requireAgreement(t, data, a)
	return true
}

// requireOrder requires that each member's data lies behind the one before it,
// with a header of that name right before.
func requireOrder(t require.TestingT, data []byte, a *zipfile.Archive) {
	var next int64
	for _, m := range a.Members {
		require.True(t, bytes.HasPrefix(data[next:], []byte(localSignature)) || bytes.Contains(data[next:next+28], []byte("PK\x07\x08")))
		require.GreaterOrEqual(t, m.Offset, next+30+int64(len(m.Name)))
		require.Contains(t, string(data[next:m.Offset]), m.Name)
		next = m.Offset + m.CompressedSize
	}
	require.LessOrEqual(t, next, int64(len(data))-22)
	require.Contains(t, string(data[max(0, len(data)-22-1<<16):]), "PK\x05\x06")
}

// requireAgreement requires that archive/zip, which believes nearly everything,
// finds the same members with the same content.
func requireAgreement(t require.TestingT, data []byte, a *zipfile.Archive) {
	theirs, err := stdzip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	require.Len(t, theirs.File, len(a.Members))
	ours := slices.SortedFunc(slices.Values(a.Members), byName)
	slices.SortFunc(theirs.File, func(a, b *stdzip.File) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	for i, f := range theirs.File {
		m := ours[i]
		offset, err := f.DataOffset()
		require.NoError(t, err)
		require.Equal(t, zipfile.Member{
			Name: f.Name, Method: zipfile.Method(f.Method), CRC: f.CRC32,
			Offset: offset, CompressedSize: int64(f.CompressedSize64), Size: int64(f.UncompressedSize64),
		}, m)
		found, ok := a.Find(f.Name)
		require.True(t, ok)
		require.Equal(t, m, found)
		if m.Size > 1<<20 {
			continue // Verify has inflated it
		}
		r, err := f.Open()
		require.NoError(t, err)
		want, err := io.ReadAll(r)
		require.NoError(t, err)
		got, err := io.ReadAll(a.Open(context.Background(), m))
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
	}
}

// What is mangled may be accepted, as with a date that stands in no header, and
// is then held against the same properties.
func TestMangled(t *testing.T) {
	accepted, refused := inputtest.Mangle(t, samples(t), check)
	require.Greater(t, accepted, 1000)
	require.Greater(t, refused, 10*accepted)
}
