package gpu

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weightgate/weightgate/gpu/internal/ort"
)

func TestCUDAOptionsAreWhatTheRuntimeIsTold(t *testing.T) {
	for _, c := range []struct {
		name    string
		options CUDAOptions
		want    []ort.Option
	}{
		{"zero is exact and unlimited", CUDAOptions{}, []ort.Option{
			{Key: "device_id", Value: "7"},
			{Key: "arena_extend_strategy", Value: "kNextPowerOfTwo"},
			{Key: "cudnn_conv_algo_search", Value: "DEFAULT"},
			{Key: "use_tf32", Value: "0"},
		}},
		{"all of them", CUDAOptions{MemoryLimit: 3 << 30, Growth: GrowExact, Convolutions: SearchExhaustive, TF32: true}, []ort.Option{
			{Key: "device_id", Value: "7"},
			{Key: "arena_extend_strategy", Value: "kSameAsRequested"},
			{Key: "cudnn_conv_algo_search", Value: "EXHAUSTIVE"},
			{Key: "use_tf32", Value: "1"},
			{Key: "gpu_mem_limit", Value: "3221225472"},
		}},
		{"by rules", CUDAOptions{Convolutions: SearchHeuristic}, []ort.Option{
			{Key: "device_id", Value: "7"},
			{Key: "arena_extend_strategy", Value: "kNextPowerOfTwo"},
			{Key: "cudnn_conv_algo_search", Value: "HEURISTIC"},
			{Key: "use_tf32", Value: "0"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.NoError(t, c.options.check())
			require.Equal(t, c.want, c.options.list(7))
		})
	}
}

func TestCUDAOptionsAreChecked(t *testing.T) {
	for _, c := range []struct {
		says    string
		options CUDAOptions
	}{
		{"-1 bytes", CUDAOptions{MemoryLimit: -1}},
		{"growth 2", CUDAOptions{Growth: GrowExact + 1}},
		{"search 3", CUDAOptions{Convolutions: SearchExhaustive + 1}},
	} {
		err := c.options.check()
		require.ErrorIs(t, err, ErrCUDAOptions)
		require.ErrorContains(t, err, c.says)
	}
}
