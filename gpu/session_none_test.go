//go:build !(cgo && linux)

package gpu_test

import (
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weightgate/weightgate/gpu"
)

func TestOpenWithoutARuntime(t *testing.T) {
	want := gpu.ErrPlatform
	if runtime.GOOS == "linux" {
		want = gpu.ErrNoCgo
	}
	s, err := gpu.Open(t.Context(), nil, gpu.Config{Library: "libonnxruntime.so.1", Device: gpu.CPU})
	require.ErrorIs(t, err, want)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.Nil(t, s)

	var zero gpu.Session
	require.ErrorIs(t, zero.Run(t.Context(), nil, nil), gpu.ErrClosed)
	require.NoError(t, zero.Close())
}
