// Package onnxtest writes ONNX models field by field, for tests that need such
// as no exporter writes. It checks nothing: numbers and types are those of
// onnx.proto, what they make together is the caller's business.
package onnxtest

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
)

// A Part is one or more encoded fields of a message.
type Part []byte

// Model joins the fields of a ModelProto.
func Model(parts ...Part) []byte { return slices.Concat(parts...) }

// Standard is a model of IR version 8 and operator set 17 with a graph of those fields.
func Standard(graph ...Part) []byte { return Model(IR(8), Opset("", 17), Graph(graph...)) }

// Varint is a field of an integer type.
func Varint(number int, v int64) Part {
	return binary.AppendUvarint(tag(number, 0), uint64(v))
}

// Float is a field of type float.
func Float(number int, v float32) Part {
	return binary.LittleEndian.AppendUint32(tag(number, 5), math.Float32bits(v))
}

// Bytes is a field of type bytes or string.
func Bytes(number int, v []byte) Part {
	return append(binary.AppendUvarint(tag(number, 2), uint64(len(v))), v...)
}

// String is a field of type string.
func String(number int, v string) Part { return Bytes(number, []byte(v)) }

// Message is a field of a message type.
func Message(number int, parts ...Part) Part { return Bytes(number, slices.Concat(parts...)) }

func tag(number, wireType int) Part {
	return binary.AppendUvarint(nil, uint64(number)<<3|uint64(wireType))
}

// The fields of a ModelProto.

func IR(version int64) Part                   { return Varint(1, version) }
func Graph(parts ...Part) Part                { return Message(7, parts...) }
func Opset(domain string, version int64) Part { return Message(8, opset(domain, version)...) }
func Metadata(key, value string) Part         { return Message(14, String(1, key), String(2, value)) }
func Function(name string, parts ...Part) Part {
	return Message(25, slices.Insert(parts, 0, functionName(name))...)
}
func opset(domain string, version int64) []Part { return []Part{String(1, domain), Varint(2, version)} }

// functionName is the domain and the name of domain.name.
func functionName(name string) Part {
	i := strings.LastIndexByte(name, '.')
	return slices.Concat(String(1, name[i+1:]), String(10, name[:max(i, 0)]))
}

// The fields of a FunctionProto. Names are separated by spaces.

func FunctionInputs(names string) Part  { return list(4, names) }
func FunctionOutputs(names string) Part { return list(5, names) }
func FunctionNode(op, in, out string, more ...Part) Part {
	return Message(7, node(op, in, out, more)...)
}
func FunctionOpset(domain string, version int64) Part { return Message(9, opset(domain, version)...) }

// The fields of a GraphProto.

func Node(op, in, out string, more ...Part) Part { return Message(1, node(op, in, out, more)...) }
func Initializer(tensor ...Part) Part            { return Message(5, tensor...) }
func Sparse(values, indices Part, dims ...int64) Part {
	return Message(15, slices.Concat(Message(1, values), Message(2, indices), integers(3, dims)))
}

// Input is a tensor of that element type; -1 is an open dimension.
func Input(name string, dataType int64, dims ...int64) Part {
	return Message(11, valueInfo(name, dataType, dims))
}

// Output is a tensor of that element type and of any shape, or without a type for 0.
func Output(name string, dataType int64) Part {
	if dataType == 0 {
		return Message(12, String(1, name))
	}
	return Message(12, String(1, name), Message(2, Message(1, Varint(1, dataType))))
}

// ShapedOutput is a tensor of that element type and shape.
func ShapedOutput(name string, dataType int64, dims ...int64) Part {
	return Message(12, valueInfo(name, dataType, dims))
}

func valueInfo(name string, dataType int64, dims []int64) Part {
	var shape Part
	for _, d := range dims {
		dim := Varint(1, d)
		if d < 0 {
			dim = nil
		}
		shape = append(shape, Message(1, dim)...)
	}
	return slices.Concat(String(1, name), Message(2, Message(1, Varint(1, dataType), Message(2, shape))))
}

// node is the fields of a NodeProto; op may be domain:op, names are separated
// by spaces, and - stands for one that is left out.
func node(op, in, out string, more []Part) []Part {
	domain, op, found := strings.Cut(op, ":")
	if !found {
		domain, op = "", domain
	}
	parts := []Part{list(1, in), list(2, out), String(4, op)}
	if domain != "" {
		parts = append(parts, String(7, domain))
	}
	return append(parts, more...)
}

func list(number int, names string) Part {
	var p Part
	for name := range strings.FieldsSeq(names) {
		if name == "-" {
			name = ""
		}
		p = append(p, String(number, name)...)
	}
	return p
}

func integers(number int, values []int64) Part {
	var p Part
	for _, v := range values {
		p = append(p, Varint(number, v)...)
	}
	return p
}

// The fields of a NodeProto.

func NodeName(name string) Part { return String(3, name) }

// Attribute is an attribute of a node; value is field number 1 to 23 of an
// AttributeProto, and typ its AttributeType.
func Attribute(name string, typ int64, value Part) Part {
	return Message(5, String(1, name), value, Varint(20, typ))
}

func Int(name string, v int64) Part           { return Attribute(name, 2, Varint(3, v)) }
func Text(name, v string) Part                { return Attribute(name, 3, String(4, v)) }
func Tensor(name string, tensor ...Part) Part { return Attribute(name, 4, Message(5, tensor...)) }
func Body(name string, graph ...Part) Part    { return Attribute(name, 5, Message(6, graph...)) }
func Ints(name string, v ...int64) Part       { return Attribute(name, 7, integers(8, v)) }

// Head is the name, element type and shape of a TensorProto.
func Head(name string, dataType int64, dims ...int64) Part {
	return slices.Concat(integers(1, dims), Varint(2, dataType), String(8, name))
}

// Raw is the values of a TensorProto.
func Raw(values []byte) Part { return Bytes(9, values) }

// Int64s is a tensor of those values, of rank 1.
func Int64s(name string, values ...int64) Part {
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	return slices.Concat(Head(name, 7, int64(len(values))), Raw(raw))
}

// External is external data with those keys and values.
func External(keysAndValues ...string) Part {
	var p Part
	for kv := range slices.Chunk(keysAndValues, 2) {
		p = append(p, Message(13, String(1, kv[0]), String(2, kv[1]))...)
	}
	return append(p, Varint(14, 1)...)
}
