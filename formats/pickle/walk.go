package pickle

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/weightgate/weightgate/formats/internal/peek"
)

// A walk follows the opcodes of a pickle without building anything: of the stack
// it keeps only which values may be text, and it jumps over arguments. The
// opcodes are those of CPython's Lib/pickletools.py, protocols 0 to 5.
type walk struct {
	*peek.File
	window []byte // of the file, from begin
	begin  int64
	pos    int64

	stack  []bool  // for each value, whether it may be text
	marks  []int32 // values below each mark, of which a walk reads no more than its budget
	memo   bool    // something was memoized
	proto  bool    // the stream begins with PROTO
	ops    int
	global int // names that a loader would import
	calls  int // times it would call one of them

	mixed   bool // not one opcode over and over, as a run of one byte is
	joblib  bool // names joblib's stand-in for an array
	python  bool // names a module that no text names in this way
	module  bool // names a module, and any name in it
	id      bool // an id was a line, which only a loader with ids of its own reads
	control bool // there is a control character among what was read, as in no text
	short   bool // the file goes on, and no more of it may be read
	ended   ending
}

// ending is why a walk went no further.
type ending uint8

const (
	broken    ending = iota // not an opcode, or one that does not fit the stack
	stopped                 // STOP
	exhausted               // as much was read as may be
)

// windowSize is how much is read at once: arguments beyond it are jumped over.
const windowSize = 4 << 10

// How much of a file a walk reads: a glance if that makes it certain, and of what
// may still be text so much that no text would have fitted the opcodes so far.
const (
	walkGlance = 64 << 10
	walkBudget = 1 << 20
)

// longest is the length in bytes that no value of a pickle that was cut short has.
const longest = 1 << 40

// enough opcodes in a row are no coincidence where the end fits too, and many are
// none whatever stands there.
const (
	enough = 16
	many   = 256
)

// follow follows the stream at the start of the file.
func follow(p *peek.File) *walk {
	w := &walk{File: p}
	p.Left = min(p.Left, walkBudget)
	before, budget := byte(0), p.Left
	for {
		op, more := w.byte()
		if more && op == '.' {
			if w.above() > 0 { // marks may be left
				w.ended = stopped
			}
			return w
		}
		fits := more && w.step(op)
		switch {
		case w.short || p.Cut && w.pos >= p.Size:
			w.ended = exhausted
			return w
		case !fits:
			return w
		}
		w.mixed = w.mixed || w.ops > 0 && op != before
		before = op
		w.ops++
		if budget-p.Left >= walkGlance && w.certain() {
			w.ended = exhausted
			return w
		}
	}
}

// certain reports whether so many opcodes are no coincidence, whatever follows.
func (w *walk) certain() bool {
	return w.proto && w.ops >= 2 || w.mixed && w.ops >= many
}

// looks reports whether the walk saw a pickle, as far as it came. What Python would
// run to its STOP is one, though a person may have meant it as text. What fits for
// longer than a walk reads is taken for one as well: behind a line of that length,
// or so many marks, anything may stand, and no text begins like this. Nor does other
// data, but where the line is an id: zip files and many safetensors headers are one,
// and a loader without ids stops there.
func (w *walk) looks() bool {
	switch w.ended {
	case stopped:
		return w.pos == w.Size && !w.Cut || w.global > 0 || w.another() || (w.proto || w.mixed) && w.ops >= enough
	case exhausted:
		return w.certain() || w.Cut && w.ops >= enough || !w.Cut && (!w.control || !w.id || w.global > 0)
	default: // a loader would have run what comes before the break
		return w.global > 0 && (w.proto || w.calls > 0 || w.python) || w.module && w.control || w.proto && w.ops >= enough
	}
}

// another reports whether a second stream follows the first.
func (w *walk) another() bool {
	next := w.At(w.pos, 2)
	return w.proto && len(next) == 2 && next[0] == 0x80 && next[1] <= 5
}

// step takes the opcode's argument and does to the stack what it does. It is
// false where the stream is none.
func (w *walk) step(op byte) bool {
	switch op {
	case 0x80: // PROTO
		v, ok := w.byte()
		w.proto = w.proto || w.pos == 2
		return ok && v <= 5
	case 0x95: // FRAME
		n, ok := w.number(8)
		return ok && n <= math.MaxInt64 // Lib/pickle.py takes what there is of it
	case '(': // MARK
		w.marks = append(w.marks, int32(len(w.stack)))
		return true

	case 'N', 0x88, 0x89, ']', '}', ')', 0x8f, 0x97: // NONE … NEXT_BUFFER
		return w.push(noText)
	case 'K':
		return w.skip(1) && w.push(noText)
	case 'M':
		return w.skip(2) && w.push(noText)
	case 'J':
		return w.skip(4) && w.push(noText)
	case 'G':
		return w.skip(8) && w.push(noText)
	case 'U', 0x8c: // SHORT_BINSTRING, SHORT_BINUNICODE
		return w.counted(1) && w.push(maybeText)
	case 'T', 'X': // BINSTRING, BINUNICODE
		return w.counted(4) && w.push(maybeText)
	case 0x8d: // BINUNICODE8
		return w.counted(8) && w.push(maybeText)
	case 0x8a, 'C': // LONG1, SHORT_BINBYTES
		return w.counted(1) && w.push(noText)
	case 0x8b, 'B': // LONG4, BINBYTES
		return w.counted(4) && w.push(noText)
	case 0x8e, 0x96: // BINBYTES8, BYTEARRAY8
		return w.counted(8) && w.push(noText)
	case 'S':
		if quote := w.ahead(1); len(quote) > 0 && quote[0] != '\'' && quote[0] != '"' {
			return false
		}
		fallthrough
	case 'I', 'F', 'L', 'V', 'P': // of protocol 0, in text
		return w.literal(op) && w.push(op == 'S' || op == 'V' || op == 'P')

	case 'g':
		return w.memo && w.literal(op) && w.push(maybeText)
	case 'h':
		return w.memo && w.skip(1) && w.push(maybeText)
	case 'j':
		return w.memo && w.skip(4) && w.push(maybeText)
	case 'p':
		w.memo = true
		return w.above() > 0 && w.literal(op)
	case 'q':
		w.memo = true
		return w.skip(1) && w.above() > 0
	case 'r':
		w.memo = true
		return w.skip(4) && w.above() > 0
	case 0x94: // MEMOIZE
		w.memo = true
		return w.above() > 0

	case '0': // POP: of a value or of a mark
		if w.above() == 0 {
			_, ok := w.unmark()
			return ok
		}
		return w.pop(1)
	case '1': // POP_MARK
		_, ok := w.unmark()
		return ok
	case '2': // DUP
		return w.above() > 0 && w.push(w.stack[len(w.stack)-1])
	case 'a', 0x86: // APPEND, TUPLE2
		return w.pop(2) && w.push(noText)
	case 's', 0x87: // SETITEM, TUPLE3
		return w.pop(3) && w.push(noText)
	case 0x85, 0x98: // TUPLE1, READONLY_BUFFER
		return w.pop(1) && w.push(noText)
	case 'Q': // BINPERSID
		return w.pop(1) && w.push(maybeText)
	case 'd', 'l', 't', 0x91: // DICT, LIST, TUPLE, FROZENSET: of what is above the mark
		_, ok := w.unmark()
		return ok && w.push(noText)
	case 'e', 'u', 0x90: // APPENDS, SETITEMS, ADDITEMS: to what is below the mark
		_, ok := w.unmark()
		return ok && w.above() > 0

	case 'c': // GLOBAL
		return w.names() && w.push(maybeText)
	case 0x93: // STACK_GLOBAL
		n := len(w.stack)
		if w.above() < 2 || !w.stack[n-1] || !w.stack[n-2] {
			return false
		}
		w.module = true
		return w.pop(2) && w.push(maybeText) && count(&w.global)
	case 0x82: // EXT1: by a number that the loader looks up
		return w.skip(1) && w.push(maybeText)
	case 0x83: // EXT2
		return w.skip(2) && w.push(maybeText)
	case 0x84: // EXT4
		return w.skip(4) && w.push(maybeText)
	case 'R', 'b', 0x81: // REDUCE, BUILD, NEWOBJ
		return w.pop(2) && w.push(maybeText) && count(&w.calls)
	case 0x92: // NEWOBJ_EX
		return w.pop(3) && w.push(maybeText) && count(&w.calls)
	case 'i': // INST
		named := w.names() // some loaders miss the mark when they have imported it
		_, marked := w.unmark()
		return named && marked && w.push(maybeText) && count(&w.calls)
	case 'o': // OBJ
		n, ok := w.unmark()
		return ok && n > 0 && w.push(maybeText) && count(&w.calls)
	}
	return false
}

// What a value may be: the operands of STACK_GLOBAL are text, and what a call
// gives or the memo holds may be. So may a global, as os.name is.
const (
	maybeText = true
	noText    = false
)

// above is how many values there are since the last mark.
func (w *walk) above() int {
	if len(w.marks) == 0 {
		return len(w.stack)
	}
	return len(w.stack) - int(w.marks[len(w.marks)-1])
}

func (w *walk) push(value bool) bool {
	w.stack = append(w.stack, value)
	return true
}

func (w *walk) pop(n int) bool {
	if w.above() < n {
		return false
	}
	w.stack = w.stack[:len(w.stack)-n]
	return true
}

func count(n *int) bool {
	*n++
	return true
}

// unmark drops the last mark and the values above it, and is how many those were.
func (w *walk) unmark() (values int, ok bool) {
	if len(w.marks) == 0 {
		return 0, false
	}
	values = w.above()
	w.pop(values)
	w.marks = w.marks[:len(w.marks)-1]
	return values, true
}

// note looks at a value or name that might say who wrote the pickle.
func (w *walk) note(value []byte) {
	w.joblib = w.joblib || bytes.HasPrefix(value, []byte("joblib.numpy_pickle")) ||
		bytes.HasPrefix(value, []byte("sklearn.externals.joblib.numpy_pickle"))
}

// counted jumps over a value that a length of n bytes stands before.
func (w *walk) counted(n int) bool {
	length, ok := w.number(n)
	if !ok || length > uint64(w.Size-w.pos) {
		// What is unpacked in part may hold a value that ends behind the part.
		ok = ok && w.Cut && length < longest
		w.pos = max(w.pos, w.Size)
		return ok
	}
	if length <= 64 {
		value, ok := w.take(int(length))
		w.note(value)
		return ok
	}
	w.pos += int64(length)
	return true
}

// number takes n bytes as a little-endian number.
func (w *walk) number(n int) (uint64, bool) {
	b, ok := w.take(n)
	if !ok {
		return 0, false
	}
	var wide [8]byte
	copy(wide[:], b)
	return binary.LittleEndian.Uint64(wide[:]), true
}

func (w *walk) byte() (byte, bool) {
	b, ok := w.take(1)
	if !ok {
		return 0, false
	}
	return b[0], true
}

func (w *walk) skip(n int) bool {
	_, ok := w.take(n)
	return ok
}

// ahead is what is read of the bytes at pos: n of them, if the file has them and
// a window does.
func (w *walk) ahead(n int) []byte {
	from := w.pos - w.begin
	if from < 0 || from+int64(n) > int64(len(w.window)) {
		w.window, w.begin, from = w.At(w.pos, windowSize), w.pos, 0
		w.control = w.control || bytes.ContainsFunc(w.window, isControl)
		w.short = len(w.window) < n && w.Size-w.pos >= int64(n)
	}
	return w.window[from:]
}

// take is the next n bytes, at most a window's.
func (w *walk) take(n int) ([]byte, bool) {
	b := w.ahead(n)
	if n > len(b) {
		return nil, false
	}
	w.pos += int64(n)
	return b[:n], true
}
