//go:build cgo

package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/yalue/onnxruntime_go"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/onnx"
	"github.com/weightgate/weightgate/gpu"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

// The ways of making a session. The runtime is up in all of them when the run
// begins.
const (
	byPath      = "by path"
	gateAndGPU  = "gate and gpu"
	gpuAlone    = "gpu, model loaded"
	warmUpName  = "warm-up" // a small model beside the one that is measured
	ortVariable = "WEIGHTGATE_ORT"
)

func sessionWays() []way {
	return []way{
		{byPath, here(prepareByPath)},
		{gateAndGPU, here(prepareGateAndGPU)},
		{gpuAlone, here(prepareGPUAlone)},
	}
}

func BenchmarkSessionMatMul(b *testing.B) { benchmarkSession(b, matMuls(2048)) }
func BenchmarkSessionGather(b *testing.B) { benchmarkSession(b, gathers(16384, 1024)) }

func benchmarkSession(b *testing.B, g graph) {
	j := g.published(b)
	size := int64(g.weights) * g.weightBytes()
	title := fmt.Sprintf("Session on the CPU of a graph of %s with %d weights of %d × %d, %d MiB beside it; page cache warm",
		g.name, g.weights, g.rows, g.columns, size>>20)
	j.benchmark(b, title, 7, size, []string{byPath, gateAndGPU, gpuAlone}, []comparison{
		{"gate-and-gpu/path", gateAndGPU, byPath, 0},
		{"gpu/path", gpuAlone, byPath, 0},
	})
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
		t.Skipf("not run: %s is not set; it is the path of ONNX Runtime's core library", ortVariable)
	}
	return path
}

// published is the graph in a directory, pinned, and a small one beside it.
func (g graph) published(t testing.TB) job {
	t.Helper()
	lib := library(t)
	j := job{Dir: filepath.Join(newDir(t), modelName), Files: []string{graphFile, weightsFile}}
	g.write(t, j.Dir)
	matMuls(64).write(t, warmUpDir(j))

	entry, err := loader.MeasureLibrary(context.Background(), lib)
	require.NoError(t, err)
	lock, err := new(policy.Lock).WithLibrary(entry)
	require.NoError(t, err)
	lock = pinned(t, lock, modelName, j.Dir, onnxOnly())
	lock = pinned(t, lock, warmUpName, warmUpDir(j), onnxOnly())
	j.Lock = string(lock.Encode())
	const terms = "source: [dir], formats: [onnx], pin: required, session: {device: [cpu]}"
	j.Policy = fmt.Sprintf("version: 1\nlock: weightgate.lock\nlibraries: pinned\nmodels:\n  - {name: %s, %s}\n  - {name: %s, %s}\n",
		modelName, terms, warmUpName, terms)
	return j
}

func warmUpDir(j job) string { return filepath.Join(filepath.Dir(j.Dir), warmUpName) }

func onnxOnly() formats.Set { return formats.Set{onnx.Format()} }

func (g graph) write(t testing.TB, dir string) {
	create(t, filepath.Join(dir, weightsFile), g.writeWeights)
	create(t, filepath.Join(dir, graphFile), func(w io.Writer) error {
		_, err := w.Write(g.encode())
		return err
	})
}

// prepareByPath gives the runtime the path of the graph, from which it finds
// the weights itself.
func prepareByPath(j job) (func() (*held, error), error) {
	onnxruntime_go.SetSharedLibraryPath(os.Getenv(ortVariable))
	if err := onnxruntime_go.InitializeEnvironment(); err != nil {
		return nil, err
	}
	open := func(path string) (*onnxruntime_go.DynamicAdvancedSession, error) {
		return onnxruntime_go.NewDynamicAdvancedSession(path, []string{"x"}, []string{"y"}, nil)
	}
	small, err := open(filepath.Join(warmUpDir(j), graphFile))
	if err != nil {
		return nil, err
	}
	return func() (*held, error) {
		s, err := open(j.path(graphFile))
		if err != nil {
			return nil, err
		}
		return &held{
			output:  func() ([]float32, error) { return runByPath(s, j.Input) },
			release: s.Destroy,
		}, nil
	}, small.Destroy()
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
	return onnxruntime_go.NewTensor(in.Shape, in.Floats)
}

// warmUp is a gate, and the runtime that a small session of it opened.
func warmUp(j job) (*loader.Gate, error) {
	gate, err := j.gate(onnxOnly(), 0)
	if err != nil {
		return nil, err
	}
	m, err := gate.Load(context.Background(), warmUpName, loader.Dir(warmUpDir(j)))
	if err != nil {
		return nil, err
	}
	defer m.Close()
	s, err := openSession(m)
	if err != nil {
		return nil, err
	}
	return gate, s.Close()
}

func openSession(m *loader.Model) (*gpu.Session, error) {
	return gpu.Open(context.Background(), m, gpu.Config{Library: os.Getenv(ortVariable), Device: gpu.CPU})
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
		return sessionOf(m, j.Input)
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
	return func() (*held, error) { return sessionOf(m, j.Input) }, nil
}

// sessionOf is a session that outlives its model.
func sessionOf(m *loader.Model, in input) (*held, error) {
	s, err := openSession(m)
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return &held{
		copied:  m.Report().Bytes,
		output:  func() ([]float32, error) { return runThroughGPU(s, in) },
		release: s.Close,
	}, m.Close()
}

func runThroughGPU(s *gpu.Session, in input) ([]float32, error) {
	x, err := in.tensor()
	if err != nil {
		return nil, err
	}
	outputs := make([]gpu.Tensor, 1)
	if err := s.Run(context.Background(), []gpu.Tensor{x}, outputs); err != nil {
		return nil, err
	}
	return gpu.Data[float32](outputs[0])
}

func (in input) tensor() (gpu.Tensor, error) {
	if in.Integers != nil {
		return gpu.NewTensor(in.Integers, in.Shape...)
	}
	return gpu.NewTensor(in.Floats, in.Shape...)
}

// All ways make sessions that compute the same.
func TestSessionWays(t *testing.T) {
	row := make([]float32, 64)
	for i := range row {
		row[i] = float32(i%7) - 3
	}
	for _, c := range []struct {
		graph graph
		input input
	}{
		{matMuls(64), input{Shape: []int64{1, 64}, Floats: row}},
		{gathers(256, 64), input{Shape: []int64{4}, Integers: []int64{0, 255, 3, 3}}},
	} {
		t.Run(c.graph.name, func(t *testing.T) {
			j := c.graph.published(t)
			j.Check, j.Input = true, c.input
			j.Way = byPath
			want, err := j.inChild()
			require.NoError(t, err)
			require.NotEmpty(t, want.Output)
			require.True(t, slices.ContainsFunc(want.Output, func(v float32) bool { return v > 0.1 }))
			for _, way := range []string{gateAndGPU, gpuAlone} {
				j.Way = way
				got, err := j.inChild()
				require.NoError(t, err)
				require.InDeltaSlice(t, want.Output, got.Output, 1e-5)
			}
		})
	}
}
