package gpu

import (
	"fmt"
	"reflect"
	"slices"
	"unsafe"

	"github.com/weightgate/weightgate/formats"
)

// A Tensor is dtype, shape and memory: row-major, without gaps, in the byte
// order of the machine. It does not own the memory that it was made over, and
// copying a Tensor does not copy it. The zero Tensor has no memory.
type Tensor struct {
	dtype formats.DType
	shape []int64
	data  []byte
}

// Element is what Go has a type for; see RawTensor for the rest.
type Element interface {
	~bool | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// NewTensor is a tensor over data. No shape is a scalar. It is an error if a
// dimension is negative, if the shape takes another number of elements than data
// has, or more than an int64 counts.
func NewTensor[T Element](data []T, shape ...int64) (Tensor, error) {
	size := len(data) * int(unsafe.Sizeof(*new(T)))
	return RawTensor(dtypeOf[T](), unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), size), shape...)
}

// RawTensor is a tensor over bytes of any dtype: for F16, BF16, F8 and their
// like. Its errors are NewTensor's, and a dtype that is none. Bytes that do not
// lie as the dtype's elements do on this machine make runs slower, or fail them.
func RawTensor(dtype formats.DType, data []byte, shape ...int64) (Tensor, error) {
	want, ok := formats.ByteLen(dtype, shape)
	if !ok {
		return Tensor{}, fmt.Errorf("gpu: no tensor of %s %s", dtype, formats.ShapeString(shape))
	}
	if int64(len(data)) != want {
		return Tensor{}, fmt.Errorf("gpu: %s %s takes %d bytes, not %d", dtype, formats.ShapeString(shape), want, len(data))
	}
	return Tensor{dtype: dtype, shape: slices.Clone(shape), data: data}, nil
}

// Data is the memory of t as elements, and no copy of it. It is an error if t
// has another dtype, lies at an address that T cannot, or is of bools and holds
// other bytes than 0 and 1.
func Data[T Element](t Tensor) ([]T, error) {
	if want := dtypeOf[T](); t.dtype != want {
		return nil, fmt.Errorf("gpu: a tensor of %s, not %s", t.dtype, want)
	}
	if t.dtype == formats.Bool && slices.ContainsFunc(t.data, func(b byte) bool { return b > 1 }) {
		return nil, fmt.Errorf("gpu: a byte that is no bool")
	}
	first := unsafe.Pointer(unsafe.SliceData(t.data))
	if uintptr(first)%unsafe.Alignof(*new(T)) != 0 {
		return nil, fmt.Errorf("gpu: a tensor of %s at an address that is not aligned", t.dtype)
	}
	return unsafe.Slice((*T)(first), len(t.data)/int(unsafe.Sizeof(*new(T)))), nil
}

// DType is the type of the elements, formats.UnknownDType for the zero Tensor.
func (t Tensor) DType() formats.DType { return t.dtype }

// Shape is a copy of the dimensions: none for a scalar.
func (t Tensor) Shape() []int64 { return slices.Clone(t.shape) }

// Bytes is the memory itself.
func (t Tensor) Bytes() []byte { return t.data }

// absent reports whether t is the zero Tensor.
func (t Tensor) absent() bool { return t.dtype == formats.UnknownDType }

func dtypeOf[T Element]() formats.DType {
	switch reflect.TypeFor[T]().Kind() {
	case reflect.Bool:
		return formats.Bool
	case reflect.Int8:
		return formats.I8
	case reflect.Int16:
		return formats.I16
	case reflect.Int32:
		return formats.I32
	case reflect.Int64:
		return formats.I64
	case reflect.Uint8:
		return formats.U8
	case reflect.Uint16:
		return formats.U16
	case reflect.Uint32:
		return formats.U32
	case reflect.Uint64:
		return formats.U64
	case reflect.Float32:
		return formats.F32
	default:
		return formats.F64
	}
}
