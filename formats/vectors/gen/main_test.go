package main

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats/vectors"
)

func TestVectorsAreGenerated(t *testing.T) {
	want := generated()
	have, err := fs.Glob(vectors.Files, "*/*.txtar")
	require.NoError(t, err)
	slices.Sort(have) // by the whole name, as the others are: Glob sorts by directory
	require.Equal(t, slices.Sorted(maps.Keys(want)), have, "run: go run ./formats/vectors/gen")
	for _, name := range have {
		data, err := vectors.Files.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, string(want[name]), string(data), "%s: run: go run ./formats/vectors/gen", name)
	}
}

func TestWriteRemovesStaleVectors(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(dir, "safetensors", "stale.txtar")
	require.NoError(t, os.Mkdir(filepath.Dir(stale), 0o755))
	require.NoError(t, os.WriteFile(stale, nil, 0o644))
	require.NoError(t, write(dir))

	var have []string
	want := generated()
	require.NoError(t, fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			have = append(have, name)
		}
		return err
	}))
	require.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(slices.Values(have)))
}
