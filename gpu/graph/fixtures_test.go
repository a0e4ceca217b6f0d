package graph_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/onnx"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/gpu/graph"
)

// published is a model of testdata as it would be published.
func published(t testing.TB, name string) fstest.MapFS {
	t.Helper()
	root, err := os.OpenRoot(filepath.Join("testdata", name))
	require.NoError(t, err)
	defer root.Close()
	return read(t, root.FS())
}

func read(t testing.TB, fsys fs.FS) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	require.NoError(t, fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == "cases.json" {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		files[name] = &fstest.MapFile{Data: data, Mode: 0o444}
		return err
	}))
	return files
}

func encoded(t testing.TB, v any) *fstest.MapFile {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return &fstest.MapFile{Data: data, Mode: 0o444}
}

// replace is files with keys of a JSON object in one of them replaced, and
// removed where the value is absent.
func replace(t testing.TB, files fstest.MapFS, name string, keys map[string]any) fstest.MapFS {
	t.Helper()
	changed := maps.Clone(files)
	object := map[string]any{}
	require.NoError(t, json.Unmarshal(files[name].Data, &object))
	for key, v := range keys {
		if object[key] = v; v == absent {
			delete(object, key)
		}
	}
	changed[name] = encoded(t, object)
	return changed
}

// absent stands for a key that is not there.
var absent = any(struct{}{})

// tensorsOf are those of all safetensors files.
func tensorsOf(t testing.TB, files fstest.MapFS) (tensors []formats.Tensor) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(name, ".safetensors") {
			continue
		}
		in, err := formats.Open(files, name)
		require.NoError(t, err)
		h, err := safetensors.Read(t.Context(), in, formats.Limits{})
		require.NoError(t, err)
		require.NoError(t, in.Close())
		tensors = append(tensors, h.Tensors...)
	}
	require.NotEmpty(t, tensors)
	return tensors
}

// readBack is a graph as the reader of published graphs reads it, beside the
// files that it was built over.
func readBack(t testing.TB, g *graph.Graph, files fstest.MapFS) *onnx.Model {
	t.Helper()
	require.NotContains(t, files, g.File)
	beside := maps.Clone(files)
	beside[g.File] = &fstest.MapFile{Data: g.Model, Mode: 0o444}
	in, err := formats.Open(beside, g.File)
	require.NoError(t, err)
	defer in.Close()
	m, err := onnx.ReadBuilt(t.Context(), in, formats.Limits{})
	require.NoError(t, err)
	return m
}

// resaved is files with the tensors of model.safetensors under other names and
// in other files.
func resaved(t testing.TB, files fstest.MapFS, place func(i int, name string) (file, renamed string)) fstest.MapFS {
	t.Helper()
	const single = "model.safetensors"
	shards := map[string][]safetensors.Tensor{}
	for i, tensor := range tensorsOf(t, fstest.MapFS{single: files[single]}) {
		file, name := place(i, tensor.ID.Name)
		shards[file] = append(shards[file], safetensors.Tensor{
			Name: name, DType: tensor.DType, Shape: tensor.Shape,
			Data: files[single].Data[tensor.Place.Offset:tensor.Place.End()],
		})
	}
	saved := maps.Clone(files)
	delete(saved, single)
	weightMap := map[string]string{}
	for file, tensors := range shards {
		var b bytes.Buffer
		require.NoError(t, safetensors.Write(&b, tensors, nil))
		saved[file] = &fstest.MapFile{Data: b.Bytes(), Mode: 0o444}
		for _, tensor := range tensors {
			weightMap[tensor.Name] = file
		}
	}
	if len(shards) > 1 {
		saved[single+".index.json"] = encoded(t, map[string]any{"metadata": map[string]any{}, "weight_map": weightMap})
	}
	return saved
}
