package torch

import (
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/torch/grammar"
)

// DType is the dtype that a safetensors file has for d; it is false if there is
// none. One element of grammar.F4E2M1FNx2 is two of formats.F4, beside each
// other in the last dimension.
func DType(d grammar.DType) (formats.DType, bool) {
	to := formats.UnknownDType
	switch d {
	case grammar.F64:
		to = formats.F64
	case grammar.F32:
		to = formats.F32
	case grammar.F16:
		to = formats.F16
	case grammar.BF16:
		to = formats.BF16
	case grammar.I64:
		to = formats.I64
	case grammar.I32:
		to = formats.I32
	case grammar.I16:
		to = formats.I16
	case grammar.I8:
		to = formats.I8
	case grammar.U64:
		to = formats.U64
	case grammar.U32:
		to = formats.U32
	case grammar.U16:
		to = formats.U16
	case grammar.U8:
		to = formats.U8
	case grammar.Bool:
		to = formats.Bool
	case grammar.C64:
		to = formats.C64
	case grammar.F8E4M3FN:
		to = formats.F8E4M3
	case grammar.F8E4M3FNUZ:
		to = formats.F8E4M3FNUZ
	case grammar.F8E5M2:
		to = formats.F8E5M2
	case grammar.F8E5M2FNUZ:
		to = formats.F8E5M2FNUZ
	case grammar.F8E8M0FNU:
		to = formats.F8E8M0
	case grammar.F4E2M1FNx2:
		to = formats.F4
	}
	return to, to != formats.UnknownDType
}
