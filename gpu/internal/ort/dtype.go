//go:build cgo && linux

package ort

import "github.com/weightgate/weightgate/formats"

// elements has the runtime's number (ONNXTensorElementDataType) of each dtype
// that it knows; 0 is undefined. Strings, number 8, are not tensors to us.
var elements = [...]uint32{
	formats.F32:        1,
	formats.U8:         2,
	formats.I8:         3,
	formats.U16:        4,
	formats.I16:        5,
	formats.I32:        6,
	formats.I64:        7,
	formats.Bool:       9,
	formats.F16:        10,
	formats.F64:        11,
	formats.U32:        12,
	formats.U64:        13,
	formats.C64:        14,
	formats.C128:       15,
	formats.BF16:       16,
	formats.F8E4M3:     17,
	formats.F8E4M3FNUZ: 18,
	formats.F8E5M2:     19,
	formats.F8E5M2FNUZ: 20,
	formats.U4:         21,
	formats.I4:         22,
	formats.F4:         23,
	formats.U2:         24,
	formats.I2:         25,
}

func element(d formats.DType) uint32 {
	if int(d) >= len(elements) {
		return 0
	}
	return elements[d]
}

func dtype(e uint32) formats.DType {
	for d, known := range elements {
		if e != 0 && known == e {
			return formats.DType(d)
		}
	}
	return formats.UnknownDType
}
