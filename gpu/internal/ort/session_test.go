//go:build cgo && linux

package ort

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/weightgate/weightgate/formats"
	o "github.com/weightgate/weightgate/formats/onnx/onnxtest"
	"github.com/weightgate/weightgate/gpu/internal/onnxtest"
	"golang.org/x/sys/unix"
)

var openOnce = sync.OnceValue(func() error { return Open(os.Getenv("WEIGHTGATE_ORT"), false) })

func library(t *testing.T) {
	t.Helper()
	onnxtest.Library(t)
	require.NoError(t, openOnce())
	require.True(t, Initialized())
	require.Regexp(t, `^1\.\d+`, Version())
}

// offHeap is a copy of b outside the Go heap, where weights live.
func offHeap(t *testing.T, b []byte) []byte {
	t.Helper()
	memory, err := unix.Mmap(-1, 0, max(len(b), 1), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	require.NoError(t, err)
	t.Cleanup(func() { unix.Munmap(memory) })
	return memory[:copy(memory, b)]
}

func floats(v ...float32) (b []byte) {
	for _, f := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
	}
	return b
}

const rows, width = 512, 64 // 128 KiB of weights

// table is Gather(W, ids): no kernel packs W, so a lent W is read in place.
func table() (onnxtest.Model, onnxtest.Tensor) {
	w := onnxtest.Floats("W", func(i int) float32 { return float32(i / width) }, rows, width)
	return onnxtest.Model{Graph: onnxtest.Graph{
		Nodes:        []onnxtest.Node{{Op: "Gather", In: []string{"W", "ids"}, Out: []string{"y"}}},
		Initializers: []onnxtest.Tensor{w.Elsewhere()},
		Inputs:       []onnxtest.Value{{Name: "ids", Type: onnxtest.Int64, Dims: []int64{-1}}},
		Outputs:      []onnxtest.Value{{Name: "y", Type: onnxtest.Float, Dims: []int64{-1, width}}},
	}}, w
}

var tableConfig = Config{Inputs: []string{"ids"}, Outputs: []string{"y"}, Optimize: true}

func weight(t *testing.T, w onnxtest.Tensor, lend bool) Weight {
	return Weight{Name: w.Name, DType: formats.F32, Shape: w.Dims, Bytes: offHeap(t, w.Raw), Lend: lend}
}

func row(t *testing.T, s *Session, id int64) float32 {
	t.Helper()
	c, err := s.Begin()
	require.NoError(t, err)
	defer c.End()
	c.Add(formats.I64, []int64{1}, binary.LittleEndian.AppendUint64(nil, uint64(id)))
	c.AddAbsent()
	require.NoError(t, c.Run(t.Context()))
	dtype, shape, data, err := c.Output(0)
	require.NoError(t, err)
	require.Equal(t, formats.F32, dtype)
	require.Equal(t, []int64{1, width}, shape)
	return math.Float32frombits(binary.LittleEndian.Uint32(data))
}

func TestOpenWhatIsNoRuntime(t *testing.T) {
	library(t)
	require.Error(t, Open(os.Getenv("WEIGHTGATE_ORT"), false), "it is open already")
	require.ErrorContains(t, attach(filepath.Join(t.TempDir(), "none.so")), "not open")
	require.ErrorContains(t, attach("libc.so.6"), "OrtGetApiBase")
	require.True(t, Initialized())
}

func TestLentWeightsAreReadInPlace(t *testing.T) {
	library(t)
	for _, lend := range []bool{true, false} {
		model, tensor := table()
		w := weight(t, tensor, lend)
		s, err := NewSession(t.Context(), model.Encode(), []Weight{w}, tableConfig)
		require.NoError(t, err)
		defer s.Close()
		require.Equal(t, float32(7), row(t, s, 7))

		copy(w.Bytes[7*width*4:], floats(-1))
		want := float32(7)
		if lend {
			want = -1
		}
		require.Equal(t, want, row(t, s, 7), "lent: %v", lend)
	}
}

func TestNewSessionFails(t *testing.T) {
	library(t)
	model, tensor := table()
	graph := model.Encode()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	whole := weight(t, tensor, true)
	short, wrong, twice, cut := whole, whole, whole, whole
	cut.Name += "\x00x"
	short.Bytes = short.Bytes[:len(short.Bytes)-4]
	wrong.Shape = []int64{width, rows}
	wrong.Lend = false
	twice.Lend = false

	for _, c := range []struct {
		name    string
		graph   []byte
		weights []Weight
		config  Config
	}{
		{"no graph", nil, nil, tableConfig},
		{"not a graph", []byte("\xff\xff"), nil, tableConfig},
		{"a weight that is not supplied", graph, nil, tableConfig},
		{"not supplied, not optimised", graph, nil, Config{Inputs: tableConfig.Inputs, Outputs: tableConfig.Outputs}},
		{"a weight of another shape", graph, []Weight{wrong}, tableConfig},
		{"a weight that is too short", graph, []Weight{short}, tableConfig},
		{"a name that C would cut short to the weight's", graph, []Weight{cut}, tableConfig},
		{"an input that C would cut short", graph, []Weight{whole}, Config{Inputs: []string{tableConfig.Inputs[0] + "\x00"}, Outputs: tableConfig.Outputs}},
		{"a weight twice", graph, []Weight{twice, twice}, tableConfig},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := NewSession(t.Context(), c.graph, c.weights, c.config)
			require.Error(t, err)
			require.Nil(t, s)
			require.NotContains(t, err.Error(), "\n")
		})
	}

	_, err := NewSession(ended, graph, []Weight{whole}, tableConfig)
	require.ErrorIs(t, err, context.Canceled)
}

// The CPU build of the runtime has no CUDA: nothing runs on the CPU instead.
func TestNoCUDA(t *testing.T) {
	library(t)
	model, tensor := table()
	config := tableConfig
	config.CUDA = []Option{{"device_id", "0"}}
	s, err := NewSession(t.Context(), model.Encode(), []Weight{weight(t, tensor, false)}, config)
	require.ErrorIs(t, err, ErrNoCUDA)
	require.Nil(t, s)
}

func TestRunFails(t *testing.T) {
	library(t)
	model, tensor := table()
	s, err := NewSession(t.Context(), model.Encode(), []Weight{weight(t, tensor, true)}, tableConfig)
	require.NoError(t, err)
	defer s.Close()
	id := binary.LittleEndian.AppendUint64(nil, 3)
	beyond := binary.LittleEndian.AppendUint64(nil, rows)

	for _, c := range []struct {
		name string
		add  func(*Call)
	}{
		{"too few tensors", func(c *Call) { c.Add(formats.I64, []int64{1}, id) }},
		{"another dtype", func(c *Call) { c.Add(formats.F64, []int64{1}, id); c.AddAbsent() }},
		{"a dtype that the runtime does not know", func(c *Call) { c.Add(formats.F8E8M0, []int64{8}, id); c.AddAbsent() }},
		{"an id beyond the table", func(c *Call) { c.Add(formats.I64, []int64{1}, beyond); c.AddAbsent() }},
		{"an output of another shape", func(c *Call) {
			c.Add(formats.I64, []int64{1}, id)
			c.Add(formats.F32, []int64{2, width}, make([]byte, 2*width*4))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			call, err := s.Begin()
			require.NoError(t, err)
			defer call.End()
			c.add(call)
			require.Error(t, call.Run(t.Context()))
			_, _, _, err = call.Output(0)
			require.ErrorContains(t, err, "no value")
		})
	}
	require.Equal(t, float32(3), row(t, s, 3), "calls that failed are used again")
}

func TestRunOverTheCallersMemory(t *testing.T) {
	library(t)
	model, tensor := table()
	s, err := NewSession(t.Context(), model.Encode(), []Weight{weight(t, tensor, true)}, tableConfig)
	require.NoError(t, err)
	defer s.Close()
	out := make([]byte, 2*width*4)
	ids := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, 5), 6)
	c, err := s.Begin()
	require.NoError(t, err)
	c.Add(formats.I64, []int64{2}, ids)
	c.Add(formats.F32, []int64{2, width}, out)
	require.NoError(t, c.Run(t.Context()))
	c.End()
	require.Equal(t, floats(5), out[:4])
	require.Equal(t, floats(6), out[width*4:][:4])
}

// A sequence is no tensor.
func TestOutputThatIsNoTensor(t *testing.T) {
	library(t)
	model := onnxtest.Model{Graph: onnxtest.Graph{
		Nodes:   []onnxtest.Node{{Op: "SequenceConstruct", In: []string{"x"}, Out: []string{"y"}}},
		Inputs:  []onnxtest.Value{{Name: "x", Type: onnxtest.Float, Dims: []int64{1}}},
		Outputs: []onnxtest.Value{{Name: "y", Sequence: true, Type: onnxtest.Float, Dims: []int64{1}}},
	}}
	s, err := NewSession(t.Context(), model.Encode(), nil, Config{Inputs: []string{"x"}, Outputs: []string{"y"}})
	require.NoError(t, err)
	defer s.Close()
	c, err := s.Begin()
	require.NoError(t, err)
	defer c.End()
	c.Add(formats.F32, []int64{1}, floats(1))
	c.AddAbsent()
	require.NoError(t, c.Run(t.Context()))
	_, _, _, err = c.Output(0)
	require.Error(t, err)
}

// counter is a Loop of ever so many rounds.
func counter() onnxtest.Model {
	body := onnxtest.Graph{
		Nodes: []onnxtest.Node{
			{Op: "Identity", In: []string{"go_in"}, Out: []string{"go_out"}},
			{Op: "Add", In: []string{"v_in", "v_in"}, Out: []string{"v_out"}},
		},
		Inputs:  []onnxtest.Value{{Name: "i", Type: onnxtest.Int64}, {Name: "go_in", Type: onnxtest.Bool}, {Name: "v_in", Type: onnxtest.Float, Dims: []int64{1}}},
		Outputs: []onnxtest.Value{{Name: "go_out", Type: onnxtest.Bool}, {Name: "v_out", Type: onnxtest.Float, Dims: []int64{1}}},
	}
	return onnxtest.Model{Graph: onnxtest.Graph{
		Nodes: []onnxtest.Node{{Op: "Loop", In: []string{"n", "", "x"}, Out: []string{"y"},
			Attributes: []onnxtest.Attribute{{Name: "body", Graph: &body}}}},
		Inputs:  []onnxtest.Value{{Name: "n", Type: onnxtest.Int64}, {Name: "x", Type: onnxtest.Float, Dims: []int64{1}}},
		Outputs: []onnxtest.Value{{Name: "y", Type: onnxtest.Float, Dims: []int64{1}}},
	}}
}

func TestRunEndsWithItsContext(t *testing.T) {
	library(t)
	s, err := NewSession(t.Context(), counter().Encode(), nil, Config{Inputs: []string{"n", "x"}, Outputs: []string{"y"}})
	require.NoError(t, err)
	defer s.Close()
	run := func(ctx context.Context, rounds int64) error {
		c, err := s.Begin()
		require.NoError(t, err)
		defer c.End()
		c.Add(formats.I64, nil, binary.LittleEndian.AppendUint64(nil, uint64(rounds)))
		c.Add(formats.F32, []int64{1}, floats(1))
		c.AddAbsent()
		return c.Run(ctx)
	}
	for range 3 { // a call that was stopped is used again
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		require.ErrorIs(t, run(ctx, math.MaxInt64), context.DeadlineExceeded)
		cancel()
		require.NoError(t, run(t.Context(), 3))
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(20*time.Millisecond, func() { cancel(errors.New("enough")) })
	require.ErrorIs(t, run(ctx, math.MaxInt64), context.Canceled)
}

// A value of more bytes than any machine has.
func TestRunOutOfMemory(t *testing.T) {
	library(t)
	model := onnxtest.Model{Graph: onnxtest.Graph{
		Nodes:   []onnxtest.Node{{Op: "ConstantOfShape", In: []string{"n"}, Out: []string{"y"}}},
		Inputs:  []onnxtest.Value{{Name: "n", Type: onnxtest.Int64, Dims: []int64{1}}},
		Outputs: []onnxtest.Value{{Name: "y", Type: onnxtest.Float, Dims: []int64{-1}}},
	}}
	s, err := NewSession(t.Context(), model.Encode(), nil, Config{Inputs: []string{"n"}, Outputs: []string{"y"}})
	require.NoError(t, err)
	defer s.Close()
	run := func(n uint64) error {
		c, err := s.Begin()
		require.NoError(t, err)
		defer c.End()
		c.Add(formats.I64, []int64{1}, binary.LittleEndian.AppendUint64(nil, n))
		c.AddAbsent()
		return c.Run(t.Context())
	}
	require.ErrorIs(t, run(1<<50), ErrOutOfMemory)
	require.NotErrorIs(t, run(1<<63), ErrOutOfMemory, "a negative shape is another error")
	require.NoError(t, run(3), "the session goes on")
}

func TestShortages(t *testing.T) {
	const (
		arena = "/src/bfc_arena.cc:360 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) "
		call  = "/src/cuda_call.cc:129 std::conditional_t<THRW, void, Status> onnxruntime::CudaCall(ERRTYPE) [with ERRTYPE = int] "
		node  = "Non-zero status code returned while running Reshape node. Name:'%s' Status Message: "
		shape = "/src/reshape_helper.h:91 onnxruntime::ReshapeHelper::ReshapeHelper(bool) The input tensor cannot be reshaped"
	)
	at := func(name, status string) string { return fmt.Sprintf(node, name) + status }
	const bytes = "Failed to allocate memory for requested buffer of size 64"
	for _, c := range []struct {
		text string
		want bool
	}{
		{arena + bytes, true},
		{bytes, true},
		{"Exception during initialization: " + arena + "Available memory of 10 is smaller than requested bytes of 64", true},
		{"std::bad_alloc", true},
		{"Exception during initialization: std::bad_alloc", true},
		{call + "CUDA failure 2: out of memory ; GPU=0 ; hostname=h ; expr=cudaMalloc((void**)&p, size);", true},
		{call + "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0", true},
		{call + "CUBLAS failure 3: the resource allocation failed ; GPU=0", true},
		{call + "CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED ; GPU=0", true},
		{call + "CUDNN failure 4003: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED ; GPU=0", true},
		{call + "CUDNN failure 4004: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED ; GPU=0", true},
		{at("[a]", "std::bad_alloc"), true},
		{at("[a]", at("[b]", arena+bytes)), true},
		{at("Status Message: x", call+"CUDA failure 2: out of memory ; GPU=0"), true},

		{call + "CUDA failure 700: an illegal memory access was encountered", false},
		{call + "CUDNN failure 4001: CUDNN_STATUS_INTERNAL_ERROR_COMPILATION_FAILED ; GPU=0", false},
		{"indices element out of data bounds", false},
		{at("std::bad_alloc", shape), false},
		{at("' Status Message: std::bad_alloc", shape), false},
		{at("[a]", at(bytes, shape)), false},
		{"Could not find an implementation for Reshape(1) node with name 'std::bad_alloc'", false},
		{"Node (CUDA failure 2: out of memory ; ) Op (Reshape) [ShapeInferenceError]", false},
		{"/src/graph.cc:1 void f(int) the value (std::bad_alloc", false},
	} {
		err := failure(c.text)
		require.ErrorContains(t, err, formats.Quote(c.text))
		require.Equal(t, c.want, errors.Is(err, ErrOutOfMemory), c.text)
	}
}

// A model chooses the names of its nodes, and not what its errors are.
func TestNamesAreNoShortage(t *testing.T) {
	library(t)
	model := o.Standard(o.Input("x", 1, 2, 2), o.Input("shape", 7, 1), o.Output("y", 1),
		o.Node("Reshape", "x shape", "y", o.NodeName("std::bad_alloc")))
	s, err := NewSession(t.Context(), model, nil, Config{Inputs: []string{"x", "shape"}, Outputs: []string{"y"}})
	require.NoError(t, err)
	defer s.Close()
	c, err := s.Begin()
	require.NoError(t, err)
	defer c.End()
	c.Add(formats.F32, []int64{2, 2}, make([]byte, 16))
	c.Add(formats.I64, []int64{1}, binary.LittleEndian.AppendUint64(nil, 3))
	c.AddAbsent()
	err = c.Run(t.Context())
	require.ErrorContains(t, err, "std::bad_alloc")
	require.NotErrorIs(t, err, ErrOutOfMemory)
}
