//go:build cgo

package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/yalue/onnxruntime_go"

	"github.com/weightgate/weightgate/benchmarks/internal/graphs"
	"github.com/weightgate/weightgate/benchmarks/results"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/gpu"
	gpugraph "github.com/weightgate/weightgate/gpu/graph"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

// The ways of making a session. The runtime is up in all of them when the run
// begins. To first inference counts the load, the session, and its first run.
const (
	byPath      = "by path"
	byPathFirst = "by path, to first inference"
	gateAndGPU  = "gate and gpu"
	gateFirst   = "gate and gpu, to first inference"
	gpuAlone    = "gpu, model loaded"
	warmUpName  = "warm-up" // a small model beside the one that is measured
	ortVariable = "WEIGHTGATE_ORT"
)

func sessionWays() []way {
	return []way{
		{byPath, results.Unverified, here(prepareByPath)},
		{byPathFirst, results.Unverified, here(toFirst(prepareByPath))},
		{gateAndGPU, results.Gate, here(prepareGateAndGPU)},
		{gateFirst, results.Gate, here(toFirst(prepareGateAndGPU))},
		{gpuAlone, results.Gate, here(prepareGPUAlone)},
	}
}

// sessionPeers are those of sessions.
func sessionPeers() []peer {
	return []peer{{"onnxruntime", onnxruntimeFlag, func(t *tools) *string { return &t.ONNXRuntime }, []string{"-c", tellVersion, "onnxruntime", "numpy"},
		fmt.Sprintf(packageOf, "onnxruntime numpy", "onnxruntime"), []string{runPython}}}
}

// A served is a workload that sessions run, and what their first run takes.
type served struct {
	workload
	input input
}

func servedWorkloads() []served {
	side, rows := scaled(int64(4096), 2048), scaled(int64(65536), 16384)
	return []served{
		{workload{"MatMul", "a graph of MatMul with its weights in a file beside it", onlyONNX,
			made(graphs.MatMuls(4, side))},
			input{Shape: []int64{1, side}}},
		{workload{"Gather", "a graph of Gather with its weights in a file beside it", onlyONNX,
			made(graphs.Gathers(4, rows, 1024))},
			input{Shape: []int64{4}, Integers: []int64{0, 1, 2, 3}}},
		{workload{"PP-OCR rec", "PP-OCRv4's recognition, as it is published", onlyONNX + `, companions: ["*.txt"]`, published("ppocr-rec")},
			input{Shape: []int64{1, 3, 48, 320}}},
		{workload{"PP-OCR det", "PP-OCRv4's detection, as it is published", onlyONNX, published("ppocr-det")},
			input{Shape: []int64{1, 3, 320, 320}}},
		{workload{"MiniLM", "all-MiniLM-L6-v2, as it is published, whose graph gpu/graph builds", onlySafetensors + companionsOfMiniLM, published("minilm")},
			input{Shape: []int64{1, 16}, Integers: slices.Repeat([]int64{1}, 16)}},
	}
}

// BenchmarkSession measures sessions on the CPU.
func BenchmarkSession(b *testing.B) {
	for _, s := range servedWorkloads() {
		b.Run(strings.ReplaceAll(s.name, " ", "_"), func(b *testing.B) {
			j := s.job(b)
			t := table{
				title: "Session on the CPU of " + s.title,
				ways:  []string{byPath, byPathFirst, gateAndGPU, gateFirst, gpuAlone},
				comparisons: []comparison{
					against("gate-and-gpu/path", gateAndGPU, byPath),
					against("gate/path-to-first", gateFirst, byPathFirst),
					against("gpu/path", gpuAlone, byPath),
				},
			}
			if j.builder() != nil { // the runtime cannot be given a path
				t = t.without([]string{byPath, byPathFirst})
			}
			j.benchmark(b, t)
		})
	}
}

// library is the path of ONNX Runtime's core library. Without it a person skips
// what needs it, and CI fails.
func library(t testing.TB) string {
	t.Helper()
	path := os.Getenv(ortVariable)
	switch {
	case path != "":
	case os.Getenv("CI") == "true":
		t.Fatalf("CI runs this: set %s to the path of ONNX Runtime's core library", ortVariable)
	default:
		skip(t, fmt.Errorf("%s is not set; it is the path of ONNX Runtime's core library", ortVariable))
	}
	return path
}

// job is the workload in a directory, pinned, and a small graph beside it.
func (s served) job(t testing.TB) job {
	t.Helper()
	lib := library(t)
	j := job{Dir: filepath.Join(newDir(t), modelName), Input: s.input}
	s.write(t, j.Dir)
	made(graphs.MatMuls(4, 64))(t, warmUpDir(j))

	entry, err := loader.MeasureLibrary(context.Background(), lib)
	require.NoError(t, err)
	lock, err := new(policy.Lock).WithLibrary(entry)
	require.NoError(t, err)
	files := measured(t, j.Dir, all.Formats())
	lock, err = lock.With(policy.Pin{Name: modelName, Files: files})
	require.NoError(t, err)
	j.Lock = string(pinned(t, lock, warmUpName, warmUpDir(j)).Encode())
	j.Workload = results.Workload{Name: s.name, Files: len(files)}
	for _, f := range files {
		j.Files = append(j.Files, f.Name)
		j.Workload.Bytes += f.Size
	}
	const terms = "pin: required, session: {device: [cpu]}"
	j.Policy = fmt.Sprintf(`version: 1
lock: weightgate.lock
libraries: pinned
models:
  - {name: %s, source: [dir], %s, %s}
  - {name: %s, source: [dir], %s, %s}
`, modelName, s.terms, terms, warmUpName, onlyONNX, terms)
	return j
}

func warmUpDir(j job) string { return filepath.Join(filepath.Dir(j.Dir), warmUpName) }

// toFirst is a way that makes sessions, and runs each once.
func toFirst(prepare preparation) preparation {
	return func(j job) (func() (*held, error), error) {
		open, err := prepare(j)
		if err != nil {
			return nil, err
		}
		return func() (*held, error) {
			h, err := open()
			if err != nil {
				return nil, err
			}
			first, err := h.output()
			if err != nil {
				return nil, errors.Join(err, h.release())
			}
			h.output = func() ([]float32, error) { return first, nil }
			return h, nil
		}, nil
	}
}

// prepareByPath gives the runtime the path of the graph, from which it finds
// the weights itself.
func prepareByPath(j job) (func() (*held, error), error) {
	if err := os.Setenv("ORT_DISABLE_TELEMETRY", "1"); err != nil { // as gpu.Open does
		return nil, err
	}
	onnxruntime_go.SetSharedLibraryPath(os.Getenv(ortVariable))
	if err := onnxruntime_go.InitializeEnvironment(); err != nil {
		return nil, err
	}
	path := j.paths(".onnx")[0]
	inputs, outputs, err := onnxruntime_go.GetInputOutputInfo(path)
	if err != nil {
		return nil, err
	}
	small, err := openPath(filepath.Join(warmUpDir(j), graphs.GraphFile), "x", "y")
	if err != nil {
		return nil, err
	}
	return func() (*held, error) {
		s, err := openPath(path, inputs[0].Name, outputs[0].Name)
		if err != nil {
			return nil, err
		}
		return &held{
			copied:  -1, // what the runtime packs, it does not tell
			output:  func() ([]float32, error) { return runByPath(s, j.Input) },
			release: s.Destroy,
		}, nil
	}, small.Destroy()
}

func openPath(path, in, out string) (*onnxruntime_go.DynamicAdvancedSession, error) {
	return onnxruntime_go.NewDynamicAdvancedSession(path, []string{in}, []string{out}, nil)
}

func runByPath(s *onnxruntime_go.DynamicAdvancedSession, in input) ([]float32, error) {
	x, err := in.value()
	if err != nil {
		return nil, err
	}
	defer x.Destroy()
	outputs := []onnxruntime_go.Value{nil} // the runtime's
	if err := s.Run([]onnxruntime_go.Value{x}, outputs); err != nil {
		return nil, err
	}
	defer outputs[0].Destroy()
	y, ok := outputs[0].(*onnxruntime_go.Tensor[float32])
	if !ok {
		return nil, fmt.Errorf("y is a %T", outputs[0])
	}
	return slices.Clone(y.GetData()), nil
}

func (in input) value() (onnxruntime_go.Value, error) {
	if in.Integers != nil {
		return onnxruntime_go.NewTensor(in.Shape, in.Integers)
	}
	return onnxruntime_go.NewTensor(in.Shape, in.floats())
}

// warmUp is a gate that keeps memory, and the runtime that a small session of it
// opened.
func warmUp(j job) (*loader.Gate, error) {
	gate, err := j.gate(true)
	if err != nil {
		return nil, err
	}
	m, err := gate.Load(context.Background(), warmUpName, loader.Dir(warmUpDir(j)))
	if err != nil {
		return nil, err
	}
	defer m.Close()
	s, err := openSession(m, nil)
	if err != nil {
		return nil, err
	}
	return gate, s.Close()
}

// builder makes the graph of a model that has none of its own.
func (j job) builder() gpugraph.Builder {
	if len(j.paths(".onnx")) > 0 {
		return nil
	}
	return gpugraph.Sentence
}

func openSession(m *loader.Model, build gpugraph.Builder) (*gpu.Session, error) {
	return gpu.Open(context.Background(), m, gpu.Config{Library: os.Getenv(ortVariable), Device: gpu.CPU, Build: build})
}

// prepareGateAndGPU measures the whole line, from the directory to the session.
func prepareGateAndGPU(j job) (func() (*held, error), error) {
	gate, err := warmUp(j)
	if err != nil {
		return nil, err
	}
	return func() (*held, error) {
		m, err := gate.Load(context.Background(), modelName, loader.Dir(j.Dir))
		if err != nil {
			return nil, err
		}
		return sessionOf(m, j)
	}, nil
}

// prepareGPUAlone measures the session of a model that is there already.
func prepareGPUAlone(j job) (func() (*held, error), error) {
	gate, err := warmUp(j)
	if err != nil {
		return nil, err
	}
	m, err := gate.Load(context.Background(), modelName, loader.Dir(j.Dir))
	if err != nil {
		return nil, err
	}
	return func() (*held, error) {
		h, err := sessionOf(m, j)
		if err == nil {
			h.copied = -1 // before the clock; what the runtime packs nobody counts
		}
		return h, err
	}, nil
}

// sessionOf is a session that outlives its model.
func sessionOf(m *loader.Model, j job) (*held, error) {
	s, err := openSession(m, j.builder())
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return &held{
		copied:  m.Report().Bytes,
		output:  func() ([]float32, error) { return runThroughGPU(s, j.Input) },
		release: s.Close,
	}, m.Close()
}

// runThroughGPU gives every input of the session the same.
func runThroughGPU(s *gpu.Session, in input) ([]float32, error) {
	x, err := in.tensor()
	if err != nil {
		return nil, err
	}
	outputs := make([]gpu.Tensor, 1)
	if err := s.Run(context.Background(), slices.Repeat([]gpu.Tensor{x}, len(s.Inputs())), outputs); err != nil {
		return nil, err
	}
	return gpu.Data[float32](outputs[0])
}

func (in input) tensor() (gpu.Tensor, error) {
	if in.Integers != nil {
		return gpu.NewTensor(in.Integers, in.Shape...)
	}
	return gpu.NewTensor(in.floats(), in.Shape...)
}
