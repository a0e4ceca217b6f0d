package grammar

// The element types that torch keeps storages of.
const (
	F64 DType = iota + 1
	F32
	F16
	BF16
	I64
	I32
	I16
	I8
	U64
	U32
	U16
	U8
	Bool
	C64
	F8E4M3FN
	F8E4M3FNUZ
	F8E5M2
	F8E5M2FNUZ
	F8E8M0FNU
	F4E2M1FNx2 // two elements to the byte, counted as one

	// Storages that safetensors has no type for.
	C128
	QInt8
	QUInt8
	QInt32
	QUInt4x2
	QUInt2x4
	endDType
)

// dtypes are the names of torch, the size of an element, and the class of
// typed storages. Types without a class lie in untyped storages, and torch
// names them where it builds the tensor.
var dtypes = [endDType]struct {
	name    string
	size    int
	storage string
}{
	F64:        {"float64", 8, "DoubleStorage"},
	F32:        {"float32", 4, "FloatStorage"},
	F16:        {"float16", 2, "HalfStorage"},
	BF16:       {"bfloat16", 2, "BFloat16Storage"},
	I64:        {"int64", 8, "LongStorage"},
	I32:        {"int32", 4, "IntStorage"},
	I16:        {"int16", 2, "ShortStorage"},
	I8:         {"int8", 1, "CharStorage"},
	U64:        {"uint64", 8, ""},
	U32:        {"uint32", 4, ""},
	U16:        {"uint16", 2, ""},
	U8:         {"uint8", 1, "ByteStorage"},
	Bool:       {"bool", 1, "BoolStorage"},
	C64:        {"complex64", 8, "ComplexFloatStorage"},
	F8E4M3FN:   {"float8_e4m3fn", 1, ""},
	F8E4M3FNUZ: {"float8_e4m3fnuz", 1, ""},
	F8E5M2:     {"float8_e5m2", 1, ""},
	F8E5M2FNUZ: {"float8_e5m2fnuz", 1, ""},
	F8E8M0FNU:  {"float8_e8m0fnu", 1, ""},
	F4E2M1FNx2: {"float4_e2m1fn_x2", 1, ""},
	C128:       {"complex128", 16, "ComplexDoubleStorage"},
	QInt8:      {"qint8", 1, "QInt8Storage"},
	QUInt8:     {"quint8", 1, "QUInt8Storage"},
	QInt32:     {"qint32", 4, "QInt32Storage"},
	QUInt4x2:   {"quint4x2", 1, "QUInt4x2Storage"},
	QUInt2x4:   {"quint2x4", 1, "QUInt2x4Storage"},
}

// Size is the bytes of one element, 0 for a DType that is none.
func (d DType) Size() int {
	if d >= endDType {
		return 0
	}
	return dtypes[d].size
}

// String is torch's name, empty for a DType that is none.
func (d DType) String() string {
	if d >= endDType {
		return ""
	}
	return dtypes[d].name
}

// stored reports whether safetensors has the type.
func (d DType) stored() bool { return F64 <= d && d <= F4E2M1FNx2 }

// dtypeOf is the type that torch names so.
func dtypeOf(name string) (DType, bool) {
	for d := F64; d < endDType; d++ {
		if dtypes[d].name == name {
			return d, true
		}
	}
	return 0, false
}

// untypedStorage is the class of storages that do not say what they hold.
const untypedStorage = "UntypedStorage"

// storageClass is the type of the elements of a class of storages. Those of an
// untyped one are bytes.
func storageClass(module, name string) (DType, bool) {
	switch module {
	case "torch.storage":
		return U8, name == untypedStorage
	case "torch", "torch.cuda":
		for d := F64; d < endDType; d++ {
			if dtypes[d].storage == name && name != "" {
				return d, true
			}
		}
	}
	return 0, false
}
