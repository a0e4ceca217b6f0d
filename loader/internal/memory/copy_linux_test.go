package memory

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func fileOf(t *testing.T, content []byte) *os.File {
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	_, err = f.Write(content)
	require.NoError(t, err)
	return f
}

func mappingOf(t *testing.T, f *os.File, size int64) []byte {
	m, err := MapFile(f, size)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Unmap()) })
	require.Len(t, m.Bytes(), int(size))
	return m.Bytes()
}

func TestCopy(t *testing.T) {
	content := bytes.Repeat([]byte("weights "), 3*page)
	src := mappingOf(t, fileOf(t, content), int64(len(content)))
	dst := make([]byte, len(content)+1)
	require.NoError(t, Copy(dst, src))
	require.Equal(t, content, dst[:len(content)])
	require.Zero(t, dst[len(content)])
	require.NoError(t, Copy(nil, mappingOf(t, fileOf(t, nil), 0)))
	require.True(t, faultsOnWrite(src), "a mapping is read-only")
}

func TestCopyTruncated(t *testing.T) {
	f := fileOf(t, bytes.Repeat([]byte{7}, 8*page))
	src := mappingOf(t, f, 8*page)
	require.NoError(t, f.Truncate(5*page+100))
	dst := make([]byte, 8*page)

	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() { errs[i] = Copy(make([]byte, 8*page), src) })
	}
	wg.Wait()
	for _, err := range errs {
		require.ErrorIs(t, err, ErrFault)
		var fault *FaultError
		require.ErrorAs(t, err, &fault)
		require.GreaterOrEqual(t, fault.Offset, int64(6*page))
		require.Less(t, fault.Offset, int64(8*page))
	}

	require.NoError(t, Copy(dst, src[:6*page]), "the last page is there")
	require.Equal(t, byte(7), dst[5*page+99])
	require.Equal(t, make([]byte, page-100), dst[5*page+100:6*page], "and zero behind the new end")
	require.ErrorIs(t, Copy(dst, src[7*page:]), ErrFault)
}

// TestCopyFaultsElsewhere: what is not the file's fault stays a panic.
func TestCopyFaultsElsewhere(t *testing.T) {
	a, err := NewArena(Piece)
	require.NoError(t, err)
	defer a.Close()
	r, err := a.Alloc(page)
	require.NoError(t, err)
	dst := r.Bytes()
	require.NoError(t, r.Release())

	src := mappingOf(t, fileOf(t, make([]byte, page)), page)
	require.True(t, faults(dst, func() { err = Copy(dst, src) }), "the destination faults")
	require.Panics(t, func() { Copy(make([]byte, 1), src) }, "the destination is too short")
}

func TestMapFileSizes(t *testing.T) {
	f := fileOf(t, nil)
	for _, size := range []int64{-1, -1 << 63} {
		_, err := MapFile(f, size)
		require.ErrorIs(t, err, ErrRange)
	}
	dir, err := os.Open(t.TempDir())
	require.NoError(t, err)
	defer dir.Close()
	_, err = MapFile(dir, page)
	require.ErrorIs(t, err, unix.ENODEV)
	require.NoError(t, f.Close())
	_, err = MapFile(f, page)
	require.Error(t, err)
}
