package formats

import "fmt"

// DType is the type of a tensor's elements: the union of what safetensors and
// ONNX know. The zero DType is unknown.
type DType uint8

// The element types, named as safetensors names them; the 2- and 4-bit
// integers are ONNX's alone.
const (
	UnknownDType DType = iota
	Bool
	U2
	I2
	U4
	I4
	F4
	F6E2M3
	F6E3M2
	U8
	I8
	F8E5M2
	F8E4M3
	F8E8M0
	F8E4M3FNUZ
	F8E5M2FNUZ
	I16
	U16
	F16
	BF16
	I32
	U32
	F32
	C64
	F64
	I64
	U64
	C128
	endDType
)

var dtypes = [endDType]struct {
	name string
	bits int
}{
	UnknownDType: {"UNKNOWN", 0},
	Bool:         {"BOOL", 8},
	U2:           {"U2", 2},
	I2:           {"I2", 2},
	U4:           {"U4", 4},
	I4:           {"I4", 4},
	F4:           {"F4", 4},
	F6E2M3:       {"F6_E2M3", 6},
	F6E3M2:       {"F6_E3M2", 6},
	U8:           {"U8", 8},
	I8:           {"I8", 8},
	F8E5M2:       {"F8_E5M2", 8},
	F8E4M3:       {"F8_E4M3", 8},
	F8E8M0:       {"F8_E8M0", 8},
	F8E4M3FNUZ:   {"F8_E4M3FNUZ", 8},
	F8E5M2FNUZ:   {"F8_E5M2FNUZ", 8},
	I16:          {"I16", 16},
	U16:          {"U16", 16},
	F16:          {"F16", 16},
	BF16:         {"BF16", 16},
	I32:          {"I32", 32},
	U32:          {"U32", 32},
	F32:          {"F32", 32},
	C64:          {"C64", 64},
	F64:          {"F64", 64},
	I64:          {"I64", 64},
	U64:          {"U64", 64},
	C128:         {"C128", 128},
}

// Bits is the size of one element, 0 for an unknown dtype.
func (d DType) Bits() int {
	if d >= endDType {
		return 0
	}
	return dtypes[d].bits
}

// String is the name of the dtype, in safetensors' spelling where it has one.
func (d DType) String() string {
	if d >= endDType {
		return dtypes[UnknownDType].name
	}
	return dtypes[d].name
}

// MarshalText writes the name.
func (d DType) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *DType) UnmarshalText(b []byte) error {
	v, ok := ParseDType(string(b))
	if !ok {
		return fmt.Errorf("formats: no dtype %q", b)
	}
	*d = v
	return nil
}

// ParseDType is the dtype of that name; it is false for a name that is none.
func ParseDType(name string) (DType, bool) {
	for d := UnknownDType + 1; d < endDType; d++ {
		if dtypes[d].name == name {
			return d, true
		}
	}
	return UnknownDType, false
}
