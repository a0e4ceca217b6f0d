package npy_test

import (
	stdzip "archive/zip"
	"bytes"
	"fmt"
	"io"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/npy"
)

// FuzzRead holds an array that is accepted against its file, and against the
// header that NumPy would write for it.
func FuzzRead(f *testing.F) {
	for _, data := range samples(f, npy.Format()) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkArray(t, data) })
}

// checkArray reads data and reports whether it was accepted.
func checkArray(t require.TestingT, data []byte) bool {
	before := allocated()
	a, err := read(data)
	require.Less(t, allocated()-before, uint64(8*len(data)+2<<20))
	if err != nil {
		require.Nil(t, a)
		return false
	}
	length, ok := formats.ByteLen(a.DType, a.Shape)
	require.True(t, ok)
	require.Equal(t, int64(len(data)), a.Offset+length)
	require.Zero(t, a.Offset%16)
	require.Equal(t, byte('\n'), data[a.Offset-1])

	again, err := read(append(file(dict(a), 0), data[a.Offset:]...))
	require.NoError(t, err)
	require.Equal(t, a.DType, again.DType)
	require.Equal(t, a.Shape, again.Shape)
	return true
}

// allocated is how many bytes this process has allocated, to a megabyte or so.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// dict is the header of a as NumPy writes it.
func dict(a *npy.Array) string {
	shape := strings.Trim(formats.ShapeString(a.Shape), "[]")
	if len(a.Shape) == 1 {
		shape += ","
	}
	for name, d := range numpyNames {
		if d == a.DType {
			return fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", name, shape)
		}
	}
	return ""
}

// FuzzInspectArchive holds an archive that is accepted against what archive/zip
// reads from it, array by array.
func FuzzInspectArchive(f *testing.F) {
	for _, data := range samples(f, npy.Archive()) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkArchive(t, data) })
}

func checkArchive(t require.TestingT, data []byte) bool {
	before := allocated()
	found, err := inspect(npy.Archive(), data)
	require.Less(t, allocated()-before, uint64(8*len(data)+2<<20))
	if err != nil {
		require.Nil(t, found)
		return false
	}
	theirs, err := stdzip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	require.Len(t, found.Tensors, len(theirs.File))
	tensors := map[string]formats.Tensor{}
	for _, tensor := range found.Tensors {
		tensors[tensor.ID.Name+".npy"] = tensor
	}
	for _, f := range theirs.File {
		tensor, ok := tensors[f.Name]
		require.True(t, ok, f.Name)
		require.Equal(t, f.Method == stdzip.Deflate, tensor.Inline)
		if f.UncompressedSize64 > 1<<20 {
			continue
		}
		r, err := f.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		a, err := read(content)
		require.NoError(t, err)
		require.Equal(t, a.DType, tensor.DType)
		require.Equal(t, a.Shape, tensor.Shape)
		if !tensor.Inline {
			require.Equal(t, string(content[a.Offset:]), string(data[tensor.Place.Offset:tensor.Place.End()]))
		}
	}
	return true
}

// TestMangled cuts every sample at every byte, flips each bit of it, and adds
// one to each byte or takes one away. No prefix of a good file is accepted, and
// what is changed and accepted is held against the same properties.
func TestMangled(t *testing.T) {
	for f, check := range map[formats.Format]func(require.TestingT, []byte) bool{
		npy.Format(): checkArray, npy.Archive(): checkArchive,
	} {
		accepted, refused := 0, 0
		for name, data := range samples(t, f) {
			if len(data) > 4<<10 {
				continue
			}
			good := check(t, data)
			for n := range data {
				if check(mangled{t, name, n}, data[:n]) && good {
					require.Fail(t, "a prefix is accepted", "%d bytes of %s", n, name)
				}
			}
			for i := range data {
				was := data[i]
				for _, changed := range []byte{was ^ 1, was ^ 2, was ^ 4, was ^ 8, was ^ 16, was ^ 32, was ^ 64, was ^ 128, was + 1, was - 1} {
					data[i] = changed
					if check(mangled{t, name, i}, data) {
						accepted++
					} else {
						refused++
					}
				}
				data[i] = was
			}
		}
		require.Greater(t, accepted, 50, f.Name())
		require.Greater(t, refused, 2*accepted, f.Name())
	}
}

// mangled tells which byte a failure came from.
type mangled struct {
	*testing.T
	name string
	at   int
}

func (m mangled) Errorf(format string, args ...any) {
	m.T.Errorf("byte %d of %s: %s", m.at, m.name, fmt.Sprintf(format, args...))
}
