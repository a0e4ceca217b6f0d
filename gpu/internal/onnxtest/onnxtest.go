// Package onnxtest is what tests of sessions need: small ONNX models, written to
// the letter of onnx.proto, and the runtime itself. It checks nothing of a
// model: tests also need models that are wrong.
package onnxtest

import (
	"encoding/binary"
	"math"
	"strconv"

	o "github.com/weightgate/weightgate/formats/onnx/onnxtest"
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

// A Tensor has raw data or int64_data, or lies at Location.
type Tensor struct {
	Name           string
	Type           int
	Dims           []int64
	Raw            []byte
	Int64s         []int64
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
	return o.Model(o.IR(10), o.Opset("", 21), o.Graph(m.Graph.fields()...))
}

func (g Graph) fields() (parts []o.Part) {
	for _, n := range g.Nodes {
		parts = append(parts, o.Message(1, n.fields()...))
	}
	parts = append(parts, o.String(2, "g"))
	for _, t := range g.Initializers {
		parts = append(parts, o.Initializer(t.fields()...))
	}
	for _, v := range g.Inputs {
		parts = append(parts, o.Message(11, v.fields()...))
	}
	for _, v := range g.Outputs {
		parts = append(parts, o.Message(12, v.fields()...))
	}
	return parts
}

func (n Node) fields() (parts []o.Part) {
	for _, name := range n.In {
		parts = append(parts, o.String(1, name))
	}
	for _, name := range n.Out {
		parts = append(parts, o.String(2, name))
	}
	parts = append(parts, o.String(4, n.Op))
	for _, a := range n.Attributes {
		parts = append(parts, a.part())
	}
	return parts
}

func (a Attribute) part() o.Part {
	switch {
	case a.Tensor != nil:
		return o.Tensor(a.Name, a.Tensor.fields()...)
	case a.Graph != nil:
		return o.Body(a.Name, a.Graph.fields()...)
	case a.Ints != nil:
		return o.Ints(a.Name, a.Ints...)
	}
	return o.Int(a.Name, a.Int)
}

func (t Tensor) fields() []o.Part {
	head := o.Head(t.Name, int64(t.Type), t.Dims...)
	if t.Int64s != nil {
		parts := []o.Part{head}
		for _, v := range t.Int64s {
			parts = append(parts, o.Varint(7, v))
		}
		return parts
	}
	if t.Location == "" {
		return []o.Part{head, o.Raw(t.Raw)}
	}
	return []o.Part{head, o.External(
		"location", t.Location, "offset", strconv.FormatInt(t.Offset, 10), "length", strconv.FormatInt(t.Length, 10))}
}

func (v Value) fields() []o.Part {
	var shape []o.Part
	for _, d := range v.Dims {
		dim := o.Varint(1, d)
		if d < 0 {
			dim = o.String(2, "n")
		}
		shape = append(shape, o.Message(1, dim))
	}
	typ := o.Message(1, o.Varint(1, int64(v.Type)), o.Message(2, shape...))
	if v.Sequence {
		typ = o.Message(4, o.Message(1, typ))
	}
	return []o.Part{o.String(1, v.Name), o.Message(2, typ)}
}
