package zipfile_test

import (
	stdzip "archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/inputtest"
	"github.com/weightgate/weightgate/formats/zipfile"
)

// large is an archive of a stored and a deflated member of more than one chunk.
func large(t *testing.T) (archive, content []byte) {
	random := rand.NewChaCha8([32]byte{1})
	content = make([]byte, 3<<20+1)
	for i := range content {
		content[i] = byte(random.Uint64() & 0x1f)
	}
	var b bytes.Buffer
	w := stdzip.NewWriter(&b)
	for name, method := range map[string]uint16{"stored": stdzip.Store, "deflated": stdzip.Deflate} {
		f, err := w.CreateHeader(&stdzip.FileHeader{Name: name, Method: method})
		require.NoError(t, err)
		_, err = f.Write(content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes(), content
}

func TestOpen(t *testing.T) {
	data, content := large(t)
	a, err := read(data)
	require.NoError(t, err)
	require.Len(t, a.Members, 2)
	for _, m := range a.Members {
		require.NoError(t, iotest.TestReader(a.Open(context.Background(), m), content), m.Name)
	}
	require.NoError(t, a.Verify(context.Background()))
}

// However many cores verify, the first bad member is the one that is told.
func TestVerifyTellsTheFirst(t *testing.T) {
	var b bytes.Buffer
	w := stdzip.NewWriter(&b)
	content := make([]byte, 256<<10)
	for i := range 40 {
		f, err := w.CreateHeader(&stdzip.FileHeader{Name: fmt.Sprintf("m%02d", i), Method: stdzip.Store})
		require.NoError(t, err)
		_, err = f.Write(content[:len(content)-6000*i]) // the last ones are done first
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	a, err := read(b.Bytes())
	require.NoError(t, err)
	for _, i := range []int{38, 37, 20, 7} {
		b.Bytes()[a.Members[i].Offset] ^= 1
		err := a.Verify(t.Context())
		requireCode(t, zipfile.CodeCRC, err)
		require.ErrorContains(t, err, fmt.Sprintf("m%02d:", i))
		require.Equal(t, a.Each(t.Context(), func(zipfile.Member, io.Reader) error { return nil }), err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, a.Verify(ended), context.Canceled)
}

func TestOpenChecks(t *testing.T) {
	data, _ := large(t)
	a, err := read(data)
	require.NoError(t, err)
	for _, m := range a.Members {
		data[m.Offset+m.CompressedSize-9] ^= 1
		_, err := io.ReadAll(a.Open(context.Background(), m))
		require.Error(t, err)
		if m.Method == zipfile.Stored {
			requireCode(t, zipfile.CodeCRC, err)
		}
		require.Error(t, a.Verify(context.Background()))
		data[m.Offset+m.CompressedSize-9] ^= 1
	}
	require.NoError(t, a.Verify(context.Background()))
}

// The last error stays.
func TestOpenErrorStays(t *testing.T) {
	data := archive(member{"a", "data"})
	data[31]++
	a, err := read(data)
	require.NoError(t, err)
	r := a.Open(context.Background(), a.Members[0])
	for range 2 {
		_, err = io.ReadAll(r)
		requireCode(t, zipfile.CodeCRC, err)
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	data, _ := large(t)
	a, err := read(data)
	require.NoError(t, err)
	for _, m := range a.Members {
		ctx, cancel := context.WithCancel(context.Background())
		r := a.Open(ctx, m)
		_, err := io.CopyN(io.Discard, r, 1<<20)
		require.NoError(t, err)
		cancel()
		_, err = r.Read(make([]byte, 1))
		require.ErrorIs(t, err, context.Canceled)
	}
}

// Each checks what its function leaves unread.
func TestEach(t *testing.T) {
	data, content := large(t)
	a, err := read(data)
	require.NoError(t, err)
	for _, n := range []int{0, 1, len(content)} {
		var seen []zipfile.Member
		require.NoError(t, a.Each(context.Background(), func(m zipfile.Member, r io.Reader) error {
			seen = append(seen, m)
			b := make([]byte, n)
			_, err := io.ReadFull(r, b)
			require.Equal(t, content[:n], b)
			return err
		}))
		require.Equal(t, a.Members, seen)
	}
	stop := errors.New("stop")
	calls := 0
	require.ErrorIs(t, a.Each(context.Background(), func(zipfile.Member, io.Reader) error {
		calls++
		return stop
	}), stop)
	require.Equal(t, 1, calls)
}

// reads notes what is read of an Input.
type reads struct {
	inputtest.File
	n    *int
	most *int
}

func (r reads) ReadAt(b []byte, offset int64) (int, error) {
	*r.n++
	*r.most = max(*r.most, len(b))
	return r.File.ReadAt(b, offset)
}

// A file that is verified in chunks is read in chunks.
func TestVerifyReadsChunks(t *testing.T) {
	data := archive(member{"a", string(make([]byte, 4<<20))})
	var n, most int
	found, err := zipfile.Format().Inspect(context.Background(), reads{input(data), &n, &most}, formats.Limits{})
	require.NoError(t, err)
	require.NotNil(t, found)
	require.LessOrEqual(t, n, 4+9)
	require.Equal(t, 512<<10, most)
}
