// Package onnxtest is what tests of sessions need: small ONNX models, written to
// the letter of onnx.proto, and the runtime itself. It checks nothing of a
// model: tests also need models that are wrong.
package onnxtest

import (
	"encoding/binary"
	"math"
	"strconv"
)

// Element types of TensorProto.
const (
	Float = 1
	Int64 = 7
	Bool  = 9
)

// A Model is a graph under opset 21 of ai.onnx.
type Model struct{ Graph Graph }

// A Graph is the main graph, or the body of an If or a Loop.
type Graph struct {
	Nodes           []Node
	Initializers    []Tensor
	Inputs, Outputs []Value
}

// A Node calls an operator of ai.onnx.
type Node struct {
	Op         string
	In, Out    []string
	Attributes []Attribute
}

// An Attribute is the one of its values that is set.
type Attribute struct {
	Name   string
	Int    int64
	Ints   []int64
	Tensor *Tensor
	Graph  *Graph
}

// A Tensor has raw data, or lies at Location.
type Tensor struct {
	Name           string
	Type           int
	Dims           []int64
	Raw            []byte
	Location       string
	Offset, Length int64
}

// A Value is an input or an output; a negative dimension is known at run time only.
type Value struct {
	Name     string
	Type     int
	Dims     []int64
	Sequence bool // of such tensors
}

// Floats is a tensor that holds v(0), v(1), ….
func Floats(name string, v func(i int) float32, dims ...int64) Tensor {
	n := 1
	for _, d := range dims {
		n *= int(d)
	}
	raw := make([]byte, 0, 4*n)
	for i := range n {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v(i)))
	}
	return Tensor{Name: name, Type: Float, Dims: dims, Raw: raw}
}

// Scalar is an int64 without dimensions.
func Scalar(name string, v int64) Tensor {
	return Tensor{Name: name, Type: Int64, Raw: binary.LittleEndian.AppendUint64(nil, uint64(v))}
}

// Elsewhere is t with its data at location "null", as a hand-over has it.
func (t Tensor) Elsewhere() Tensor {
	t.Location, t.Length = "null", int64(len(t.Raw))
	return t
}

// True is a bool without dimensions.
func True(name string) Tensor { return Tensor{Name: name, Type: Bool, Raw: []byte{1}} }

// Encode is the model as a file.
func (m Model) Encode() []byte {
	var opset, b message
	opset.varint(2, 21)
	b.varint(1, 10)
	b.bytes(7, m.Graph.encode())
	b.bytes(8, opset)
	return b
}

func (g Graph) encode() (b message) {
	for _, n := range g.Nodes {
		b.bytes(1, n.encode())
	}
	b.bytes(2, []byte("g"))
	for _, t := range g.Initializers {
		b.bytes(5, t.encode())
	}
	for _, v := range g.Inputs {
		b.bytes(11, v.encode())
	}
	for _, v := range g.Outputs {
		b.bytes(12, v.encode())
	}
	return b
}

func (n Node) encode() (b message) {
	for _, name := range n.In {
		b.bytes(1, []byte(name))
	}
	for _, name := range n.Out {
		b.bytes(2, []byte(name))
	}
	b.bytes(4, []byte(n.Op))
	for _, a := range n.Attributes {
		b.bytes(5, a.encode())
	}
	return b
}

func (a Attribute) encode() (b message) {
	b.bytes(1, []byte(a.Name))
	switch {
	case a.Tensor != nil:
		b.bytes(5, a.Tensor.encode())
		b.varint(20, 4)
	case a.Graph != nil:
		b.bytes(6, a.Graph.encode())
		b.varint(20, 5)
	case a.Ints != nil:
		for _, v := range a.Ints {
			b.varint(8, v)
		}
		b.varint(20, 7)
	default:
		b.varint(3, a.Int)
		b.varint(20, 2)
	}
	return b
}

func (t Tensor) encode() (b message) {
	for _, d := range t.Dims {
		b.varint(1, d)
	}
	b.varint(2, int64(t.Type))
	b.bytes(8, []byte(t.Name))
	if t.Location == "" {
		b.bytes(9, t.Raw)
		return b
	}
	b.entry("location", t.Location)
	b.entry("offset", strconv.FormatInt(t.Offset, 10))
	b.entry("length", strconv.FormatInt(t.Length, 10))
	b.varint(14, 1)
	return b
}

func (v Value) encode() (b message) {
	var shape, tensor, typ message
	for _, d := range v.Dims {
		var dim message
		if d < 0 {
			dim.bytes(2, []byte("n"))
		} else {
			dim.varint(1, d)
		}
		shape.bytes(1, dim)
	}
	tensor.varint(1, int64(v.Type))
	tensor.bytes(2, shape)
	typ.bytes(1, tensor)
	if v.Sequence {
		var sequence message
		sequence.bytes(1, typ)
		typ = nil
		typ.bytes(4, sequence)
	}
	b.bytes(1, []byte(v.Name))
	b.bytes(2, typ)
	return b
}

// A message is a protobuf message under construction.
type message []byte

func (b *message) varint(field int, v int64) {
	*b = binary.AppendUvarint(*b, uint64(field)<<3)
	*b = binary.AppendUvarint(*b, uint64(v))
}

func (b *message) bytes(field int, v []byte) {
	*b = binary.AppendUvarint(*b, uint64(field)<<3|2)
	*b = binary.AppendUvarint(*b, uint64(len(v)))
	*b = append(*b, v...)
}

func (b *message) entry(key, value string) {
	var e message
	e.bytes(1, []byte(key))
	e.bytes(2, []byte(value))
	b.bytes(13, e)
}
