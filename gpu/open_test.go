//go:build cgo && linux

package gpu

import (
	"context"
	"encoding/binary"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"github.com/weightgate/weightgate/gpu/internal/onnxtest"
	"github.com/weightgate/weightgate/gpu/internal/ort"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
	"github.com/yalue/onnxruntime_go"
)

func TestSessionsComputeWhatTheUntouchedModelDoes(t *testing.T) {
	x := noise(t, 2, side)
	for _, c := range []struct {
		name   string
		model  []byte
		inputs []Tensor
	}{
		{"MatMul", matMul(), []Tensor{x}},
		{"Gather", gather(), []Tensor{tensor(t, []int64{3, 200, 3}, 3)}},
		{"Conv", conv(), []Tensor{noise(t, 1, 64, 9, 9)}},
		{"Neg", negated(), []Tensor{x}},
		{"then", branches(), []Tensor{x, tensor(t, []bool{true})}},
		{"else", branches(), []Tensor{x, tensor(t, []bool{false})}},
	} {
		for _, unpinned := range []bool{false, true} {
			name := c.name + " vouched for"
			if unpinned {
				name = c.name + " as it is"
			}
			t.Run(name, func(t *testing.T) {
				m := admit(t, fstest.MapFS{"model.onnx": file(c.model)}, terms{unpinned: unpinned})
				require.Equal(t, !unpinned, m.Vouched())
				s := openSession(t, m)
				runsLike(t, c.model, s, c.inputs...)
			})
		}
	}
}

func TestWeightsInAFileBeside(t *testing.T) {
	header := `{"W":{"dtype":"F32","shape":[256,256],"data_offsets":[0,262144]}}   `
	for _, c := range []struct{ name, file, head string }{
		{"at no border", "weights.bin", "\x00"},
		{"safetensors", "weights.safetensors", string(binary.LittleEndian.AppendUint64(nil, uint64(len(header)))) + header},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openSession(t, admit(t, beside(c.file, c.head), terms{}))
			runsLike(t, matMul(), s, noise(t, 3, side))
		})
	}
}

func TestPublicModels(t *testing.T) {
	dir := onnxtest.Models(t)
	for _, c := range []struct {
		file   string
		inputs []Tensor
	}{
		{"ppocr-rec/rec.onnx", []Tensor{noise(t, 1, 3, 48, 320)}},
		{"ppocr-det/det.onnx", []Tensor{bars(t, 96, 160)}},
		{"silero-vad/silero_vad.onnx", []Tensor{noise(t, 1, 512), noise(t, 2, 1, 128), tensor(t, []int64{16000})}},
		{"silero-vad/silero_vad.onnx", []Tensor{noise(t, 1, 256), noise(t, 2, 1, 128), tensor(t, []int64{8000})}},
	} {
		t.Run(c.file, func(t *testing.T) {
			model, err := os.ReadFile(filepath.Join(dir, c.file))
			require.NoError(t, err)
			m := admit(t, fstest.MapFS{c.file: file(model)}, terms{})
			require.NotEmpty(t, m.Tensors())
			runsLike(t, model, openSession(t, m), c.inputs...)
		})
	}
}

func TestOpenRefusesItsConfig(t *testing.T) {
	m := admit(t, fstest.MapFS{"a.onnx": file(matMul()), "b.onnx": file(gather())}, terms{})
	library := onnxtest.Library(t)
	for _, c := range []struct {
		name string
		cfg  Config
		want error
	}{
		{"nothing", Config{}, ErrNoDevice},
		{"no device", Config{Library: library, Graph: "a.onnx"}, ErrNoDevice},
		{"a device below none", Config{Library: library, Graph: "a.onnx", Device: -1}, ErrNoDevice},
		{"CUDA of a negative number", Config{Library: library, Graph: "a.onnx", Device: CUDA(-1)}, ErrNoDevice},
		{"CUDA of a number that no Device has", Config{Library: library, Graph: "a.onnx", Device: CUDA(math.MaxInt - 1)}, ErrNoDevice},
		{"no library", Config{Device: CPU, Graph: "a.onnx"}, ErrNoLibrary},
		{"CUDA options on the CPU", Config{Library: library, Device: CPU, Graph: "a.onnx", CUDA: CUDAOptions{TF32: true}}, ErrCUDAOptions},
		{"a CUDA option that is none", Config{Library: library, Device: CUDA(0), Graph: "a.onnx", CUDA: CUDAOptions{Growth: 9}}, ErrCUDAOptions},
		{"two graphs", Config{Library: library, Device: CPU}, ErrNoGraph},
		{"no such graph", Config{Library: library, Device: CPU, Graph: "c.onnx"}, ErrNoGraph},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Open(t.Context(), m, c.cfg)
			require.ErrorIs(t, err, c.want)
			require.Nil(t, s)
		})
	}
	for _, threads := range []int{-1, 1 << 32, 1<<32 + 1} {
		_, err := Open(t.Context(), m, Config{Library: library, Device: CPU, Graph: "a.onnx", Threads: threads})
		require.ErrorContains(t, err, "threads")
	}

	s, err := Open(t.Context(), m, Config{Library: library, Device: CPU, Graph: "b.onnx", Threads: 1})
	require.NoError(t, err)
	defer s.Close()
	runsLike(t, gather(), s, tensor(t, []int64{1}, 1))
}

func TestOpenReportsItsSession(t *testing.T) {
	m := admit(t, fstest.MapFS{"model.onnx": file(matMul())}, terms{})
	require.Equal(t, policy.Pending, m.Verdict())
	openSession(t, m)
	require.Equal(t, policy.Admitted, m.Verdict())

	facts := m.Report().Session
	require.NotNil(t, facts)
	require.Equal(t, "cpu", facts.Device)
	require.Equal(t, ort.Version(), facts.Runtime)
	require.True(t, slices.IsSorted(facts.Mapped))
	sealed := filepath.Base(onnxtest.Library(t)) + " (deleted)"
	require.True(t, slices.ContainsFunc(facts.Mapped, func(f string) bool {
		return strings.HasPrefix(f, "/memfd:") && strings.HasSuffix(f, sealed)
	}), "the runtime runs from its sealed copy: %q", facts.Mapped)
	require.NotContains(t, facts.Mapped, onnxtest.Library(t))
}

// Optimizers are for what is vouched for: they choose other kernels, which round
// otherwise.
func TestOptimizersAreForWhatIsVouchedFor(t *testing.T) {
	inputs := []Tensor{noise(t, 1, 64, 9, 9)}
	for _, unpinned := range []bool{false, true} {
		s := openSession(t, admit(t, fstest.MapFS{"model.onnx": file(conv())}, terms{unpinned: unpinned}))
		optimized, plain := untouched(t, conv(), s, inputs, true), untouched(t, conv(), s, inputs, false)
		require.NotEqual(t, optimized, plain)
		want := optimized
		if unpinned {
			want = plain
		}
		got := make([]Tensor, 1)
		require.NoError(t, s.Run(t.Context(), inputs, got))
		require.Equal(t, want, got)
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	m := admit(t, fstest.MapFS{"model.onnx": file(matMul())}, terms{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, err := Open(ctx, m, cpu(t))
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, s)
}

func TestOpenOfAClosedModel(t *testing.T) {
	m := admit(t, fstest.MapFS{"model.onnx": file(matMul())}, terms{})
	require.NoError(t, m.Close())
	_, err := Open(t.Context(), m, cpu(t))
	require.ErrorIs(t, err, loader.ErrClosed)
}

// The policy has the last word: a session that it does not admit is not handed out.
func TestOpenAsksThePolicyAboutTheSession(t *testing.T) {
	m := admit(t, fstest.MapFS{"model.onnx": file(matMul())}, terms{device: "cuda"})
	s, err := Open(t.Context(), m, cpu(t))
	var rejection *loader.Rejection
	require.ErrorAs(t, err, &rejection)
	require.ErrorIs(t, err, loader.ErrDenied)
	require.Nil(t, s)
	require.Equal(t, policy.Pending, m.Verdict())
}

func TestOpenOnCUDAFailsWithoutIt(t *testing.T) {
	m := admit(t, fstest.MapFS{"model.onnx": file(matMul())}, terms{device: "cpu, cuda"})
	cfg := cpu(t)
	cfg.Device = CUDA(0)
	s, err := Open(t.Context(), m, cfg)
	require.ErrorIs(t, err, ErrNoCUDA)
	require.ErrorContains(t, err, "Config.Providers is empty")
	require.Nil(t, s)
}

func TestASecondLibraryIsRefused(t *testing.T) {
	first := admit(t, fstest.MapFS{"model.onnx": file(matMul())}, terms{})
	openSession(t, first)

	other := otherLibrary(t)
	m := admit(t, fstest.MapFS{"model.onnx": file(matMul())}, terms{library: other})
	s, err := Open(t.Context(), m, Config{Library: other, Device: CPU})
	var rejection *loader.Rejection
	require.ErrorAs(t, err, &rejection)
	require.Nil(t, s)
	reasons := rejection.Report.Reasons()
	require.Len(t, reasons, 1)
	require.Equal(t, policy.CodeLibraryOther, reasons[0].Code)
}

func TestALibraryThatIsNotPinnedIsNeverOpened(t *testing.T) {
	if inChild(t) {
		return
	}
	m := admit(t, fstest.MapFS{"model.onnx": file(matMul())}, terms{})
	_, err := Open(t.Context(), m, Config{Library: otherLibrary(t), Device: CPU})
	require.ErrorIs(t, err, loader.ErrDenied)
	require.False(t, ort.Initialized())

	_, err = Open(t.Context(), m, Config{Library: filepath.Join(t.TempDir(), "none.so"), Device: CPU})
	require.ErrorIs(t, err, loader.ErrUnverifiable)
	require.False(t, ort.Initialized())
	openSession(t, m)
}

// Whoever comes first opens the library; all others wait and use it.
func TestOpenConcurrently(t *testing.T) {
	if inChild(t) {
		return
	}
	m := admit(t, fstest.MapFS{"model.onnx": file(matMul())}, terms{})
	x := noise(t, 1, side)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			s, err := Open(t.Context(), m, cpu(t))
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if err := s.Run(t.Context(), []Tensor{x}, make([]Tensor, 1)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestALibraryThatIsNoRuntime(t *testing.T) {
	if inChild(t) {
		return
	}
	junk := filepath.Join(t.TempDir(), "libonnxruntime.so.1")
	require.NoError(t, os.WriteFile(junk, make([]byte, 4096), 0o600))
	files := fstest.MapFS{"model.onnx": file(matMul())}
	_, err := Open(t.Context(), admit(t, files, terms{library: junk}), Config{Library: junk, Device: CPU})
	require.ErrorContains(t, err, "invalid ELF header")
	require.False(t, ort.Initialized())

	// What was tried may have left code behind: the process takes no other.
	_, err = Open(t.Context(), admit(t, files, terms{}), Config{Library: onnxtest.Library(t), Device: CPU})
	var r *loader.Rejection
	require.ErrorAs(t, err, &r)
	require.Equal(t, policy.CodeLibraryOther, r.Report.Reasons()[0].Code)
}

// Others may use onnxruntime_go in this process; sessions do not depend on them.
func TestSessionsOutliveOnnxruntimeGo(t *testing.T) {
	if inChild(t) {
		return
	}
	m := admit(t, fstest.MapFS{"model.onnx": file(matMul())}, terms{})
	s := openSession(t, m)
	require.NoError(t, onnxruntime_go.DestroyEnvironment())
	runsLike(t, matMul(), s, noise(t, 1, side))
	runsLike(t, matMul(), openSession(t, m), noise(t, 1, side))
}

func TestARuntimeOfSomeoneElseIsRefused(t *testing.T) {
	if inChild(t) {
		return
	}
	t.Setenv("ORT_DISABLE_TELEMETRY", "1")
	onnxruntime_go.SetSharedLibraryPath(onnxtest.Library(t))
	require.NoError(t, onnxruntime_go.InitializeEnvironment())
	m := admit(t, fstest.MapFS{"model.onnx": file(matMul())}, terms{})
	s, err := Open(t.Context(), m, cpu(t))
	require.ErrorIs(t, err, ErrRuntimeForeign)
	require.Nil(t, s)

	require.NoError(t, onnxruntime_go.DestroyEnvironment())
	openSession(t, m)
}

// The child's error output is empty although the runtime has much to say.
func TestTheRuntimeIsSilent(t *testing.T) {
	if inChild(t) {
		return
	}
	s := openSession(t, admit(t, fstest.MapFS{"model.onnx": file(gather())}, terms{}))
	err := s.Run(t.Context(), []Tensor{tensor(t, []int64{side}, 1)}, make([]Tensor, 1))
	require.ErrorContains(t, err, "out of data bounds")
	_, err = ort.NewSession(t.Context(), []byte("no graph"), nil, ort.Config{})
	require.Error(t, err)
}

// Nothing of a session is written to the user's home, from where the runtime
// would send it away.
func TestTheRuntimeKeepsNoTelemetry(t *testing.T) {
	if inChild(t) {
		return
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", home)
	t.Setenv("ORT_DISABLE_TELEMETRY", "")
	runsLike(t, matMul(), openSession(t, admit(t, fstest.MapFS{"model.onnx": file(matMul())}, terms{})), noise(t, 1, side))
	entries, err := os.ReadDir(home)
	require.NoError(t, err)
	require.Empty(t, entries)
}

// Without cgo the package builds, and says what is missing.
func TestWithoutCgo(t *testing.T) {
	test := exec.Command("go", "test", "-count=1", "-v", "-run=^TestOpenWithoutARuntime$", ".")
	test.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := test.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "--- PASS: TestOpenWithoutARuntime")
}
