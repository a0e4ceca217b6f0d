package npy_test

import (
	stdzip "archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/inputtest"
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
	before := inputtest.Allocated()
	a, err := read(data)
	require.Less(t, inputtest.Allocated()-before, uint64(8*len(data)+2<<20))
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
	before := inputtest.Allocated()
	found, err := inspect(npy.Archive(), data)
	require.Less(t, inputtest.Allocated()-before, uint64(8*len(data)+2<<20))
	if err != nil {
		require.Nil(t, found)
		return false
	}
	theirs, err := stdzip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	require.Len(t, found.Tensors, len(theirs.File))
	tensors := map[string]formats.Tensor{}
	keys := numpyKeys(theirs)
	for _, tensor := range found.Tensors {
		tensors[tensor.ID.Name+".npy"] = tensor
		require.Equal(t, tensor.ID.Name+".npy", keys[tensor.ID.Name])
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

// numpyKeys are the members that numpy.load gives for a key: a member's name
// goes before one without its ending.
func numpyKeys(archive *stdzip.Reader) map[string]string {
	keys := map[string]string{}
	for _, f := range archive.File {
		keys[strings.TrimSuffix(f.Name, ".npy")] = f.Name
	}
	for _, f := range archive.File {
		keys[f.Name] = f.Name
	}
	return keys
}

// What is mangled and accepted is held against the same properties.
func TestMangled(t *testing.T) {
	for f, check := range map[formats.Format]func(require.TestingT, []byte) bool{
		npy.Format(): checkArray, npy.Archive(): checkArchive,
	} {
		accepted, refused := inputtest.Mangle(t, samples(t, f), check)
		require.Greater(t, accepted, 50, f.Name())
		require.Greater(t, refused, 2*accepted, f.Name())
	}
}
