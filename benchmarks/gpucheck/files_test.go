//go:build cgo && linux

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMissingFiles(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // neither go nor nvidia-smi
	dir := t.TempDir()
	var said bytes.Buffer
	code := run(t.Context(), []string{"-device", "cpu", "-dir", dir}, nil, &bytes.Buffer{}, &said)
	require.Equal(t, exitMissing, code)
	for line := range strings.Lines(said.String()) {
		require.True(t, strings.HasPrefix(line, "missing: "), line)
	}
	for _, name := range []string{"libonnxruntime-linux-", "model.safetensors", "1_Pooling/config.json", "det.onnx", "rec.onnx", "could not fetch onnxruntime-linux-", "could not fetch minilm"} {
		require.Contains(t, said.String(), name)
	}
}

func TestMissingOfCUDA(t *testing.T) {
	compiler, err := exec.LookPath("cc")
	require.NoError(t, err, "cgo needs it as well")
	dir, cuda, models := t.TempDir(), t.TempDir(), t.TempDir()
	compile := func(out string, args ...string) {
		t.Helper()
		said, err := exec.CommandContext(t.Context(), compiler, append([]string{"-shared", "-o", out, "-x", "c", "/dev/null", "-x", "none"}, args...)...).CombinedOutput()
		require.NoError(t, err, "%s", said)
	}
	blas, driver := filepath.Join(cuda, "libcublas.so.13"), filepath.Join(cuda, libcuda)
	compile(blas, "-Wl,-soname,libcublas.so.13")
	compile(driver, "-Wl,-soname,"+libcuda)
	provider := filepath.Join(dir, "libonnxruntime_providers_cuda.so")
	compile(provider, "-Wl,--no-as-needed", blas, driver)
	library := filepath.Join(dir, gpuLibrary)
	require.NoError(t, os.WriteFile(library, nil, 0o644))
	for _, name := range modelFiles() {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(models, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(models, name), nil, 0o644))
	}

	wanted, err := wantedOfCUDA([]string{provider})
	require.NoError(t, err)
	require.Equal(t, []string{"libcublas.so.13", "libcudnn.so.9"}, wanted, "and neither the driver's nor the system's")

	f := files{library: library, providers: []string{provider}, cuda: []string{t.TempDir(), cuda}, models: models}
	require.Empty(t, f.missingRuntime(true))
	require.Empty(t, f.missingModels())
	lines := f.missingCUDA()
	require.Len(t, lines, 1)
	require.Contains(t, lines[0], "libcudnn.so.9 is in none of "+strings.Join(f.cuda, ", "))
	require.NoError(t, os.WriteFile(filepath.Join(cuda, "libcudnn.so.9"), nil, 0o644))
	require.Empty(t, f.missingCUDA())
	require.NoError(t, os.Remove(blas))
	require.Contains(t, f.missingCUDA()[0], "libcublas.so.13 is in none of")

	script := filepath.Join(models, "provider.so")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\nexit 0 # and no library\n"), 0o755))
	f.providers = []string{script}
	require.Contains(t, f.missingRuntime(true)[0], "does not lie beside")
	require.Contains(t, f.missingCUDA()[0], "bad magic number")
	f.providers = nil
	require.Contains(t, f.missingRuntime(true)[0], "no provider libraries")
	require.Empty(t, f.missingRuntime(false))
}

// Only what is missing and not the user's is fetched, by name.
func TestFetches(t *testing.T) {
	bin, dir := t.TempDir(), t.TempDir()
	called := filepath.Join(bin, "called")
	require.NoError(t, os.WriteFile(filepath.Join(bin, "go"), []byte("#!/bin/sh\necho \"$*\" >>"+called+"\n"), 0o755))
	t.Setenv("PATH", bin)
	for _, c := range []struct {
		name    string
		options options
		calls   []string
	}{
		{"on the CPU", options{device: deviceCPU}, []string{
			"onnxruntime-" + runtime.GOOS + "-" + runtime.GOARCH, "minilm ppocr-det ppocr-rec",
		}},
		{"on CUDA", options{device: deviceCUDA}, []string{
			"onnxruntime-gpu-" + runtime.GOOS + "-" + runtime.GOARCH, "minilm ppocr-det ppocr-rec",
		}},
		{"with a library of the user's", options{device: deviceCPU, library: "/no/such.so"}, []string{"minilm ppocr-det ppocr-rec"}},
		{"with models of the user's too", options{device: deviceCPU, library: "/no/such.so", models: "/no/models"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.NoError(t, os.RemoveAll(called))
			c.options.dir = dir
			_, missing, err := c.options.obtain(t.Context(), &bytes.Buffer{})
			require.NoError(t, err)
			require.NotEmpty(t, missing, "the fake go brings nothing")
			noted, _ := os.ReadFile(called)
			var want strings.Builder
			for _, items := range c.calls {
				want.WriteString(strings.TrimPrefix(fetchCommand, "go ") + " -dir " + dir + " " + items + "\n")
			}
			require.Equal(t, want.String(), string(noted))
		})
	}
}

func TestPythonLibraries(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"cu13/lib", "cudnn/lib", "cudnn/include"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, name), 0o755))
	}
	python := filepath.Join(t.TempDir(), "python3")
	require.NoError(t, os.WriteFile(python, []byte("#!/bin/sh\necho "+dir+"\n"), 0o755))
	found, err := pythonLibraries(t.Context(), python)
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(dir, "cu13/lib"), filepath.Join(dir, "cudnn/lib")}, found)

	require.NoError(t, os.WriteFile(python, []byte("#!/bin/sh\nexit 1\n"), 0o755))
	_, err = pythonLibraries(t.Context(), python)
	require.ErrorContains(t, err, "none of NVIDIA's packages")
}
