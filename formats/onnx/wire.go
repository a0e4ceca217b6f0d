package onnx

import (
	"bytes"
	"context"
	"encoding/binary"
	"iter"
	"math"
	"unicode/utf8"

	"github.com/weightgate/weightgate/formats"
)

// windowSize is how many bytes of the file are held at a time.
const windowSize = 64 << 10

// A wire is a cursor over protobuf bytes, stricter than the runtimes' parsers:
// what two of them could read in two ways is an error. Bytes that nobody keeps
// are passed over unread.
//
// Its errors stick: after the first, every reading method answers zero and
// every loop ends, so that callers look at err once, at their end.
type wire struct {
	*faults
	in  formats.Input
	lim formats.Limits

	window [windowSize]byte
	at     int64 // offset of the window in the file
	filled int   // bytes in the window
	pos    int64 // offset of the cursor in the file

	shallow bool  // pass over what a caller does not read, instead of checking it
	depth   int   // of messages
	room    int64 // bytes that callers may still keep
}

func newWire(ctx context.Context, in formats.Input, lim formats.Limits) *wire {
	lim = lim.WithDefaults()
	return &wire{faults: &faults{ctx: ctx, file: in.Name()}, in: in, lim: lim, room: room(in.Size(), lim.MaxHeader)}
}

// A field is one field on the wire. Exactly one of value and [from, end) counts.
type field struct {
	*fieldType
	at        int64  // offset of its tag
	packed    bool   // a repeated scalar as one run of bytes
	value     uint64 // of a scalar
	from, end int64  // the body of what has a length
}

// wireType of the protobuf encoding, the low three bits of a tag.
type wireType uint64

const (
	varintType  wireType = 0
	fixed64Type wireType = 1
	bytesType   wireType = 2
	fixed32Type wireType = 5
)

func (k kind) wireType() wireType {
	switch k {
	case stringKind, bytesKind, messageKind:
		return bytesType
	case floatKind:
		return fixed32Type
	case doubleKind:
		return fixed64Type
	}
	return varintType
}

// message yields the fields of a message that begins at the cursor and ends at
// end. Each is known, of its wire type, and, unless repeated, there once. What
// the loop's body does not read is checked all the same.
func (w *wire) message(m *message, end int64) iter.Seq[field] {
	return func(yield func(field) bool) {
		// TypeProto nests without graphs, and a graph is three messages deep.
		if w.depth >= 4*w.lim.MaxNesting {
			w.fail(CodeNesting, w.pos, "messages nest more than %d deep", w.depth)
		}
		w.depth++
		defer func() { w.depth-- }()
		var seen uint64
		for w.err == nil && w.pos < end {
			f := w.field(m, end, &seen)
			if w.err != nil || !yield(f) {
				return
			}
			if f.end > f.from && w.pos == f.from {
				w.pass(f)
			}
		}
	}
}

// field reads one field up to its body.
func (w *wire) field(m *message, end int64, seen *uint64) field {
	f := field{at: w.pos}
	tag := w.varint(end)
	if w.err != nil {
		return field{}
	}
	number, wt := tag>>3, wireType(tag&7)
	if number == 0 || number > 1<<29-1 {
		w.fail(CodeWire, f.at, "field number %d of %s", number, m.name)
		return field{}
	}
	known, ok := m.byNumber(number)
	if !ok {
		w.fail(CodeUnknownField, f.at, "%s has no field %d", m.name, number)
		return field{}
	}
	f.fieldType = known
	f.packed = known.repeated && wt == bytesType && known.kind.wireType() != bytesType
	if wt != known.kind.wireType() && !f.packed {
		w.fail(CodeWire, f.at, "%s.%s has wire type %d", m.name, known.name, wt)
		return field{}
	}
	bit := uint64(1) << number
	if known.oneof {
		bit = 1 // field 0, which nobody has
	}
	if !known.repeated && *seen&bit != 0 {
		w.fail(CodeDuplicateField, f.at, "%s.%s occurs twice", m.name, known.name)
		return field{}
	}
	*seen |= bit
	switch wt {
	case varintType:
		f.value = w.scalar(known.kind, end)
	case fixed32Type:
		f.value = uint64(w.fixed32(end))
	case fixed64Type:
		f.value = w.fixed64(end)
	case bytesType:
		n := w.varint(end)
		if n > uint64(end-w.pos) {
			w.fail(CodeWire, f.at, "%s.%s has %d bytes where %d are left", m.name, known.name, n, end-w.pos)
			return field{}
		}
		f.from, f.end = w.pos, w.pos+int64(n)
	}
	return f
}

// pass goes over the body of a field that nobody read.
func (w *wire) pass(f field) {
	switch {
	case w.shallow || f.kind == bytesKind:
		w.pos = f.end
	case f.packed:
		for range w.packed(f) {
		}
	case f.kind == stringKind:
		w.passString(f)
	case f.kind == messageKind:
		for range w.message(schema[f.of], f.end) {
		}
	}
}

// passString checks UTF-8 window by window.
func (w *wire) passString(f field) {
	for w.err == nil && w.pos < f.end {
		b := w.peek(min(f.end-w.pos, windowSize))
		if w.err != nil {
			return
		}
		n := len(b)
		if w.pos+int64(n) < f.end {
			for n > len(b)-utf8.UTFMax && !utf8.RuneStart(b[n-1]) {
				n--
			}
			n-- // the rune that begins here may end in the next window
		}
		if !utf8.Valid(b[:n]) {
			w.fail(CodeWire, f.at, "%s is not UTF-8", f.name)
		}
		w.pos += int64(n)
	}
}

// packed yields the values of a repeated scalar, packed or not.
func (w *wire) packed(f field) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		if !f.packed {
			yield(f.value)
			return
		}
		for w.err == nil && w.pos < f.end {
			var v uint64
			switch f.kind.wireType() {
			case fixed32Type:
				v = uint64(w.fixed32(f.end))
			case fixed64Type:
				v = w.fixed64(f.end)
			default:
				v = w.scalar(f.kind, f.end)
			}
			if w.err != nil || !yield(v) {
				return
			}
		}
	}
}

// string reads a string to keep. None holds NUL, where it would end for readers
// in C: two names could be one to them.
func (w *wire) string(f field) string {
	b := w.bytes(f)
	switch {
	case !utf8.Valid(b):
		w.fail(CodeWire, f.at, "%s is not UTF-8", f.name)
		return ""
	case bytes.IndexByte(b, 0) >= 0:
		w.fail(CodeWire, f.at, "%s %s holds NUL", f.name, quote(string(b)))
		return ""
	}
	return string(b)
}

// bytes reads bytes to keep.
func (w *wire) bytes(f field) []byte {
	if !w.keep(f.end - f.from) {
		return nil
	}
	b := make([]byte, 0, f.end-f.from)
	for w.err == nil && w.pos < f.end {
		part := w.peek(min(f.end-w.pos, windowSize))
		b = append(b, part...)
		w.pos += int64(len(part))
	}
	return b
}

// int64s appends the values of a repeated int64.
func (w *wire) int64s(list []int64, f field) []int64 {
	for v := range w.packed(f) {
		if !w.keep(10) { // append leaves room
			return nil
		}
		list = append(list, int64(v))
	}
	return list
}

// scalar reads a varint in the range of its kind.
func (w *wire) scalar(k kind, end int64) uint64 {
	at := w.pos
	v := w.varint(end)
	if k == int32Kind && int64(v) != int64(int32(v)) || k == enumKind && v > math.MaxInt32 {
		w.fail(CodeWire, at, "%d is beyond 32 bits", int64(v))
	}
	return v
}

// varint reads a varint in its shortest form.
func (w *wire) varint(end int64) uint64 {
	at := w.pos
	b := w.peek(min(end-w.pos, binary.MaxVarintLen64))
	if w.err != nil {
		return 0
	}
	v, n := binary.Uvarint(b)
	if n <= 0 || n > 1 && b[n-1] == 0 {
		w.fail(CodeWire, at, "a varint that is cut off, too large or not in its shortest form")
		return 0
	}
	w.pos += int64(n)
	return v
}

func (w *wire) fixed32(end int64) uint32 {
	b := w.fixed(4, end)
	if b == nil {
		return 0
	}
	return binary.LittleEndian.Uint32(b)
}

func (w *wire) fixed64(end int64) uint64 {
	b := w.fixed(8, end)
	if b == nil {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

func (w *wire) fixed(n, end int64) []byte {
	if end-w.pos < n {
		w.fail(CodeWire, w.pos, "a value of %d bytes is cut off", n)
		return nil
	}
	b := w.peek(n)
	w.pos += int64(len(b))
	return b
}

// peek is the next n bytes, at most a window's, which must lie in the file. They
// are valid until the next call.
func (w *wire) peek(n int64) []byte {
	if w.err != nil {
		return nil
	}
	if w.pos < w.at || w.pos+n > w.at+int64(w.filled) {
		w.fill()
		if w.err != nil {
			return nil
		}
	}
	i := w.pos - w.at
	return w.window[i : i+n]
}

// fill moves the window to the cursor.
func (w *wire) fill() {
	if err := w.ctx.Err(); err != nil {
		w.err = err
		return
	}
	n := int(min(windowSize, w.in.Size()-w.pos))
	if err := formats.ReadFull(w.in, w.window[:n], w.pos); err != nil {
		w.err = err
		return
	}
	w.at, w.filled = w.pos, n
}
