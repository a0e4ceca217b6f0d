//go:build cgo && linux

package graph_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/gpu"
	"github.com/weightgate/weightgate/gpu/graph"
	"github.com/weightgate/weightgate/gpu/internal/onnxtest"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

// A listed tensor is one of a case's, as testdata/generate.py writes it.
type listed struct {
	Shape  []int64
	Values json.RawMessage
}

// An example is what the reference computed, for a model some of whose files
// and keys are replaced.
type example struct {
	Name     string
	Inputs   map[string]listed
	Output   listed
	Replaced map[string]map[string]any
	Files    map[string]any
}

func examples(t testing.TB, name string) (list []example) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &list))
	require.NotEmpty(t, list)
	return list
}

// files are those that the reference computed the example from.
func (e example) files(t testing.TB, files fstest.MapFS) fstest.MapFS {
	t.Helper()
	files = maps.Clone(files)
	for name, keys := range e.Replaced {
		files = replace(t, files, name, keys)
	}
	for name, v := range e.Files {
		files[name] = encoded(t, v)
	}
	return files
}

// admit sends files through a Gate whose policy pins them and the library.
func admit(t testing.TB, files fs.FS) *loader.Model {
	t.Helper()
	const text = `
version: 1
lock: weightgate.lock
libraries: pinned
models:
  - {name: m, source: [fs], formats: [safetensors], companions: ["*"], pin: required, session: {device: [cpu]}}
`
	set := formats.Set{safetensors.Format()}
	report, err := loader.Inspect(t.Context(), "m", loader.FS(files), loader.InspectConfig{Formats: set, SHA256: true})
	require.NoError(t, err)
	var measured manifest.Manifest
	for _, f := range report.Files {
		measured = append(measured, f.Entry)
	}
	library, err := loader.MeasureLibrary(t.Context(), onnxtest.Library(t))
	require.NoError(t, err)
	lock, err := new(policy.Lock).WithLibrary(library)
	require.NoError(t, err)
	lock, err = lock.With(policy.Pin{Name: "m", Files: measured})
	require.NoError(t, err)
	p, err := policy.Parse([]byte(text), lock.Encode())
	require.NoError(t, err)
	gate, err := loader.New(loader.Config{Policy: p, Formats: set})
	require.NoError(t, err)
	t.Cleanup(func() { gate.Close() })
	m, err := gate.Load(t.Context(), "m", loader.FS(files))
	require.NoError(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

func open(t testing.TB, m *loader.Model, build graph.Builder) *gpu.Session {
	t.Helper()
	s, err := gpu.Open(t.Context(), m, gpu.Config{Library: onnxtest.Library(t), Device: gpu.CPU, Build: build})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// computes requires that s computes what the reference did, to 1e-4.
func (e example) computes(t testing.TB, s *gpu.Session) {
	t.Helper()
	require.Len(t, e.Inputs, len(s.Inputs()))
	var inputs []gpu.Tensor
	for _, v := range s.Inputs() {
		in, ok := e.Inputs[v.Name]
		require.True(t, ok, v.Name)
		var ids []int64
		require.NoError(t, json.Unmarshal(in.Values, &ids))
		x, err := gpu.NewTensor(ids, in.Shape...)
		require.NoError(t, err)
		inputs = append(inputs, x)
	}
	outputs := make([]gpu.Tensor, 1)
	require.NoError(t, s.Run(t.Context(), inputs, outputs))
	require.Equal(t, e.Output.Shape, outputs[0].Shape())
	got, err := gpu.Data[float32](outputs[0])
	require.NoError(t, err)
	var want []float64
	require.NoError(t, json.Unmarshal(e.Output.Values, &want))
	require.Len(t, got, len(want))
	worst := 0.0
	for i := range want {
		d := math.Abs(want[i] - float64(got[i]))
		require.False(t, math.IsNaN(d) || d > 1e-4, "value %d: got %v, want %v", i, got[i], want[i])
		worst = max(worst, d)
	}
	t.Logf("at most %.1e away from the reference", worst)
}

func TestEncodersComputeWhatTheirReferenceDoes(t *testing.T) {
	for _, name := range []string{"bert", "bert-heads", "bert-half", "distilbert", "roberta", "xlm-roberta", "camembert"} {
		for _, e := range examples(t, name+"/cases.json") {
			t.Run(fmt.Sprintf("%s/%s", name, e.Name), func(t *testing.T) {
				m := admit(t, e.files(t, published(t, name)))
				e.computes(t, open(t, m, graph.Encoder))
			})
		}
	}
}

// Where tensors lie, and what they were called once, changes nothing.
func TestCheckpointsThatWereSavedOtherwise(t *testing.T) {
	for name, place := range map[string]func(i int, name string) (string, string){
		"shards": func(i int, name string) (string, string) {
			return fmt.Sprintf("model-%05d-of-00003.safetensors", i%3+1), name
		},
		"converted": func(_ int, name string) (string, string) { return "pytorch_model.safetensors", name },
		"gamma and beta": func(_ int, name string) (string, string) {
			return "model.safetensors", strings.NewReplacer("LayerNorm.weight", "LayerNorm.gamma", "LayerNorm.bias", "LayerNorm.beta").Replace(name)
		},
		"with the prefix of a head": func(_ int, name string) (string, string) { return "model.safetensors", "bert." + name },
	} {
		t.Run(name, func(t *testing.T) {
			e := examples(t, "bert/cases.json")[0]
			m := admit(t, resaved(t, e.files(t, published(t, "bert")), place))
			e.computes(t, open(t, m, graph.Encoder))
		})
	}
}

func TestSentencesComputeWhatTheirReferenceDoes(t *testing.T) {
	for _, e := range examples(t, "sentence/cases.json") {
		t.Run(e.Name, func(t *testing.T) {
			m := admit(t, e.files(t, published(t, "sentence")))
			e.computes(t, open(t, m, graph.Sentence))
		})
	}
}

// What would be broadcast is no batch: a mask of one row beside three sentences.
func TestInputsOfDifferentShapes(t *testing.T) {
	s := open(t, admit(t, published(t, "bert")), graph.Encoder)
	run := func(shapes [3][2]int64) error {
		var inputs []gpu.Tensor
		for _, shape := range shapes {
			ones := make([]int64, shape[0]*shape[1])
			for i := range ones {
				ones[i] = 1
			}
			x, err := gpu.NewTensor(ones, shape[:]...)
			require.NoError(t, err)
			inputs = append(inputs, x)
		}
		return s.Run(t.Context(), inputs, make([]gpu.Tensor, 1))
	}
	require.NoError(t, run([3][2]int64{{3, 5}, {3, 5}, {3, 5}}))
	for _, other := range [][2]int64{{1, 5}, {3, 1}, {1, 1}, {5, 3}, {15, 1}, {4, 5}, {3, 6}, {0, 5}} {
		require.Error(t, run([3][2]int64{{3, 5}, other, {3, 5}}), "the mask is %v", other)
		require.Error(t, run([3][2]int64{{3, 5}, {3, 5}, other}), "the types are %v", other)
		require.Error(t, run([3][2]int64{other, {3, 5}, {3, 5}}), "the ids are %v", other)
	}
}

func TestMiniLM(t *testing.T) {
	root, err := os.OpenRoot(filepath.Join(onnxtest.Models(t), "minilm"))
	require.NoError(t, err)
	defer root.Close()
	s := open(t, admit(t, root.FS()), graph.Sentence)
	for _, e := range examples(t, "minilm.json") {
		e.computes(t, s)
	}
}
