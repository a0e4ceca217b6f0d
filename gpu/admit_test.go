//go:build cgo && linux

package gpu

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/onnx"
	"github.com/weightgate/weightgate/gpu/internal/onnxtest"
	"github.com/weightgate/weightgate/gpu/internal/ort"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

// A terms says under which policy a test's model is admitted.
type terms struct {
	unpinned  bool
	device    string   // that sessions may have
	library   string   // that is pinned
	providers []string // that are pinned too
}

// admit sends files through a Gate whose policy pins them and the library.
func admit(t testing.TB, files fstest.MapFS, on terms) *loader.Model {
	t.Helper()
	pin, device := "pin: required", "cpu"
	if on.unpinned {
		pin = "unpinned: true"
	}
	if on.device != "" {
		device = on.device
	}
	if on.library == "" {
		on.library = onnxtest.Library(t)
	}
	text := fmt.Sprintf(`
version: 1
lock: weightgate.lock
libraries: pinned
models:
  - {name: m, source: [fs], formats: [onnx], %s, session: {device: [%s]}}
`, pin, device)

	lock := new(policy.Lock)
	for _, path := range append([]string{on.library}, on.providers...) {
		library, err := loader.MeasureLibrary(t.Context(), path)
		require.NoError(t, err)
		lock, err = lock.WithLibrary(library)
		require.NoError(t, err)
	}
	if !on.unpinned {
		pinned, err := lock.With(policy.Pin{Name: "m", Files: measured(t, loader.FS(files))})
		require.NoError(t, err)
		lock = pinned
	}
	p, err := policy.Parse([]byte(text), lock.Encode())
	require.NoError(t, err)
	gate, err := loader.New(loader.Config{Policy: p, Formats: formats.Set{onnx.Format()}})
	require.NoError(t, err)
	t.Cleanup(func() { gate.Close() })
	m, err := gate.Load(t.Context(), "m", loader.FS(files))
	require.NoError(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

func measured(t testing.TB, src loader.Source) (files manifest.Manifest) {
	t.Helper()
	report, err := loader.Inspect(t.Context(), "m", src, loader.InspectConfig{Formats: formats.Set{onnx.Format()}, SHA256: true})
	require.NoError(t, err)
	for _, f := range report.Files {
		files = append(files, f.Entry)
	}
	return files
}

// cpu is what every test opens its sessions with.
func cpu(t testing.TB) Config { return Config{Library: onnxtest.Library(t), Device: CPU} }

func openSession(t testing.TB, m *loader.Model) *Session {
	t.Helper()
	s, err := Open(t.Context(), m, cpu(t))
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// untouched runs a model as it was published, on the runtime that a session of
// this process opened.
func untouched(t testing.TB, model []byte, s *Session, inputs []Tensor, optimize bool) []Tensor {
	t.Helper()
	raw, err := ort.NewSession(t.Context(), model, nil,
		ort.Config{Inputs: names(s.Inputs()), Outputs: names(s.Outputs()), Optimize: optimize})
	require.NoError(t, err)
	defer raw.Close()
	call, err := raw.Begin()
	require.NoError(t, err)
	defer call.End()
	for _, in := range inputs {
		call.Add(in.dtype, in.shape, in.data)
	}
	outputs := make([]Tensor, len(s.Outputs()))
	for range outputs {
		call.AddAbsent()
	}
	require.NoError(t, call.Run(t.Context()))
	require.NoError(t, fill(outputs, call))
	return outputs
}

// runsLike requires that s computes what model computes where nobody touched it.
func runsLike(t testing.TB, model []byte, s *Session, inputs ...Tensor) {
	t.Helper()
	want := untouched(t, model, s, inputs, true)
	got := make([]Tensor, len(want))
	require.NoError(t, s.Run(t.Context(), inputs, got))
	for i := range want {
		require.Equal(t, want[i].DType(), got[i].DType())
		require.Equal(t, want[i].Shape(), got[i].Shape())
		if want[i].DType() != formats.F32 {
			require.Equal(t, want[i].Bytes(), got[i].Bytes())
			continue
		}
		a, err := Data[float32](want[i])
		require.NoError(t, err)
		b, err := Data[float32](got[i])
		require.NoError(t, err)
		require.NotEmpty(t, a)
		require.InDeltaSlice(t, a, b, 1e-5)
		require.True(t, slices.ContainsFunc(b, func(v float32) bool { return v != 0 }), "zeros are what a lost weight gives")
	}
}

// noise is a tensor of numbers between -1 and 1, the same each time.
func noise(t testing.TB, shape ...int64) Tensor {
	t.Helper()
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	data := make([]float32, n)
	for i := range data {
		data[i] = wave(i)
	}
	return tensor(t, data, shape...)
}

// bars are dark on light, as the strokes of letters are.
func bars(t testing.TB, height, width int) Tensor {
	t.Helper()
	data := make([]float32, 3*height*width)
	for i := range data {
		x, y := i%width, i/width%height
		data[i] = 2
		if y >= height/2-8 && y < height/2+8 && x > width/8 && x < width*7/8 && x%12 < 4 {
			data[i] = -2
		}
	}
	return tensor(t, data, 1, 3, int64(height), int64(width))
}

func wave(i int) float32 { return float32(math.Sin(float64(i) * 12.9898)) }

func tensor[T Element](t testing.TB, data []T, shape ...int64) Tensor {
	t.Helper()
	x, err := NewTensor(data, shape...)
	require.NoError(t, err)
	return x
}

// childVariable names the test that a process was started for.
const childVariable = "WEIGHTGATE_TEST_CHILD"

// inChild runs the calling test alone in a process of its own, where it gets
// false, and requires that it passes and writes nothing to its error output.
func inChild(t *testing.T) bool {
	t.Helper()
	onnxtest.Library(t)
	if os.Getenv(childVariable) == t.Name() {
		return false
	}
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), childVariable+"="+t.Name())
	var stderr errorOutput
	child.Stderr = &stderr
	out, err := child.Output()
	require.NoError(t, err, "%s\n%s", out, stderr.text)
	if strings.Contains(string(out), "--- SKIP: "+t.Name()) {
		t.Skipf("%s", out)
	}
	require.Contains(t, string(out), "--- PASS: "+t.Name())
	require.Empty(t, string(stderr.text))
	return true
}

type errorOutput struct{ text []byte }

func (w *errorOutput) Write(b []byte) (int, error) {
	w.text = append(w.text, b...)
	return len(b), nil
}

// otherLibrary is a library that runs as the real one does and has another digest.
func otherLibrary(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(onnxtest.Library(t))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), filepath.Base(onnxtest.Library(t)))
	require.NoError(t, os.WriteFile(path, append(b, 0), 0o600))
	return path
}

func file(b []byte) *fstest.MapFile { return &fstest.MapFile{Data: b} }
