package formats

import (
	"fmt"
	"math"
	"math/bits"
)

// TensorID names a tensor: two files of a model may hold the same name.
type TensorID struct {
	File string `json:"file"`
	Name string `json:"name"`
}

func (id TensorID) String() string { return id.File + ":" + id.Name }

// A Tensor is a place, not bytes.
type Tensor struct {
	ID    TensorID
	DType DType
	Shape []int64 // none for a scalar

	// Place is where its bytes lie: little-endian, row-major, without gaps.
	// It is the zero Range if Inline.
	Place Range

	// Inline is set for values that the file holds in another form, as ONNX's
	// typed data: they have no place, and reach a runtime with the graph.
	Inline bool
}

// ByteLen is the number of bytes that a tensor of this dtype and shape takes:
// the product of its dimensions times the dtype's bits, in whole bytes. It is
// false for an unknown dtype, a negative dimension, a length beyond int64, and
// bits that do not fill the last byte.
func ByteLen(d DType, shape []int64) (int64, bool) {
	n := uint64(d.Bits())
	if n == 0 {
		return 0, false
	}
	zero := false
	for _, dim := range shape {
		if dim < 0 {
			return 0, false
		}
		if dim == 0 {
			zero = true // the others must still be sane: 0 × anything is 0
			continue
		}
		hi, lo := bits.Mul64(n, uint64(dim))
		if hi != 0 {
			return 0, false
		}
		n = lo
	}
	if zero {
		return 0, true
	}
	if n%8 != 0 || n/8 > math.MaxInt64 {
		return 0, false
	}
	return int64(n / 8), true
}

// ShapeString is the shape as people write it: [2, 3], or [] for a scalar.
func ShapeString(shape []int64) string {
	s := "["
	for i, d := range shape {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprint(d)
	}
	return s + "]"
}
