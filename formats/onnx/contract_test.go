package onnx_test

import (
	"io/fs"
	"path"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats/formattest"
	"github.com/weightgate/weightgate/formats/onnx"
	"github.com/weightgate/weightgate/formats/vectors"
)

// TestContract runs over the vectors, each in a directory of its own.
func TestContract(t *testing.T) {
	list, err := vectors.Load()
	require.NoError(t, err)
	corpus := fstest.MapFS{}
	for _, v := range list {
		if v.Format != onnx.Name {
			continue
		}
		require.NoError(t, fs.WalkDir(v.FS, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := fs.ReadFile(v.FS, name)
			corpus[path.Join(v.Name, name)] = &fstest.MapFile{Data: data}
			return err
		}))
	}
	require.Greater(t, len(corpus), 100)
	formattest.Run(t, onnx.Format(), corpus, formattest.Terms{
		Tied:    true,
		Free:    func([]byte, int) bool { return true }, // the nodes of a graph
		Mutants: 50,
	})
}
