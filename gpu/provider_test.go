//go:build cgo && linux

package gpu

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"github.com/weightgate/weightgate/gpu/internal/onnxtest"
	"github.com/weightgate/weightgate/gpu/internal/ort"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

// The real providers are opened from their sealed copies, as far as the machine
// lets them be: a session runs on CUDA, or the error names what is missing, and
// nothing runs on the CPU in its place.
func TestProvidersAreOpenedFromTheirCopies(t *testing.T) {
	core, providers := onnxtest.GPU(t)
	if inChild(t) {
		return
	}
	on := terms{device: "cpu, cuda", library: core, providers: providers}
	m := admit(t, fstest.MapFS{"model.onnx": file(matMul())}, on)
	onCUDA := Config{Library: core, Providers: providers, Device: CUDA(0)}
	for range 2 {
		s, err := Open(t.Context(), m, onCUDA)
		if err == nil {
			runsLike(t, matMul(), s, noise(t, 2, side))
			require.NoError(t, s.Close())
			continue
		}
		t.Log(err)
		require.ErrorIs(t, err, ErrNoCUDA)
		require.Regexp(t, `Failed to load library \S+ with error: |CUDA failure \d+`, err.Error())
		require.Nil(t, s)
	}

	mapped, err := mappedCode()
	require.NoError(t, err)
	var copies []string
	for _, f := range mapped {
		if strings.Contains(f, "onnxruntime") {
			require.True(t, strings.HasPrefix(f, "/memfd:"), f)
			copies = append(copies, f)
		}
	}
	require.True(t, slices.ContainsFunc(copies, func(f string) bool {
		return strings.HasPrefix(f, "/memfd:libonnxruntime_providers_shared.so")
	}), "%q", copies)

	// The same libraries serve the CPU, with or without a device.
	s, err := Open(t.Context(), m, Config{Library: core, Providers: providers, Device: CPU})
	require.NoError(t, err)
	defer s.Close()
	runsLike(t, matMul(), s, noise(t, 2, side))
}

// The build for CUDA has no CUDA without the one of its providers that is CUDA.
func TestCUDAWithoutItsProvider(t *testing.T) {
	core, providers := onnxtest.GPU(t)
	if inChild(t) {
		return
	}
	on := terms{device: "cuda", library: core, providers: providers[:1]}
	m := admit(t, fstest.MapFS{"model.onnx": file(matMul())}, on)
	s, err := Open(t.Context(), m, Config{Library: core, Providers: on.providers, Device: CUDA(0)})
	require.ErrorIs(t, err, ErrNoCUDA)
	require.ErrorContains(t, err, "libonnxruntime_providers_cuda.so")
	require.Nil(t, s)
}

func TestAProviderThatIsNotPinnedIsNeverOpened(t *testing.T) {
	if inChild(t) {
		return
	}
	core := onnxtest.Library(t)
	provider := filepath.Join(t.TempDir(), "libonnxruntime_providers_cuda.so")
	require.NoError(t, os.WriteFile(provider, []byte("not in the lock"), 0o600))
	m := admit(t, fstest.MapFS{"model.onnx": file(matMul())}, terms{device: "cpu, cuda"})
	for _, d := range []Device{CPU, CUDA(0)} {
		s, err := Open(t.Context(), m, Config{Library: core, Providers: []string{provider}, Device: d})
		var r *loader.Rejection
		require.ErrorAs(t, err, &r)
		require.Len(t, r.Report.Reasons(), 1)
		require.Equal(t, policy.CodeLibraryUnpinned, r.Report.Reasons()[0].Code)
		require.Nil(t, s)
		require.False(t, ort.Initialized())
	}
	openSession(t, m)
}

// A pinned provider that is no library denies CUDA and nothing else.
func TestAProviderThatIsNoLibrary(t *testing.T) {
	if inChild(t) {
		return
	}
	core := onnxtest.Library(t)
	provider := filepath.Join(t.TempDir(), "libonnxruntime_providers_shared.so")
	require.NoError(t, os.WriteFile(provider, make([]byte, 4096), 0o600))
	m := admit(t, fstest.MapFS{"model.onnx": file(matMul())}, terms{device: "cpu, cuda", providers: []string{provider}})
	for range 2 {
		_, err := Open(t.Context(), m, Config{Library: core, Providers: []string{provider}, Device: CUDA(0)})
		require.ErrorIs(t, err, ErrNoCUDA)
		require.ErrorContains(t, err, "invalid ELF header")
	}
	s, err := Open(t.Context(), m, Config{Library: core, Providers: []string{provider}, Device: CPU})
	require.NoError(t, err)
	defer s.Close()
	runsLike(t, matMul(), s, noise(t, 2, side))
}
