package machine_test

import (
	"encoding/binary"
	"strings"

	"github.com/weightgate/weightgate/formats/pickle/machine"
)

// The opcodes that tests write, by the names of Lib/pickletools.py.
const (
	MARK             = "("
	STOP             = "."
	POP              = "0"
	POP_MARK         = "1"
	DUP              = "2"
	FLOAT            = "F"
	INT              = "I"
	BININT           = "J"
	BININT1          = "K"
	LONG             = "L"
	BININT2          = "M"
	NONE             = "N"
	PERSID           = "P"
	BINPERSID        = "Q"
	REDUCE           = "R"
	STRING           = "S"
	BINSTRING        = "T"
	SHORT_BINSTRING  = "U"
	UNICODE          = "V"
	BINUNICODE       = "X"
	APPEND           = "a"
	BUILD            = "b"
	GLOBAL           = "c"
	DICT             = "d"
	EMPTY_DICT       = "}"
	APPENDS          = "e"
	GET              = "g"
	BINGET           = "h"
	INST             = "i"
	LONG_BINGET      = "j"
	LIST             = "l"
	EMPTY_LIST       = "]"
	OBJ              = "o"
	PUT              = "p"
	BINPUT           = "q"
	LONG_BINPUT      = "r"
	SETITEM          = "s"
	TUPLE            = "t"
	EMPTY_TUPLE      = ")"
	SETITEMS         = "u"
	BINFLOAT         = "G"
	PROTO            = "\x80"
	NEWOBJ           = "\x81"
	EXT1             = "\x82"
	EXT2             = "\x83"
	EXT4             = "\x84"
	TUPLE1           = "\x85"
	TUPLE2           = "\x86"
	TUPLE3           = "\x87"
	NEWTRUE          = "\x88"
	NEWFALSE         = "\x89"
	LONG1            = "\x8a"
	LONG4            = "\x8b"
	BINBYTES         = "B"
	SHORT_BINBYTES   = "C"
	SHORT_BINUNICODE = "\x8c"
	BINUNICODE8      = "\x8d"
	BINBYTES8        = "\x8e"
	EMPTY_SET        = "\x8f"
	ADDITEMS         = "\x90"
	FROZENSET        = "\x91"
	NEWOBJ_EX        = "\x92"
	STACK_GLOBAL     = "\x93"
	MEMOIZE          = "\x94"
	FRAME            = "\x95"
	BYTEARRAY8       = "\x96"
	NEXT_BUFFER      = "\x97"
	READONLY_BUFFER  = "\x98"
)

// asm is the stream of some opcodes and their arguments.
func asm(parts ...string) []byte { return []byte(strings.Join(parts, "")) }

// u8, u16, u32 and u64 are numbers as arguments, little-endian.
func u8(n int) string  { return string([]byte{byte(n)}) }
func u16(n int) string { return string(binary.LittleEndian.AppendUint16(nil, uint16(n))) }
func u32(n int) string { return string(binary.LittleEndian.AppendUint32(nil, uint32(n))) }
func u64(n int) string { return string(binary.LittleEndian.AppendUint64(nil, uint64(n))) }

// str, bin and native push a str, bytes, and a str of Python 2.
func str(s string) string    { return BINUNICODE + u32(len(s)) + s }
func bin(s string) string    { return BINBYTES + u32(len(s)) + s }
func native(s string) string { return BINSTRING + u32(len(s)) + s }

// num pushes an int.
func num(n int) string { return BININT + u32(n) }

// global pushes a global.
func global(module, name string) string { return GLOBAL + module + "\n" + name + "\n" }

// call pushes what a global gives for what args push.
func call(module, name string, args ...string) string {
	return global(module, name) + MARK + strings.Join(args, "") + TUPLE + REDUCE
}

// ints pushes a tuple of ints.
func ints(items ...int) string {
	s := MARK
	for _, n := range items {
		s += num(n)
	}
	return s + TUPLE
}

// storage pushes the storage that torch.save names so.
func storage(key string, elements int) string {
	return MARK + str("storage") + global("torch", "FloatStorage") + str(key) + str("cpu") + num(elements) + TUPLE + BINPERSID
}

// tensor pushes a tensor of a row of floats.
func tensor(key string, elements int) string {
	return call("torch._utils", "_rebuild_tensor_v2", storage(key, elements), num(0), ints(elements), ints(1),
		NEWFALSE, call("collections", "OrderedDict"))
}

// rules are those of packs by name.
func rules(names ...string) *machine.Rules {
	var packs []machine.Pack
	for _, name := range names {
		for _, p := range machine.Packs() {
			if p.Name == name {
				packs = append(packs, p)
			}
		}
	}
	r, err := machine.NewRules(packs...)
	if err != nil || len(packs) != len(names) {
		panic(err)
	}
	return r
}
