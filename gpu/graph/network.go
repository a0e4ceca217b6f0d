package graph

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/weightgate/weightgate/formats"
)

// What the graphs are written in: the operator set with LayerNormalization, the
// newest operator that they use, and the IR version that came with it.
const (
	irVersion = 8
	opset     = 17
)

// Element types of TensorProto.
const (
	float32Type  = 1
	int64Type    = 7
	boolType     = 9
	float16Type  = 10
	bfloat16Type = 16
)

// elementTypes are those that a weight may have.
var elementTypes = map[formats.DType]int64{formats.F32: float32Type, formats.F16: float16Type, formats.BF16: bfloat16Type}

// A network is a GraphProto under construction. Values are known by their
// names; a node gives one, which is called like the node.
type network struct {
	nodes, initializers, inputs, outputs message
	constants                            map[string]bool
}

// add adds a node, and is its value.
func (n *network) add(name, operator string, inputs []string, attributes ...attribute) string {
	var node message
	for _, in := range inputs {
		node.text(1, in)
	}
	node.text(2, name)
	node.text(3, name)
	node.text(4, operator)
	for _, a := range attributes {
		node.bytes(5, a)
	}
	n.nodes.bytes(1, node)
	return name
}

// An attribute is an AttributeProto.
type attribute message

func integer(name string, v int64) attribute {
	var a message
	a.text(1, name)
	a.varint(3, v)
	a.varint(20, 2)
	return attribute(a)
}

func integers(name string, list ...int64) attribute {
	var a message
	a.text(1, name)
	for _, v := range list {
		a.varint(8, v)
	}
	a.varint(20, 7)
	return attribute(a)
}

func float(name string, v float32) attribute {
	var a message
	a.text(1, name)
	a.fixed32(2, v)
	a.varint(20, 1)
	return attribute(a)
}

// vector is a constant of one dimension.
func (n *network) vector(name string, list ...int64) string {
	var raw []byte
	for _, v := range list {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	return n.constant(name, int64Type, []int64{int64(len(list))}, raw)
}

// index is a constant without dimensions.
func (n *network) index(name string, v int64) string {
	return n.constant(name, int64Type, nil, binary.LittleEndian.AppendUint64(nil, uint64(v)))
}

// scalar is a constant without dimensions.
func (n *network) scalar(name string, v float32) string {
	return n.constant(name, float32Type, nil, binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
}

// constant adds a small initializer that the graph holds itself, once a name.
func (n *network) constant(name string, elementType int64, shape []int64, raw []byte) string {
	if n.constants[name] {
		return name
	}
	if n.constants == nil {
		n.constants = map[string]bool{}
	}
	n.constants[name] = true
	t := tensor(name, elementType, shape)
	t.bytes(9, raw)
	n.initializers.bytes(5, t)
	return name
}

// weight adds an initializer that lies at the place of t.
func (n *network) weight(name string, t formats.Tensor) string {
	m := tensor(name, elementTypes[t.DType], t.Shape)
	for _, entry := range [][2]string{
		{"location", t.Place.File},
		{"offset", strconv.FormatInt(t.Place.Offset, 10)},
		{"length", strconv.FormatInt(t.Place.Length, 10)},
	} {
		var e message
		e.text(1, entry[0])
		e.text(2, entry[1])
		m.bytes(13, e)
	}
	m.varint(14, 1) // EXTERNAL
	n.initializers.bytes(5, m)
	return name
}

// tensor is a TensorProto without its data.
func tensor(name string, elementType int64, shape []int64) message {
	var t message
	for _, d := range shape {
		t.varint(1, d)
	}
	t.varint(2, elementType)
	t.text(8, name)
	return t
}

// input declares an input [batch, sequence] of the graph, and is its value.
func (n *network) input(name string) string {
	n.inputs.bytes(11, valueInfo(name, int64Type, dimension{name: "batch"}, dimension{name: "sequence"}))
	return name
}

// output declares the value of a node as an output of the graph.
func (n *network) output(name string, shape ...dimension) {
	n.outputs.bytes(12, valueInfo(name, float32Type, shape...))
}

// A dimension is a size, or the name of one that is known when the graph runs.
type dimension struct {
	name string
	size int64
}

func valueInfo(name string, elementType int64, shape ...dimension) message {
	var dims, typ, wrapped, info message
	for _, d := range shape {
		var dim message
		if d.name != "" {
			dim.text(2, d.name)
		} else {
			dim.varint(1, d.size)
		}
		dims.bytes(1, dim)
	}
	typ.varint(1, elementType)
	typ.bytes(2, dims)
	wrapped.bytes(1, typ)
	info.text(1, name)
	info.bytes(2, wrapped)
	return info
}

// model is the network as a ModelProto.
func (n *network) model() []byte {
	graph := append(message(nil), n.nodes...)
	graph.text(2, "weightgate")
	graph = append(graph, n.initializers...)
	graph = append(graph, n.inputs...)
	graph = append(graph, n.outputs...)
	var operators, m message
	operators.varint(2, opset)
	m.varint(1, irVersion)
	m.text(2, "weightgate")
	m.bytes(7, graph)
	m.bytes(8, operators)
	return m
}
