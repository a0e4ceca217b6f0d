//go:build cgo && linux

package gpu

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"github.com/weightgate/weightgate/gpu/internal/onnxtest"
	"github.com/weightgate/weightgate/gpu/internal/ort"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

// standIn builds stand-ins for NVIDIA's libraries, which the child of the test
// finds before any other: the real CUDA provider then makes real sessions,
// without a device. What its kernels compute is not tested, but for MatMul,
// which asks cuBLAS.
func standIn(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	versions := filepath.Join(dir, "versions")
	cc, err := exec.Command("go", "env", "CC").Output()
	require.NoError(t, err)
	for name, library := range map[string]string{
		"cudart": "libcudart.so.13", "cublas": "libcublas.so.13", "cublasLt": "libcublasLt.so.13",
		"curand": "libcurand.so.10", "cuda": "libcuda.so.1",
	} {
		require.NoError(t, os.WriteFile(versions, []byte(library+" { global: *; };\n"), 0o600))
		args := []string{"-w", "-O1", "-shared", "-fPIC", "-Wl,-soname," + library, "-o", filepath.Join(dir, library), filepath.Join("testdata", "standin", name+".c")}
		if name != "cuda" { // the driver's symbols have no version
			args = append(args, "-Wl,--version-script="+versions)
		}
		out, err := exec.Command(strings.Fields(string(cc))[0], args...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	t.Setenv("LD_LIBRARY_PATH", dir)
}

// onStandIn runs the calling test in a child that has a stand-in for a device.
// It is false in that child, with what the test needs there.
func onStandIn(t *testing.T) (open func(model []byte, on terms, cfg Config) (*Session, *loader.Model, error), parent bool) {
	t.Helper()
	core, providers := onnxtest.GPU(t)
	if os.Getenv(childVariable) == "" {
		standIn(t)
	}
	if inChild(t) {
		return nil, true
	}
	return func(model []byte, on terms, cfg Config) (*Session, *loader.Model, error) {
		on.library, on.providers = core, providers
		cfg.Library, cfg.Providers = core, providers
		m := admit(t, fstest.MapFS{"model.onnx": file(model)}, on)
		s, err := Open(t.Context(), m, cfg)
		if err == nil {
			t.Cleanup(func() { s.Close() })
		}
		return s, m, err
	}, false
}

func TestSessionsOnCUDA(t *testing.T) {
	open, parent := onStandIn(t)
	if parent {
		return
	}
	for _, unpinned := range []bool{true, false} {
		s, m, err := open(matMul(), terms{unpinned: unpinned, device: "cuda"}, Config{Device: CUDA(0)})
		require.NoError(t, err)
		runsLike(t, matMul(), s, noise(t, 2, side))
		facts := m.Report().Session
		require.Equal(t, "cuda", facts.Device)
		require.Empty(t, facts.CPUNodes)
		provider := 0
		for _, f := range facts.Mapped {
			if strings.Contains(f, "onnxruntime") {
				require.True(t, strings.HasPrefix(f, "/memfd:"), f)
				provider++
			}
		}
		require.Equal(t, 3, provider, "%q", facts.Mapped)
	}
	_, _, err := open(matMul(), terms{device: "cuda"}, Config{Device: CUDA(1)})
	require.ErrorIs(t, err, ErrNoCUDA)

	s, _, err := open(shapes(), terms{device: "cuda"}, Config{Device: CUDA(0)})
	require.NoError(t, err, "shapes may be worked out on the CPU")
	out := make([]Tensor, 1)
	require.NoError(t, s.Run(t.Context(), []Tensor{noise(t, 3, side)}, out))
	n, err := Data[int64](out[0])
	require.NoError(t, err)
	require.Equal(t, []int64{6}, n)
}

// The provider takes all that these models compute.
func TestPublicModelsOnCUDA(t *testing.T) {
	dir := onnxtest.Models(t)
	open, parent := onStandIn(t)
	if parent {
		return
	}
	for _, name := range []string{"ppocr-rec/rec.onnx", "ppocr-det/det.onnx"} {
		for _, unpinned := range []bool{true, false} {
			model, err := os.ReadFile(filepath.Join(dir, name))
			require.NoError(t, err)
			_, m, err := open(model, terms{unpinned: unpinned, device: "cuda"}, Config{Device: CUDA(0)})
			require.NoError(t, err)
			require.Empty(t, m.Report().Session.CPUNodes)
		}
	}
}

// Det has no kernel for CUDA. In float16 Tan has one for nothing.
func TestNothingFallsBackUnseen(t *testing.T) {
	open, parent := onStandIn(t)
	if parent {
		return
	}
	det := model([]onnxtest.Node{{Op: "Det", In: []string{"x"}, Out: []string{"y"}}}, nil, input("x", 2, 2), input("y"))
	for _, c := range []struct {
		name  string
		model []byte
		node  string
	}{{"Det", det, "Det:Det_0"}, {"float16", halves(), "Tan:Tan_0"}} {
		for _, unpinned := range []bool{true, false} {
			_, _, err := open(c.model, terms{unpinned: unpinned, device: "cuda"}, Config{Device: CUDA(0)})
			var r *loader.Rejection
			require.ErrorAs(t, err, &r, c.name)
			reasons := r.Report.Reasons()
			require.Len(t, reasons, 1, fmt.Sprint(reasons))
			require.Equal(t, policy.CodeSessionFallback, reasons[0].Code)
			require.Contains(t, reasons[0].Detail, c.node)
		}
	}
	s, m, err := open(det, terms{device: "cuda], cpu_nodes: [Det"}, Config{Device: CUDA(0)})
	require.NoError(t, err)
	require.Equal(t, []string{"Det:Det_0"}, m.Report().Session.CPUNodes)
	runsLike(t, det, s, tensor(t, []float32{1, 2, 3, 5}, 2, 2))
}

func TestTheDeviceRunsOutOfMemory(t *testing.T) {
	open, parent := onStandIn(t)
	if parent {
		return
	}
	_, _, err := open(matMul(), terms{device: "cuda"}, Config{Device: CUDA(0), CUDA: CUDAOptions{MemoryLimit: 1 << 10}})
	require.ErrorIs(t, err, ErrOutOfMemory, "the limit is smaller than the weights")

	s, _, err := open(matMul(), terms{device: "cuda"}, Config{Device: CUDA(0), CUDA: CUDAOptions{Growth: GrowExact}})
	require.NoError(t, err)
	const rows = 128 << 10 // 128 MiB, twice what the device has
	err = s.Run(t.Context(), []Tensor{tensor(t, make([]float32, rows*side), rows, side)}, make([]Tensor, 1))
	require.ErrorIs(t, err, ErrOutOfMemory)
	runsLike(t, matMul(), s, noise(t, 2, side))
}

// The provider parses what CUDAOptions tell it, and refuses other words.
func TestTheProviderTakesTheOptions(t *testing.T) {
	open, parent := onStandIn(t)
	if parent {
		return
	}
	for _, options := range []CUDAOptions{
		{MemoryLimit: 32 << 20, TF32: true}, {Growth: GrowExact}, {Convolutions: SearchHeuristic}, {Convolutions: SearchExhaustive},
	} {
		s, _, err := open(matMul(), terms{device: "cuda"}, Config{Device: CUDA(0), CUDA: options})
		require.NoError(t, err)
		runsLike(t, matMul(), s, noise(t, 2, side))
	}
	for _, o := range []ort.Option{{Key: "use_tf32", Value: "perhaps"}, {Key: "no_such_option", Value: "1"}} {
		_, err := ort.NewSession(t.Context(), matMul(), nil, ort.Config{Inputs: []string{"x"}, Outputs: []string{"y"}, CUDA: []ort.Option{o}})
		require.ErrorIs(t, err, ErrNoCUDA)
		require.ErrorContains(t, err, "provider option")
	}
}
