//go:build cgo && linux

package gpu

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/onnx"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/gpu/graph"
	"github.com/weightgate/weightgate/gpu/internal/onnxtest"
	"github.com/weightgate/weightgate/gpu/internal/ort"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

// bertConfig is of a BERT whose matrices are all weights of their own.
const bertConfig = `{"model_type": "bert", "hidden_act": "gelu", "hidden_size": 256, "num_attention_heads": 4,
	"num_hidden_layers": 2, "intermediate_size": 512, "vocab_size": 200, "max_position_embeddings": 128,
	"type_vocab_size": 2, "layer_norm_eps": 1e-12}`

// smallBERT is that BERT in F32 or BF16, as it is published without a graph.
func smallBERT(t testing.TB, dtype formats.DType) fstest.MapFS {
	t.Helper()
	var tensors []safetensors.Tensor
	add := func(name string, around float32, shape ...int64) {
		size, _ := formats.ByteLen(dtype, shape)
		data := make([]byte, 0, size)
		for i := 0; len(data) < int(size); i++ {
			bits := math.Float32bits(around + wave(i+len(tensors))/16)
			if dtype == formats.F32 {
				data = binary.LittleEndian.AppendUint32(data, bits)
			} else {
				data = binary.LittleEndian.AppendUint16(data, uint16(bits>>16))
			}
		}
		tensors = append(tensors, safetensors.Tensor{Name: name, DType: dtype, Shape: shape, Data: data})
	}
	linear := func(name string, in, out int64) {
		add(name+".weight", 0, out, in)
		add(name+".bias", 0, out)
	}
	norm := func(name string) {
		add(name+".weight", 1, 256)
		add(name+".bias", 0, 256)
	}
	add("embeddings.word_embeddings.weight", 0, 200, 256)
	add("embeddings.position_embeddings.weight", 0, 128, 256)
	add("embeddings.token_type_embeddings.weight", 0, 2, 256)
	norm("embeddings.LayerNorm")
	for i := range 2 {
		layer := fmt.Sprintf("encoder.layer.%d.", i)
		for _, part := range []string{"self.query", "self.key", "self.value", "output.dense"} {
			linear(layer+"attention."+part, 256, 256)
		}
		norm(layer + "attention.output.LayerNorm")
		linear(layer+"intermediate.dense", 256, 512)
		linear(layer+"output.dense", 512, 256)
		norm(layer + "output.LayerNorm")
	}
	linear("pooler.dense", 256, 256)
	var weights bytes.Buffer
	require.NoError(t, safetensors.Write(&weights, tensors, nil))
	return fstest.MapFS{"config.json": file([]byte(bertConfig)), "model.safetensors": file(weights.Bytes())}
}

// admitWeights sends a model without a graph through a Gate that pins it and
// the library.
func admitWeights(t testing.TB, files fs.FS) *loader.Model {
	t.Helper()
	library, err := loader.MeasureLibrary(t.Context(), onnxtest.Library(t))
	require.NoError(t, err)
	lock, err := new(policy.Lock).WithLibrary(library)
	require.NoError(t, err)
	set := formats.Set{safetensors.Format()}
	report, err := loader.Inspect(t.Context(), "m", loader.FS(files), loader.InspectConfig{Formats: set, SHA256: true})
	require.NoError(t, err)
	var pinned manifest.Manifest
	for _, f := range report.Files {
		pinned = append(pinned, f.Entry)
	}
	lock, err = lock.With(policy.Pin{Name: "m", Files: pinned})
	require.NoError(t, err)
	p, err := policy.Parse([]byte(`
version: 1
lock: weightgate.lock
libraries: pinned
models:
  - {name: m, source: [fs], formats: [safetensors], companions: ["*"], pin: required, session: {device: [cpu]}}
`), lock.Encode())
	require.NoError(t, err)
	gate, err := loader.New(loader.Config{Policy: p, Formats: set})
	require.NoError(t, err)
	t.Cleanup(func() { gate.Close() })
	m, err := gate.Load(t.Context(), "m", loader.FS(files))
	require.NoError(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

func openBuilt(t testing.TB, m *loader.Model, build graph.Builder) *Session {
	t.Helper()
	cfg := cpu(t)
	cfg.Build = build
	s, err := Open(t.Context(), m, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// tokens are two sentences, one of them shorter.
func tokens(t testing.TB) []Tensor {
	t.Helper()
	return []Tensor{
		tensor(t, []int64{101, 7, 8, 9, 102, 101, 5, 102, 0, 0}, 2, 5),
		tensor(t, []int64{1, 1, 1, 1, 1, 1, 1, 1, 0, 0}, 2, 5),
		tensor(t, []int64{0, 0, 1, 1, 1, 0, 0, 0, 0, 0}, 2, 5),
	}
}

// Every matrix of a built graph that needs no conversion is used where it was
// verified, and optimizers meet none of those: the first try makes a session.
func TestWeightsOfABuiltGraphAreLent(t *testing.T) {
	bert := func(dtype formats.DType) func(testing.TB) fs.FS {
		return func(t testing.TB) fs.FS { return smallBERT(t, dtype) }
	}
	miniLM := func(t testing.TB) fs.FS { return os.DirFS(filepath.Join(onnxtest.Models(t), "minilm")) }
	for _, c := range []struct {
		name          string
		build         graph.Builder
		files         func(testing.TB) fs.FS
		weights, lent int
	}{
		{"F32", graph.Encoder, bert(formats.F32), 2 + 2*6, 2 + 2*6},
		{"BF16", graph.Encoder, bert(formats.BF16), 2 + 2*6, 2}, // rows are looked up first
		{"MiniLM", graph.Sentence, miniLM, 2 + 6*6, 2 + 6*6},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := admitWeights(t, c.files(t))
			outputs := make([]Tensor, 1)
			require.NoError(t, openBuilt(t, m, c.build).Run(t.Context(), tokens(t), outputs))

			h, err := handOver(t.Context(), m, Config{Build: c.build, Device: CPU})
			require.NoError(t, err)
			defer h.holds.release()
			require.Len(t, h.weights, c.weights)
			n := 0
			for _, w := range h.weights {
				if w.Lend {
					n++
				}
			}
			require.Equal(t, c.lent, n)

			first, err := ort.NewSession(t.Context(), h.graph, h.weights,
				ort.Config{Inputs: names(h.inputs), Outputs: names(h.outputs), Optimize: true})
			require.NoError(t, err)
			first.Close()
		})
	}
}

// What optimizers make of a built graph computes what the graph says.
func TestABuiltGraphIsRunAsItIs(t *testing.T) {
	m := admitWeights(t, smallBERT(t, formats.F32))
	openBuilt(t, m, graph.Encoder)
	var results [2][]float32
	for i, optimized := range []bool{true, false} {
		h, err := handOver(t.Context(), m, Config{Build: graph.Encoder, Device: CPU})
		require.NoError(t, err)
		s, err := h.session(t.Context(), cpu(t), optimized)
		require.NoError(t, err)
		outputs := make([]Tensor, 1)
		require.NoError(t, s.Run(t.Context(), tokens(t), outputs))
		require.Equal(t, []int64{2, 5, 256}, outputs[0].Shape())
		results[i], err = Data[float32](outputs[0])
		require.NoError(t, err)
		require.NoError(t, s.Close())
	}
	require.InDeltaSlice(t, results[0], results[1], 1e-5)
	require.NotZero(t, results[0][0])
}

func TestOpenAnswersWhatTheBuilderDoes(t *testing.T) {
	files := smallBERT(t, formats.F32)
	files["config.json"] = file(bytes.Replace([]byte(bertConfig), []byte(`"gelu"`), []byte(`"swish"`), 1))
	m := admitWeights(t, files)
	cfg := cpu(t)
	cfg.Build = graph.Encoder
	s, err := Open(t.Context(), m, cfg)
	require.ErrorIs(t, err, graph.ErrUnsupported)
	require.Nil(t, s)

	cfg.Build = func(_ context.Context, _ fs.FS, _ []formats.Tensor) (*graph.Graph, error) {
		return &graph.Graph{File: "graph.onnx", Model: []byte("no graph")}, nil
	}
	s, err = Open(t.Context(), m, cfg)
	syntax, ok := errors.AsType[*formats.SyntaxError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "graph.onnx", syntax.File)
	require.Nil(t, s)
}

// A builder is the host's code: what it gives is judged all the same.
func TestOpenRefusesWhatNoBuilderGives(t *testing.T) {
	files := smallBERT(t, formats.F32)
	m := admitWeights(t, files)
	open := func(g *graph.Graph) error {
		cfg := cpu(t)
		cfg.Build = func(context.Context, fs.FS, []formats.Tensor) (*graph.Graph, error) { return g, nil }
		s, err := Open(t.Context(), m, cfg)
		require.Nil(t, s)
		return err
	}
	require.ErrorIs(t, open(nil), ErrBuild)
	g, err := graph.Encoder(t.Context(), m.FS(), m.Tensors())
	require.NoError(t, err)
	for _, name := range []string{"", ".", "..", "../graph.onnx", "/graph.onnx", "./graph.onnx", "a/../graph.onnx", "graph.onnx/", "config.json", "model.safetensors"} {
		require.ErrorIs(t, open(&graph.Graph{File: name, Model: g.Model}), ErrBuild, name)
	}

	lookup := func(w onnxtest.Tensor) *graph.Graph {
		return &graph.Graph{File: "graph.onnx", Model: onnxtest.Model{Graph: onnxtest.Graph{
			Nodes:        []onnxtest.Node{{Op: "Gather", In: []string{w.Name, "ids"}, Out: []string{"rows"}}},
			Initializers: []onnxtest.Tensor{w},
			Inputs:       []onnxtest.Value{{Name: "ids", Type: onnxtest.Int64, Dims: []int64{-1}}},
			Outputs:      []onnxtest.Value{{Name: "rows", Type: onnxtest.Float, Dims: []int64{-1, w.Dims[1]}}},
		}}.Encode()}
	}
	for _, own := range []onnxtest.Tensor{
		{Name: "table", Type: onnxtest.Float, Dims: []int64{64, 256}, Raw: make([]byte, onnx.Threshold)},
		{Name: "table", Type: onnxtest.Int64, Dims: []int64{256, 256}, Int64s: make([]int64, 256*256)},
	} {
		err = open(lookup(own))
		require.ErrorIs(t, err, ErrBuild)
		require.ErrorContains(t, err, "table")
	}
	config := onnxtest.Tensor{Name: "table", Type: onnxtest.Float, Dims: []int64{4, 2}, Location: "config.json", Length: 32}
	syntax, ok := errors.AsType[*formats.SyntaxError](open(lookup(config)))
	require.True(t, ok)
	require.Equal(t, onnx.CodeExternalLocation, syntax.Code)
}

// What a builder does to its tensors it does to its own.
func TestABuildersTensorsAreItsOwn(t *testing.T) {
	m := admitWeights(t, smallBERT(t, formats.F32))
	before := m.Tensors()[0].Shape[0]
	cfg := cpu(t)
	cfg.Build = func(_ context.Context, _ fs.FS, tensors []formats.Tensor) (*graph.Graph, error) {
		tensors[0].Shape[0]++
		return nil, nil
	}
	_, err := Open(t.Context(), m, cfg)
	require.ErrorIs(t, err, ErrBuild)
	require.Equal(t, before, m.Tensors()[0].Shape[0])
}

// A model that was closed is not its builder's fault.
func TestAModelThatIsClosedMeanwhile(t *testing.T) {
	m := admitWeights(t, smallBERT(t, formats.F32))
	cfg := cpu(t)
	cfg.Build = func(ctx context.Context, files fs.FS, tensors []formats.Tensor) (*graph.Graph, error) {
		g, err := graph.Encoder(ctx, files, tensors)
		return g, errors.Join(err, m.Close())
	}
	_, err := Open(t.Context(), m, cfg)
	require.ErrorIs(t, err, loader.ErrClosed)
	require.NotErrorIs(t, err, ErrBuild)
}

// A config that asks for two graphs is wrong whatever the library is.
func TestOpenRefusesAGraphBesideABuilder(t *testing.T) {
	m := admitWeights(t, smallBERT(t, formats.F32))
	s, err := Open(t.Context(), m, Config{Library: "no library", Device: CPU, Graph: "graph.onnx", Build: graph.Encoder})
	require.ErrorIs(t, err, ErrNoGraph)
	require.Nil(t, s)
}
