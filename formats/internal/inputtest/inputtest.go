// Package inputtest has what readers of formats are tested with: files in
// memory, files that end too soon, contexts that end, the vectors of a format,
// and every small change to them.
package inputtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime/metrics"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/vectors"
)

// A File is bytes as a formats.Input without siblings.
type File struct {
	*bytes.Reader
	name string
}

// New is a File of that name beneath the model's root.
func New(name string, data []byte) File { return File{bytes.NewReader(data), name} }

func (f File) Name() string                       { return f.name }
func (File) Sibling(string) (formats.Input, bool) { return nil, false }

// Torn is a File that promises more bytes than reading gives.
type Torn struct {
	File
	Promised int64
	Err      error // of a read behind the last byte; nil is io.EOF
}

func (f Torn) Size() int64 { return f.Promised }

func (f Torn) ReadAt(b []byte, offset int64) (int, error) {
	n, err := f.File.ReadAt(b, offset)
	if err != nil && f.Err != nil {
		err = f.Err
	}
	return n, err
}

// Countdown is a context that is canceled once its error was asked for n times.
func Countdown(n int) context.Context { return &countdown{context.Background(), n} }

type countdown struct {
	context.Context
	n int
}

func (c *countdown) Err() error {
	if c.n--; c.n < 0 {
		return context.Canceled
	}
	return nil
}

// Samples are, by name, the files to inspect of all vectors of those formats,
// and the files that the patterns match. Every format and pattern has some.
func Samples(t testing.TB, names []string, patterns ...string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	list, err := vectors.Load()
	require.NoError(t, err)
	for _, name := range names {
		of := slices.DeleteFunc(slices.Clone(list), func(v vectors.Vector) bool { return v.Format != name })
		require.NotEmpty(t, of, "no vectors of %s", name)
		for _, v := range of {
			in, err := formats.Open(v.FS, v.File)
			require.NoError(t, err)
			all[v.Name], err = io.ReadAll(io.NewSectionReader(in, 0, in.Size()))
			require.NoError(t, err)
			require.NoError(t, in.Close())
		}
	}
	for _, pattern := range patterns {
		paths, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, paths, pattern)
		for _, path := range paths {
			all[path], err = os.ReadFile(path)
			require.NoError(t, err)
		}
	}
	return all
}

// RequireCode requires that err is a finding of that format and code.
func RequireCode(t require.TestingT, format string, want formats.Code, err error) *formats.SyntaxError {
	syntax, ok := errors.AsType[*formats.SyntaxError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, want, syntax.Code, "%v", err)
	require.Equal(t, format, syntax.Format)
	return syntax
}

// Allocated is how many bytes this process has allocated, to a megabyte or so.
func Allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
