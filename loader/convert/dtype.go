package convert

import "github.com/weightgate/weightgate/formats"

// unit is how many bytes of an element change places when its byte order does.
func unit(d formats.DType) int {
	if d == formats.C64 {
		return 4 // two F32
	}
	return max(d.Bits()/8, 1)
}

// isFloat reports whether d has a sign bit in front of each unit.
func isFloat(d formats.DType) bool {
	switch d {
	case formats.F64, formats.F32, formats.F16, formats.BF16, formats.C64:
		return true
	}
	return false
}
