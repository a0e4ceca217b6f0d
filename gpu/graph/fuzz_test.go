package graph_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/gpu/graph"
)

// sound requires that there is either an *Error or a graph that the reader of
// published graphs takes: it demands that every initializer has the dtype, the
// shape and the place of a tensor, once. It is false for an error.
func sound(t *testing.T, g *graph.Graph, err error, files fstest.MapFS) bool {
	t.Helper()
	if err == nil {
		readBack(t, g, files)
		return true
	}
	require.Nil(t, g)
	wrong, ok := errors.AsType[*graph.Error](err)
	require.True(t, ok, "%v", err)
	require.Contains(t, []error{graph.ErrConfig, graph.ErrUnsupported, graph.ErrTensor}, wrong.Kind)
	return false
}

// FuzzConfig: a config makes an error or a sound graph, and what a second reader
// of the config makes of its numbers are the shapes of the tensors.
func FuzzConfig(f *testing.F) {
	names := []string{"bert", "distilbert", "roberta"}
	var models []fstest.MapFS
	tensors := map[int][]formats.Tensor{}
	for i, name := range names {
		files := published(f, name)
		models, tensors[i] = append(models, files), tensorsOf(f, files)
		_, err := graph.Encoder(f.Context(), files, tensors[i])
		require.NoError(f, err, "a seed that is refused")
		f.Add(byte(i), files["config.json"].Data)
	}
	f.Add(byte(0), []byte(`{"model_type": "bert", "model_type": "bert"}`))
	f.Fuzz(func(t *testing.T, which byte, config []byte) {
		i := int(which) % len(models)
		files := fstest.MapFS{"config.json": {Data: config}, "model.safetensors": models[i]["model.safetensors"]}
		g, err := graph.Encoder(t.Context(), files, tensors[i])
		if !sound(t, g, err, files) {
			return
		}
		var c struct {
			VocabSize             int64 `json:"vocab_size"`
			HiddenSize            int64 `json:"hidden_size"`
			Dim                   int64 `json:"dim"`
			MaxPositionEmbeddings int64 `json:"max_position_embeddings"`
		}
		require.NoError(t, json.Unmarshal(config, &c))
		width := max(c.HiddenSize, c.Dim)
		for _, tensor := range tensors[i] {
			switch {
			case strings.HasSuffix(tensor.ID.Name, "embeddings.word_embeddings.weight"):
				require.Equal(t, []int64{c.VocabSize, width}, tensor.Shape)
			case strings.HasSuffix(tensor.ID.Name, "embeddings.position_embeddings.weight"):
				require.Equal(t, []int64{c.MaxPositionEmbeddings, width}, tensor.Shape)
			}
		}
		require.Equal(t, []int64{-1, -1, width}, readBack(t, g, files).Outputs()[0].Shape)
	})
}

// FuzzModules: modules and the config of a pooling make an error or a sound graph.
func FuzzModules(f *testing.F) {
	files := published(f, "sentence")
	tensors := tensorsOf(f, files)
	_, err := graph.Sentence(f.Context(), files, tensors)
	require.NoError(f, err, "a seed that is refused")
	f.Add(files["modules.json"].Data, files["1_Pooling/config.json"].Data)
	f.Add(encoded(f, []any{entry(0, "0_Transformer", "Transformer"), entry(1, "1_Pooling", "Pooling"), entry(2, "4_Dense", "Dense")}).Data,
		[]byte(`{"embedding_dimension": 24, "pooling_mode": ["cls"]}`))
	f.Fuzz(func(t *testing.T, modules, pooling []byte) {
		changed := fstest.MapFS{"modules.json": {Data: modules}, "1_Pooling/config.json": {Data: pooling}}
		for name, file := range files {
			if changed[name] == nil {
				changed[name] = file
			}
		}
		g, err := graph.Sentence(t.Context(), changed, tensors)
		sound(t, g, err, changed)
	})
}
