package onnx

import (
	"math"

	"github.com/weightgate/weightgate/formats"
)

// dataType is TensorProto.DataType.
type dataType int32

const (
	int32Type  dataType = 6
	int64Type  dataType = 7
	stringType dataType = 8
	boolType   dataType = 9
)

// dataTypes says of each TensorProto.DataType what it is, which typed field may
// hold it instead of raw_data, and which values of that field fit it. Types of
// less than a byte lie in int32_data byte by byte, as in raw_data.
var dataTypes = [...]struct {
	dtype    formats.DType
	field    string
	min, max int64
}{
	1:  {dtype: formats.F32, field: "float_data"},
	2:  {formats.U8, "int32_data", 0, math.MaxUint8},
	3:  {formats.I8, "int32_data", math.MinInt8, math.MaxInt8},
	4:  {formats.U16, "int32_data", 0, math.MaxUint16},
	5:  {formats.I16, "int32_data", math.MinInt16, math.MaxInt16},
	6:  {formats.I32, "int32_data", math.MinInt32, math.MaxInt32},
	7:  {formats.I64, "int64_data", math.MinInt64, math.MaxInt64},
	8:  {field: "string_data"},
	9:  {formats.Bool, "int32_data", 0, 1},
	10: {formats.F16, "int32_data", 0, math.MaxUint16},
	11: {dtype: formats.F64, field: "double_data"},
	12: {formats.U32, "uint64_data", 0, math.MaxUint32},
	13: {formats.U64, "uint64_data", math.MinInt64, math.MaxInt64},
	14: {dtype: formats.C64, field: "float_data"},
	15: {dtype: formats.C128, field: "double_data"},
	16: {formats.BF16, "int32_data", 0, math.MaxUint16},
	17: {formats.F8E4M3, "int32_data", 0, math.MaxUint8},
	18: {formats.F8E4M3FNUZ, "int32_data", 0, math.MaxUint8},
	19: {formats.F8E5M2, "int32_data", 0, math.MaxUint8},
	20: {formats.F8E5M2FNUZ, "int32_data", 0, math.MaxUint8},
	21: {formats.U4, "int32_data", 0, math.MaxUint8},
	22: {formats.I4, "int32_data", 0, math.MaxUint8},
	23: {formats.F4, "int32_data", 0, math.MaxUint8},
	24: {formats.F8E8M0, "int32_data", 0, math.MaxUint8},
	25: {formats.U2, "int32_data", 0, math.MaxUint8},
	26: {formats.I2, "int32_data", 0, math.MaxUint8},
	27: {dtype: formats.F6E2M3}, // raw_data only: typed, each value takes an entry of its own
	28: {dtype: formats.F6E3M2},
}

func (t dataType) known() bool { return t > 0 && int(t) < len(dataTypes) }

// dtype is UnknownDType for strings, which have no size.
func (t dataType) dtype() formats.DType {
	if !t.known() {
		return formats.UnknownDType
	}
	return dataTypes[t].dtype
}

// integral reports whether the values are integers or booleans.
func (t dataType) integral() bool {
	switch t.dtype() {
	case formats.Bool, formats.I2, formats.I4, formats.I8, formats.I16, formats.I32, formats.I64,
		formats.U2, formats.U4, formats.U8, formats.U16, formats.U32, formats.U64:
		return true
	}
	return false
}

// A tensor is a TensorProto. Its values are text, or size bytes that either are
// kept in data or lie, little-endian and without gaps, at place.
type tensor struct {
	at       int64 // offset of the message
	name     string
	dims     []int64
	dataType dataType

	size     int64 // in bytes, of values that are not text
	data     []byte
	place    formats.Range
	text     [][]byte
	external map[string]string

	typed bool // the file holds the values in a typed field whose bytes are no place
}

// elements is the product of the dimensions. It is false for negative ones and
// for products out of all proportion.
func elements(dims []int64) (int64, bool) { return formats.ByteLen(formats.U8, dims) }

// byteLen is the number of bytes of raw_data: sub-byte types fill up the last one.
func byteLen(t dataType, dims []int64) (int64, bool) {
	n, ok := elements(dims)
	bits := int64(t.dtype().Bits())
	if !ok || bits == 0 || n > (math.MaxInt64-7)/bits {
		return 0, false
	}
	return (n*bits + 7) / 8, true
}

// placed reports whether the values are a weight that lies somewhere: large,
// and whole bytes as a formats.Tensor has them.
func (t *tensor) placed() bool {
	n, ok := formats.ByteLen(t.dataType.dtype(), t.dims)
	return ok && n == t.size && n >= Threshold && t.data == nil && t.place.File != ""
}

// maxRank is how many dimensions a tensor may have. NumPy, which most tensors
// went through, allows as many.
const maxRank = 64

// A sparseTensor is a SparseTensorProto.
type sparseTensor struct {
	at              int64
	values, indices *tensor
	dims            []int64
}

func (s *sparseTensor) String() string { return "a sparse tensor" }

// String names a tensor for people.
func (t *tensor) String() string { return "the tensor " + quote(t.name) }
