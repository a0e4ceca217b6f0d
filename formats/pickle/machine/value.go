// Package machine reads a pickle without running it: every opcode of protocols
// 0 to 5 is followed on a stack and a memo of its own, and what the pickle
// would build is handed out as plain data. Nothing is imported, nothing is
// called; a global is a name, and a call is a record of what would be called.
//
// [Rules], made from versioned packs of typed signatures, say which globals and
// which calls a stream may hold; everything else is a [Finding].
//
// The opcodes are those of CPython's Lib/pickletools.py. The package runs in
// the sandboxed child and imports neither formats nor anything that needs an
// operating system: no fmt, os, time.
package machine

// A Value is what a pickle builds. It is one of: nil (None), bool, int64,
// *Long, float64, Str, Bytes, *ByteArray, *Tuple, *List, *Dict, *Set, *Global,
// *Call, *Persistent. Containers may be shared, and may contain themselves:
// who walks them counts steps and depth.
type Value any

// Str is a str, in UTF-8; lone surrogates stand as CPython's surrogatepass
// writes them.
type Str string

// Bytes is a bytes object, or the str of Python 2.
type Bytes struct {
	Data   string
	At     int64 // where its content starts in the stream, if it lies there as it is; else -1
	Native bool  // a str of Python 2: text or not, as its reader decides
}

// Text is the text of a Str, or of a str of Python 2 that is UTF-8.
func Text(v Value) (string, bool) {
	switch v := v.(type) {
	case Str:
		return string(v), true
	case Bytes:
		return v.Data, v.Native && isText(v.Data)
	}
	return "", false
}

// node is the machine's own note on what can hold other values.
type node struct {
	depth   int32 // of the deepest value within when it was filled
	given   bool  // to a call
	reached bool  // from the root
}

// ByteArray is a bytearray.
type ByteArray struct{ Data string }

// Long is an integer beyond int64.
type Long struct {
	Negative  bool
	Magnitude []byte // big-endian, no leading zero
}

// A Tuple, once built, does not change.
type Tuple struct {
	node
	Items []Value
}

// A List grows by APPEND and APPENDS.
type List struct {
	node
	Items []Value
}

// A Dict keeps its pairs in the order in which they were set; a key that is
// set again keeps its place. Keys are the same if Python finds them equal;
// tuples, frozensets and Longs only if they are one object.
type Dict struct {
	node
	Class *Global // nil: dict; else what a signature calls one (collections.OrderedDict)
	Keys  []Value // text is Str, of Python 2 too
	Items []Value
	State Value // what BUILD gave it, nil: none

	made  *Call         // the call that made it, nil: none
	index map[Value]int // of Keys, once they are many
}

// A Set holds what was added, in order, equal items more than once.
type Set struct {
	node
	Items  []Value
	Frozen bool
}

// A Global is a module's attribute by name.
type Global struct {
	node
	Module, Name string // as Python 3 names them
	Offset       int64  // of the opcode that names it
	Known        bool   // a pack has it
}

// A Call is what the pickle would have had built: by REDUCE, NEWOBJ,
// NEWOBJ_EX, INST or OBJ.
type Call struct {
	node
	Func   Value // a *Global, unless the stream calls something else
	Args   []Value
	Kwargs *Dict // of NEWOBJ_EX
	State  Value // what BUILD gave it, nil: none
	Items  []Value
	Pairs  *Dict  // what SETITEM gave an object that is no dict
	Kind   string // what the signature says that it is ("tensor", "dtype"); "" if no pack has the call
	Offset int64  // of the opcode that calls

	by   *signature // that fits
	args *Tuple     // whose items Args are
}

// A Persistent stands for an object that lies outside the stream.
type Persistent struct {
	node
	ID     Value
	Offset int64
}
