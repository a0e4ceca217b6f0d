package gpu_test

import (
	"fmt"
	"math"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/gpu"
)

func TestDevice(t *testing.T) {
	for d, want := range map[gpu.Device]string{
		0: "none", -7: "none", gpu.CPU: "cpu", gpu.CUDA(0): "cuda:0", gpu.CUDA(11): "cuda:11", gpu.CUDA(-1): "none",
		gpu.CUDA(math.MaxInt - 2): fmt.Sprint("cuda:", math.MaxInt-2),
	} {
		require.Equal(t, want, d.String())
	}
	for _, n := range []int{-1, math.MinInt, math.MaxInt - 1, math.MaxInt} {
		require.Zero(t, gpu.CUDA(n))
	}
}

// roundTrip makes a tensor over data and finds the same memory in it.
func roundTrip[T gpu.Element](t *testing.T, want formats.DType, data ...T) {
	t.Helper()
	tensor, err := gpu.NewTensor(data, int64(len(data)), 1)
	require.NoError(t, err)
	require.Equal(t, want, tensor.DType())
	require.Equal(t, []int64{int64(len(data)), 1}, tensor.Shape())
	require.Len(t, tensor.Bytes(), len(data)*int(unsafe.Sizeof(data[0])))

	back, err := gpu.Data[T](tensor)
	require.NoError(t, err)
	require.Equal(t, data, back)
	require.Same(t, unsafe.SliceData(data), unsafe.SliceData(back))
	require.Equal(t, unsafe.Pointer(unsafe.SliceData(data)), unsafe.Pointer(unsafe.SliceData(tensor.Bytes())))
}

type celsius float32

func TestNewTensorIsOverTheCallersMemory(t *testing.T) {
	roundTrip(t, formats.Bool, true, false, true)
	roundTrip(t, formats.I8, int8(-1), 2)
	roundTrip(t, formats.I16, int16(-1), 2)
	roundTrip(t, formats.I32, int32(-1), 2)
	roundTrip(t, formats.I64, int64(-1), 2)
	roundTrip(t, formats.U8, uint8(1), 2)
	roundTrip(t, formats.U16, uint16(1), 2)
	roundTrip(t, formats.U32, uint32(1), 2)
	roundTrip(t, formats.U64, uint64(1), 2)
	roundTrip(t, formats.F32, float32(1), 2)
	roundTrip(t, formats.F64, float64(1), 2)
	roundTrip(t, formats.F32, celsius(36.6))
}

func TestNewTensorShapes(t *testing.T) {
	for _, c := range []struct {
		name  string
		n     int
		shape []int64
		ok    bool
	}{
		{"scalar", 1, nil, true},
		{"nothing is no scalar", 0, nil, false},
		{"matrix", 6, []int64{2, 3}, true},
		{"empty", 0, []int64{0, 3}, true},
		{"empty, and not", 1, []int64{0, 3}, false},
		{"too few", 5, []int64{2, 3}, false},
		{"too many", 7, []int64{2, 3}, false},
		{"negative", 6, []int64{-2, -3}, false},
		{"beyond int64", 0, []int64{math.MaxInt64, math.MaxInt64}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			tensor, err := gpu.NewTensor(make([]float32, c.n), c.shape...)
			if !c.ok {
				require.Error(t, err)
				require.Zero(t, tensor)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.shape, tensor.Shape())
			data, err := gpu.Data[float32](tensor)
			require.NoError(t, err)
			require.Len(t, data, c.n)
		})
	}
}

func TestTensorKeepsItsShape(t *testing.T) {
	shape := []int64{2}
	tensor, err := gpu.NewTensor([]float32{1, 2}, shape...)
	require.NoError(t, err)
	shape[0] = 1 << 40
	tensor.Shape()[0] = 1 << 40
	require.Equal(t, []int64{2}, tensor.Shape())
}

func TestRawTensor(t *testing.T) {
	half, err := gpu.RawTensor(formats.F16, []byte{0, 0x3c, 0, 0x40}, 2)
	require.NoError(t, err)
	require.Equal(t, formats.F16, half.DType())
	require.Equal(t, []byte{0, 0x3c, 0, 0x40}, half.Bytes())

	nibbles, err := gpu.RawTensor(formats.I4, []byte{0x21}, 2)
	require.NoError(t, err)
	require.Equal(t, []int64{2}, nibbles.Shape())

	_, err = gpu.RawTensor(formats.F16, []byte{0, 0x3c, 0}, 2)
	require.Error(t, err)
	_, err = gpu.RawTensor(formats.UnknownDType, nil, 0)
	require.Error(t, err)
}

func TestDataRefuses(t *testing.T) {
	memory := make([]uint64, 2)
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&memory[0])), 16)
	astray, err := gpu.RawTensor(formats.F32, bytes[1:5], 1)
	require.NoError(t, err)
	_, err = gpu.Data[float32](astray)
	require.ErrorContains(t, err, "not aligned")

	floats, err := gpu.RawTensor(formats.F32, bytes[:4], 1)
	require.NoError(t, err)
	_, err = gpu.Data[int32](floats)
	require.ErrorContains(t, err, "F32, not I32")
	_, err = gpu.Data[float32](gpu.Tensor{})
	require.ErrorContains(t, err, "UNKNOWN")

	maybe, err := gpu.RawTensor(formats.Bool, []byte{0, 1, 2}, 3)
	require.NoError(t, err)
	_, err = gpu.Data[bool](maybe)
	require.ErrorContains(t, err, "no bool")
}
