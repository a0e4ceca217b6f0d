package npy

import (
	"bytes"
	"math"

	"github.com/weightgate/weightgate/formats"
)

// maxRank is how many dimensions NumPy and PyTorch can hold.
const maxRank = 64

// A header reads the text of a header, such as
//
//	{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
//
// followed by spaces and a newline.
type header struct {
	place
	text  []byte
	begin int // of text in the array
	pos   int // in text
}

func (h *header) fail(c formats.Code, pos int, detail string, args ...any) error {
	return h.place.fail(c, h.begin+pos, detail, args...)
}

// The keys of a header.
const (
	keyDescr = 1 << iota
	keyOrder
	keyShape
	allKeys = keyDescr | keyOrder | keyShape
)

func keyOf(key []byte) int {
	switch string(key) {
	case "descr":
		return keyDescr
	case "fortran_order":
		return keyOrder
	case "shape":
		return keyShape
	}
	return 0
}

// read reads the dictionary, and what fills the header up behind it.
func (h *header) read() (*Array, error) {
	var a Array
	seen, fortran := 0, false
	if err := h.expect('{'); err != nil {
		return nil, err
	}
	for !h.accept('}') {
		pos := h.pos
		name, err := h.str()
		if err != nil {
			return nil, err
		}
		key := keyOf(name)
		if key == 0 || seen&key != 0 {
			return nil, h.fail(CodeHeader, pos, "key %s, unknown or twice", quote(string(name)))
		}
		seen |= key
		if err := h.expect(':'); err != nil {
			return nil, err
		}
		switch key {
		case keyDescr:
			a.DType, err = h.descr()
		case keyOrder:
			fortran, err = h.boolean()
		case keyShape:
			a.Shape, err = h.shape()
		}
		if err != nil {
			return nil, err
		}
		if h.accept(',') {
			continue
		}
		if err := h.expect('}'); err != nil {
			return nil, err
		}
		break
	}
	switch fill := bytes.TrimLeft(h.text[h.pos:], " "); {
	case seen != allKeys:
		return nil, h.fail(CodeHeader, h.pos, "a key is missing")
	case string(fill) != "\n":
		return nil, h.fail(CodeHeader, len(h.text)-len(fill), "something else than spaces and a newline behind the dictionary")
	case fortran && orderMatters(a.Shape):
		return nil, h.fail(CodeFortran, 0, "the array %s is column-major", formats.ShapeString(a.Shape))
	}
	return &a, nil
}

// orderMatters reports whether an array of that shape lies otherwise by columns
// than by rows: it has elements, and more than one in two dimensions.
func orderMatters(shape []int64) bool {
	long := 0
	for _, dim := range shape {
		if dim == 0 {
			return false
		}
		if dim > 1 {
			long++
		}
	}
	return long > 1
}

func (h *header) skipSpace() {
	for h.pos < len(h.text) && h.text[h.pos] == ' ' {
		h.pos++
	}
}

// accept steps over spaces and, if it comes next, over the byte c.
func (h *header) accept(c byte) bool {
	h.skipSpace()
	if h.pos == len(h.text) || h.text[h.pos] != c {
		return false
	}
	h.pos++
	return true
}

func (h *header) expect(c byte) error {
	if h.accept(c) {
		return nil
	}
	if h.pos == len(h.text) {
		return h.fail(CodeHeader, h.pos, "the header ends where %q is expected", c)
	}
	return h.fail(CodeHeader, h.pos, "%+q where %q is expected", h.text[h.pos], c)
}

// str reads a string in quotes of either kind. None that a header needs has an
// escape.
func (h *header) str() ([]byte, error) {
	mark := byte('\'')
	if !h.accept(mark) {
		mark = '"'
		if !h.accept(mark) {
			return nil, h.fail(CodeHeader, h.pos, "no string where one is expected")
		}
	}
	rest := h.text[h.pos:]
	n := bytes.IndexByte(rest, mark)
	if n < 0 || bytes.IndexByte(rest[:n], '\\') >= 0 {
		return nil, h.fail(CodeHeader, h.pos, "a string without an end, or with an escape")
	}
	h.pos += n + 1
	return rest[:n], nil
}

func (h *header) boolean() (bool, error) {
	h.skipSpace()
	const yes, no = "True", "False"
	switch rest := h.text[h.pos:]; {
	case bytes.HasPrefix(rest, []byte(yes)):
		h.pos += len(yes)
		return true, nil
	case bytes.HasPrefix(rest, []byte(no)):
		h.pos += len(no)
		return false, nil
	}
	return false, h.fail(CodeHeader, h.pos, "neither True nor False")
}

// shape reads a tuple; that of one number has a comma behind it.
func (h *header) shape() ([]int64, error) {
	shape := []int64{}
	if err := h.expect('('); err != nil {
		return nil, err
	}
	for !h.accept(')') {
		if len(shape) == maxRank {
			return nil, h.fail(CodeLimit, h.pos, "more than %d dimensions", maxRank)
		}
		dim, err := h.integer()
		if err != nil {
			return nil, err
		}
		shape = append(shape, dim)
		if h.accept(',') {
			continue
		}
		if len(shape) == 1 {
			return nil, h.fail(CodeHeader, h.pos, "a number in brackets where a tuple is expected")
		}
		if err := h.expect(')'); err != nil {
			return nil, err
		}
		break
	}
	return shape, nil
}

// integer reads digits, as Python writes a number that is not negative.
func (h *header) integer() (int64, error) {
	h.skipSpace()
	start, v := h.pos, int64(0)
	for ; h.pos < len(h.text) && '0' <= h.text[h.pos] && h.text[h.pos] <= '9'; h.pos++ {
		digit := int64(h.text[h.pos] - '0')
		if v > (math.MaxInt64-digit)/10 {
			return 0, h.fail(CodeHeader, start, "a number beyond 63 bits")
		}
		v = v*10 + digit
	}
	switch {
	case h.pos == start:
		return 0, h.fail(CodeHeader, start, "no digits where a dimension is expected")
	case h.text[start] == '0' && h.pos > start+1:
		return 0, h.fail(CodeHeader, start, "a number with a leading zero")
	}
	return v, nil
}
