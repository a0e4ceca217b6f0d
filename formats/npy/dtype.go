package npy

import (
	"bytes"
	"strings"

	"github.com/weightgate/weightgate/formats"
)

// dtypeOf is the dtype of a kind and size as NumPy's array protocol names them.
func dtypeOf(kind string) formats.DType {
	switch kind {
	case "b1":
		return formats.Bool
	case "i1":
		return formats.I8
	case "i2":
		return formats.I16
	case "i4":
		return formats.I32
	case "i8":
		return formats.I64
	case "u1":
		return formats.U8
	case "u2":
		return formats.U16
	case "u4":
		return formats.U32
	case "u8":
		return formats.U64
	case "f2":
		return formats.F16
	case "f4":
		return formats.F32
	case "f8":
		return formats.F64
	case "c8":
		return formats.C64
	case "c16":
		return formats.C128
	}
	return formats.UnknownDType
}

// descr reads an element type: a byte order, a kind and a size in bytes.
func (h *header) descr() (formats.DType, error) {
	h.skipSpace()
	pos := h.pos
	if pos < len(h.text) && (h.text[pos] == '[' || h.text[pos] == '(') {
		if holdsObjects(h.text[pos:]) {
			return 0, h.fail(CodeObject, pos, "records with Python objects in them")
		}
		return 0, h.fail(CodeDType, pos, "records instead of numbers")
	}
	descr, err := h.str()
	if err != nil {
		return 0, err
	}
	order, kind := byte(0), string(descr)
	if kind != "" && strings.IndexByte("<>|=", kind[0]) >= 0 {
		order, kind = kind[0], kind[1:]
	}
	d := dtypeOf(kind)
	switch {
	case strings.HasPrefix(kind, "O"):
		return 0, h.fail(CodeObject, pos, "Python objects instead of numbers")
	case d == formats.UnknownDType || order == 0:
		return 0, h.fail(CodeDType, pos, "no element type %s", quote(string(descr)))
	case d.Bits() == 8:
		return d, nil // a single byte has no order
	case order == '|':
		return 0, h.fail(CodeDType, pos, "element type %s without a byte order", quote(string(descr)))
	case order != '<':
		return 0, h.fail(CodeByteOrder, pos, "element type %s is not little-endian", quote(string(descr)))
	}
	return d, nil
}

// holdsObjects reports whether an element type occurs in text that stands for
// Python objects.
func holdsObjects(text []byte) bool {
	for _, object := range []string{"'|O", "'O", `"|O`, `"O`} {
		if bytes.Contains(text, []byte(object)) {
			return true
		}
	}
	return false
}
