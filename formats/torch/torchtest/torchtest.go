// Package torchtest writes pickles and checkpoints opcode by opcode, as PyTorch
// writes them and as it never would, for tests and test vectors.
package torchtest

import (
	"encoding/binary"
	"strings"
)

// A Code is the opcodes that leave one value on a pickle's stack.
type Code string

const (
	None  Code = "N"
	True  Code = "\x88"
	False Code = "\x89"
	Hooks Code = "ccollections\nOrderedDict\n)R" // of a tensor that has none
)

// Pickle is a pickle of protocol 2, which torch.save writes.
func Pickle(c Code) string { return "\x80\x02" + string(c) + "." }

func Str(s string) Code { return Code("X" + le32(len(s)) + s) }

// Int is an integer of 32 bits.
func Int(n int) Code { return Code("J" + le32(n)) }

func Global(module, name string) Code { return Code("c" + module + "\n" + name + "\n") }

func Tuple(items ...Code) Code { return "(" + join(items) + "t" }
func List(items ...Code) Code  { return "](" + join(items) + "e" }

// Dict is of keys and values in turn.
func Dict(items ...Code) Code { return "}(" + join(items) + "u" }

// Call is REDUCE.
func Call(module, name string, args ...Code) Code {
	return Global(module, name) + Tuple(args...) + "R"
}

// Ints is a tuple of integers.
func Ints(values ...int) Code {
	var items []Code
	for _, n := range values {
		items = append(items, Int(n))
	}
	return Tuple(items...)
}

// Storage is a storage of a zip file, by its class in the module torch.
func Storage(class, key string, elements int) Code {
	return Tuple(Str("storage"), Global("torch", class), Str(key), Str("cpu"), Int(elements)) + "Q"
}

// LegacyStorage is one of a legacy file; view is [None] where it is none.
func LegacyStorage(class, key string, elements int, view Code) Code {
	return Tuple(Str("storage"), Global("torch", class), Str(key), Str("cpu"), Int(elements), view) + "Q"
}

// Untyped is a storage of a zip file that does not say what it holds.
func Untyped(key string, bytes int) Code {
	return Tuple(Str("storage"), Global("torch.storage", "UntypedStorage"), Str(key), Str("cpu"), Int(bytes)) + "Q"
}

// Utils is the module of the functions that build tensors.
const Utils = "torch._utils"

// Vector is a tensor of the first n elements of a storage.
func Vector(storage Code, n int) Code {
	return Call(Utils, "_rebuild_tensor_v2", storage, Int(0), Ints(n), Ints(1), False, Hooks)
}

// What a legacy file begins with.
const (
	Magic   = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
	Version = "\x80\x02M\xe9\x03."
)

// SysInfo is the third pickle of a legacy file; little is a bool.
func SysInfo(little Code) string {
	return Pickle(Dict(Str("protocol_version"), Int(1001), Str("little_endian"), little, Str("type_sizes"), Dict(Str("int"), Int(4))))
}

// Legacy is the pickles of a legacy file.
func Legacy(object Code, keys ...Code) string {
	return Magic + Version + SysInfo(True) + Pickle(object) + Pickle(List(keys...))
}

// Record is a storage as it lies behind those pickles.
func Record(elements int, data string) string {
	return string(binary.LittleEndian.AppendUint64(nil, uint64(elements))) + data
}

func le32(n int) string { return string(binary.LittleEndian.AppendUint32(nil, uint32(int32(n)))) }

func join(items []Code) Code {
	var b strings.Builder
	for _, c := range items {
		b.WriteString(string(c))
	}
	return Code(b.String())
}
