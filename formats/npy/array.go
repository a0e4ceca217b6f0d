package npy

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/weightgate/weightgate/formats"
)

// What an array begins with: the magic string, the version in two bytes, and the
// length of the header in two bytes, or from version 2.0 on in four.
const (
	magic     = "\x93NUMPY"
	preamble  = len(magic) + 2
	prefix    = preamble + 2
	prefix2   = preamble + 4
	alignment = 16 // of the data; since NumPy 1.14 it is 64
)

// maxHeader is how long a header may be in bytes. With the longest shape of
// numbers it has less than 2 KiB; NumPy itself stops at 10,000.
const maxHeader = 1 << 14

// An Array is what an npy file says of its data.
type Array struct {
	DType formats.DType
	Shape []int64 // none for a scalar

	// Offset is where the data begins, in bytes from the magic string; it goes
	// on to the end of the file.
	Offset int64
}

func (a *Array) tensor(id formats.TensorID, begin int64) formats.Tensor {
	n, _ := formats.ByteLen(a.DType, a.Shape)
	return formats.Tensor{
		ID: id, DType: a.DType, Shape: a.Shape,
		Place: formats.Range{File: id.File, Offset: begin + a.Offset, Length: n},
	}
}

// Read reads the header of in and checks it against the size of in; it reads no
// data. What is wrong with the file is a *formats.SyntaxError with one of this
// package's codes; other errors are failed reads and ctx's.
//
// Of lim it keeps MaxHeader. No header has more than 16,384 bytes and no shape
// more than 64 dimensions.
func Read(ctx context.Context, in formats.Input, lim formats.Limits) (*Array, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b := make([]byte, min(in.Size(), int64(prefix2)+maxHeader))
	if err := formats.ReadFull(in, b, 0); err != nil {
		return nil, err
	}
	return parse(b, in.Size(), lim, place{file: in.Name()})
}

// A place is where in a model an array begins: faults are told by it.
type place struct {
	file   string
	member string // of an archive, else empty
	offset int64  // of the array, or of the deflated data that holds it
	packed bool   // it is deflated: nothing in it has an offset of its own
}

func (p place) fail(c formats.Code, pos int, detail string, args ...any) error {
	format, offset := Name, p.offset
	if p.member != "" {
		format, detail = ArchiveName, quote(p.member)+": "+detail
	}
	if !p.packed {
		offset += int64(pos)
	}
	return codes.Syntax(format, c, p.file, offset, "%s", fmt.Sprintf(detail, args...))
}

// parse reads the header at the beginning of b, which are the first bytes of an
// array of that size: all of them, or enough to hold any header.
func parse(b []byte, size int64, lim formats.Limits, at place) (*Array, error) {
	text, begin, err := headerText(b, lim, at)
	if err != nil {
		return nil, err
	}
	h := header{text: text, begin: begin, place: at}
	a, err := h.read()
	if err != nil {
		return nil, err
	}
	a.Offset = int64(begin + len(text))
	n, ok := formats.ByteLen(a.DType, a.Shape)
	if !ok || n != size-a.Offset {
		return nil, at.fail(CodeLength, int(a.Offset), "%s %s in %d bytes", a.DType, formats.ShapeString(a.Shape), size-a.Offset)
	}
	return a, nil
}

// headerText is the text of the header in b, and where it begins.
func headerText(b []byte, lim formats.Limits, at place) (text []byte, begin int, err error) {
	if len(b) < preamble || string(b[:len(magic)]) != magic {
		return nil, 0, at.fail(CodeHeader, 0, "no magic string and version")
	}
	begin = prefix2
	switch version := [2]byte(b[len(magic):]); version {
	case [2]byte{1, 0}:
		begin = prefix
	case [2]byte{2, 0}, [2]byte{3, 0}:
	default:
		return nil, 0, at.fail(CodeHeader, len(magic), "version %d.%d", version[0], version[1])
	}
	if len(b) < begin {
		return nil, 0, at.fail(CodeHeader, preamble, "the file ends within the length of its header")
	}
	length := uint64(binary.LittleEndian.Uint16(b[preamble:]))
	if begin == prefix2 {
		length = uint64(binary.LittleEndian.Uint32(b[preamble:]))
	}
	switch {
	case length > maxHeader || length > uint64(lim.WithDefaults().MaxHeader):
		return nil, 0, at.fail(CodeLimit, preamble, "a header of %d bytes", length)
	case length > uint64(len(b)-begin):
		return nil, 0, at.fail(CodeHeader, preamble, "a header of %d bytes where the file has %d", length, len(b)-begin)
	case (begin+int(length))%alignment != 0:
		return nil, 0, at.fail(CodeHeader, preamble, "a header that ends at %d, which is no multiple of %d", begin+int(length), alignment)
	}
	return b[begin : begin+int(length)], begin, nil
}

// quote is a name as an error may show it: escaped, and not at any length.
func quote(name string) string {
	const enough = 128
	if len(name) > enough {
		return formats.Quote(name[:enough]) + "..."
	}
	return formats.Quote(name)
}
