package formats_test

import (
	"io"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
)

func TestSiblingName(t *testing.T) {
	for _, c := range []struct{ file, sibling, want string }{
		{"m.onnx", "w.bin", "w.bin"},
		{"m.onnx", "data/w.bin", "data/w.bin"},
		{"a/b/m.onnx", "w.bin", "a/b/w.bin"},
		{"a/m.onnx", "..w", "a/..w"},
		{"a/m.onnx", "w:s", "a/w:s"},

		{"a/m.onnx", "", ""},
		{"a/m.onnx", ".", ""},
		{"a/m.onnx", "..", ""},
		{"a/m.onnx", "../w.bin", ""},
		{"a/m.onnx", "x/../w.bin", ""},
		{"a/m.onnx", "./w.bin", ""},
		{"a/m.onnx", "x//w.bin", ""},
		{"a/m.onnx", "x/", ""},
		{"a/m.onnx", "/etc/passwd", ""},
		{"a/m.onnx", `..\w.bin`, ""},
		{"a/m.onnx", `x\w.bin`, ""},
		{"a/m.onnx", "w\xff", ""},
	} {
		got, ok := formats.SiblingName(c.file, c.sibling)
		require.Equal(t, c.want != "", ok, "%q", c.sibling)
		require.Equal(t, c.want, got, "%q", c.sibling)
	}
}

func TestOpen(t *testing.T) {
	tree := fstest.MapFS{
		"dir/m.onnx": {Data: []byte("graph")},
		"dir/w.bin":  {Data: []byte("weights")},
		"top.bin":    {Data: []byte("top")},
	}
	in, err := formats.Open(tree, "dir/m.onnx")
	require.NoError(t, err)
	require.Equal(t, "dir/m.onnx", in.Name())
	require.Equal(t, int64(5), in.Size())
	require.Equal(t, "graph", content(t, in))

	sibling, ok := in.Sibling("w.bin")
	require.True(t, ok)
	require.Equal(t, "dir/w.bin", sibling.Name())
	require.Equal(t, "weights", content(t, sibling))

	for _, name := range []string{"none", "../top.bin", "/top.bin", ".", ""} {
		none, ok := in.Sibling(name)
		require.False(t, ok, name)
		require.Nil(t, none, name)
	}
	require.NoError(t, in.Close())
}

func content(t *testing.T, in formats.Input) string {
	data, err := io.ReadAll(io.NewSectionReader(in, 0, in.Size()))
	require.NoError(t, err)
	return string(data)
}

// counted is a file system that knows how many of its files are open, of files
// that are read in sequence only unless at is set.
type counted struct {
	fs.FS
	at   bool
	open *int
}

type countedFile struct {
	fs.File
	open *int
}

func (f countedFile) Close() error { *f.open--; return f.File.Close() }

type countedFileAt struct {
	countedFile
	io.ReaderAt
}

func (c counted) Open(name string) (fs.File, error) {
	f, err := c.FS.Open(name)
	if err != nil {
		return nil, err
	}
	*c.open++
	if c.at {
		return countedFileAt{countedFile{f, c.open}, f.(io.ReaderAt)}, nil
	}
	return countedFile{f, c.open}, nil
}

func TestOpenCloses(t *testing.T) {
	tree := fstest.MapFS{"a/m": {}, "a/w": {}, "a/d/x": {}, "a/pipe": {Mode: fs.ModeNamedPipe}}
	open := 0
	in, err := formats.Open(counted{tree, true, &open}, "a/m")
	require.NoError(t, err)
	_, ok := in.Sibling("w")
	require.True(t, ok)
	_, ok = in.Sibling("pipe")
	require.False(t, ok)
	require.Equal(t, 2, open)
	require.NoError(t, in.Close())
	require.Zero(t, open)
}

func TestOpenRefuses(t *testing.T) {
	tree := fstest.MapFS{"m": {}, "d/x": {}, "pipe": {Mode: fs.ModeNamedPipe}}
	open := 0
	for name, want := range map[string]error{"none": fs.ErrNotExist, "d": fs.ErrInvalid, "pipe": fs.ErrInvalid} {
		in, err := formats.Open(counted{tree, false, &open}, name)
		require.ErrorIs(t, err, want, name)
		require.Nil(t, in, name)
	}
	in, err := formats.Open(counted{tree, false, &open}, "m")
	require.ErrorContains(t, err, "cannot be read at an offset")
	require.Nil(t, in)
	require.Zero(t, open, "files are left open")
}

func TestReadFull(t *testing.T) {
	in, err := formats.Open(fstest.MapFS{"m": {Data: []byte("abcdef")}}, "m")
	require.NoError(t, err)
	defer in.Close()
	b := make([]byte, 3)
	require.NoError(t, formats.ReadFull(in, b, 3))
	require.Equal(t, "def", string(b))
	require.ErrorIs(t, formats.ReadFull(in, b, 4), io.ErrUnexpectedEOF)
	require.ErrorContains(t, formats.ReadFull(in, b, 6), "m: ")
	require.NoError(t, formats.ReadFull(in, nil, 6))
}
