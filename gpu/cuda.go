package gpu

import (
	"fmt"
	"strconv"

	"github.com/weightgate/weightgate/gpu/internal/ort"
)

// CUDAOptions say how a session uses its CUDA device. The zero value computes
// with full precision, searches for nothing and limits nothing.
type CUDAOptions struct {
	// MemoryLimit is the most that the session's arena takes of the device, in
	// bytes. Zero: all that is free. CUDA's own libraries take some beside it.
	MemoryLimit int64

	// Growth is how the arena asks the device for more.
	Growth ArenaGrowth

	// Convolutions is how cuDNN's algorithm for a convolution is found.
	Convolutions ConvolutionSearch

	// TF32 lets matrix products and convolutions of float32 round their inputs
	// to TensorFloat-32, which has 10 bits after the point instead of 23.
	TF32 bool
}

// ArenaGrowth is how an arena grows. The zero ArenaGrowth doubles.
type ArenaGrowth uint8

const (
	GrowDouble ArenaGrowth = iota // by the next power of two: few requests
	GrowExact                     // by what is needed: little to spare
)

// ConvolutionSearch is how cuDNN's algorithm for a convolution is found. The
// zero ConvolutionSearch does not search, and is the same on each start.
type ConvolutionSearch uint8

const (
	SearchNone       ConvolutionSearch = iota // cuDNN's default
	SearchHeuristic                           // by cuDNN's rules
	SearchExhaustive                          // the fastest, measured in the first runs of each shape
)

// The runtime's words for them.
var (
	growths  = [...]string{GrowDouble: "kNextPowerOfTwo", GrowExact: "kSameAsRequested"}
	searches = [...]string{SearchNone: "DEFAULT", SearchHeuristic: "HEURISTIC", SearchExhaustive: "EXHAUSTIVE"}
)

func (o *CUDAOptions) check() error {
	switch {
	case o.MemoryLimit < 0:
		return fmt.Errorf("%w: a memory limit of %d bytes", ErrCUDAOptions, o.MemoryLimit)
	case int(o.Growth) >= len(growths):
		return fmt.Errorf("%w: arena growth %d", ErrCUDAOptions, o.Growth)
	case int(o.Convolutions) >= len(searches):
		return fmt.Errorf("%w: convolution search %d", ErrCUDAOptions, o.Convolutions)
	}
	return nil
}

// list is what the runtime is told: it does otherwise where it is told nothing.
func (o *CUDAOptions) list(device int) []ort.Option {
	tf32 := "0"
	if o.TF32 {
		tf32 = "1"
	}
	list := []ort.Option{
		{Key: "device_id", Value: strconv.Itoa(device)},
		{Key: "arena_extend_strategy", Value: growths[o.Growth]},
		{Key: "cudnn_conv_algo_search", Value: searches[o.Convolutions]},
		{Key: "use_tf32", Value: tf32},
	}
	if o.MemoryLimit > 0 {
		list = append(list, ort.Option{Key: "gpu_mem_limit", Value: strconv.FormatInt(o.MemoryLimit, 10)})
	}
	return list
}
