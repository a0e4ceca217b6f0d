package onnx

import (
	"context"
	"encoding/binary"
	"math"
)

// Where a runtime would look for a weight that its caller did not supply: the
// file null, in the folder that the caller names (/dev). It exists, so runtimes
// accept the path, and it has no bytes, so reading it fails.
const placeholder = "null"

// Encode is the graph in our own canonical protobuf, the only form in which a
// runtime gets it: fields by ascending number, shortest varints, tensors as
// raw_data, no doc strings, no metadata, and nodes named by Node.Encoded. Every
// Weight is an initializer of the main graph with external data at the location
// "null"; the caller supplies them, and sets the folder of external data to /dev
// so that a missed one fails. The bytes are the caller's; equal models give equal
// bytes.
func (m *Model) Encode(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e := &encoder{message: schema["ModelProto"]}
	e.model(m.tree)
	return e.out, nil
}

// An encoder appends the fields of one message; callers name them in ascending
// order of their numbers.
type encoder struct {
	*message
	out []byte
}

func (e *encoder) tag(name string) kind {
	f := e.byName(name)
	wt := f.kind.wireType()
	e.out = binary.AppendUvarint(e.out, uint64(f.number)<<3|uint64(wt))
	return f.kind
}

func (e *encoder) int(name string, v int64) {
	e.tag(name)
	e.out = binary.AppendUvarint(e.out, uint64(v))
}

func (e *encoder) float(name string, v float32) {
	e.tag(name)
	e.out = binary.LittleEndian.AppendUint32(e.out, math.Float32bits(v))
}

func (e *encoder) bytes(name string, v []byte) {
	e.tag(name)
	e.out = binary.AppendUvarint(e.out, uint64(len(v)))
	e.out = append(e.out, v...)
}

// string leaves empty strings out.
func (e *encoder) string(name, v string) {
	if v != "" {
		e.bytes(name, []byte(v))
	}
}

func (e *encoder) sub(name string, body func(*encoder)) {
	inner := &encoder{message: schema[e.byName(name).of]}
	body(inner)
	e.bytes(name, inner.out)
}

func (e *encoder) model(m *model) {
	// Older versions list initializers among the inputs, ours are constants.
	e.int("ir_version", max(m.version, 4))
	e.sub("graph", func(e *encoder) { e.graph(m.graph) })
	for _, o := range usable(m.opsets, m.functions) {
		e.sub("opset_import", func(e *encoder) { e.opset(o) })
	}
	for _, fn := range m.functions {
		e.sub("functions", func(e *encoder) { e.function(fn, m) })
	}
}

// usable leaves out domains in which no node can lie.
func usable(opsets []opset, functions []*function) []opset {
	domains := map[string]bool{}
	for domain := range packs {
		domains[domain] = true
	}
	for _, fn := range functions {
		domains[fn.domain] = true
	}
	var list []opset
	for _, o := range opsets {
		if domains[o.domain] {
			list = append(list, o)
		}
	}
	return list
}

func (e *encoder) opset(o opset) {
	e.string("domain", o.domain)
	e.int("version", o.version)
}

func (e *encoder) graph(g *graph) {
	for _, n := range g.nodes {
		e.sub("node", func(e *encoder) { e.node(n) })
	}
	e.string("name", g.name)
	for _, w := range g.weights {
		e.sub("initializer", func(e *encoder) { e.weight(w) })
	}
	for _, c := range g.consts {
		e.sub("initializer", func(e *encoder) { e.tensor(c.constant, c.name) })
	}
	for i, in := range g.inputs {
		e.sub("input", func(e *encoder) { e.valueInfo(g.ins[i].name, in.typ) })
	}
	for i, out := range g.outputs {
		e.sub("output", func(e *encoder) { e.valueInfo(g.outs[i].name, out.typ) })
	}
	for _, s := range g.sparse {
		e.sub("sparse_initializer", func(e *encoder) { e.sparse(s) })
	}
}

func (e *encoder) node(n *node) {
	for _, v := range n.in {
		e.value("input", v)
	}
	for _, v := range n.out {
		e.value("output", v)
	}
	if n.named {
		e.string("name", Node{Name: n.name}.Encoded())
	} else {
		e.string("name", n.name)
	}
	e.string("op_type", n.op)
	for _, a := range n.attributes {
		e.sub("attribute", func(e *encoder) { e.attribute(a) })
	}
	e.string("domain", n.domain)
	e.string("overload", n.overload)
}

// value writes a value's name: empty for one that is left out.
func (e *encoder) value(field string, v *value) {
	if v == nil {
		e.bytes(field, nil)
		return
	}
	e.bytes(field, []byte(v.name))
}

func (e *encoder) attribute(a *attribute) {
	e.string("name", a.name)
	switch a.typ {
	case floatAttribute:
		e.scalarUnlessRef(a, func() { e.float("f", a.f) })
	case intAttribute:
		e.scalarUnlessRef(a, func() { e.int("i", a.i) })
	case stringAttribute:
		e.scalarUnlessRef(a, func() { e.bytes("s", a.s) })
	}
	for _, t := range a.tensors {
		if a.typ == tensorAttribute {
			e.sub("t", func(e *encoder) { e.tensor(t, t.name) })
		}
	}
	for _, g := range a.graphs {
		if a.typ == graphAttribute {
			e.sub("g", func(e *encoder) { e.graph(g) })
		}
	}
	e.lists(a)
	if a.typ != 0 {
		e.int("type", int64(a.typ))
	}
	e.string("ref_attr_name", a.ref)
	for _, s := range a.sparses {
		e.sub(attributeFields[a.typ], func(e *encoder) { e.sparse(s) })
	}
}

func (e *encoder) scalarUnlessRef(a *attribute, write func()) {
	if a.ref == "" {
		write()
	}
}

func (e *encoder) lists(a *attribute) {
	for _, v := range a.floats {
		e.float("floats", v)
	}
	for _, v := range a.ints {
		e.int("ints", v)
	}
	for _, v := range a.strings {
		e.bytes("strings", v)
	}
	if a.typ == tensorsAttribute {
		for _, t := range a.tensors {
			e.sub("tensors", func(e *encoder) { e.tensor(t, t.name) })
		}
	}
	if a.typ == graphsAttribute {
		for _, g := range a.graphs {
			e.sub("graphs", func(e *encoder) { e.graph(g) })
		}
	}
	for _, t := range a.types {
		e.sub(attributeFields[a.typ], func(e *encoder) { e.valueType(t) })
	}
}

// tensor writes a tensor that stays inline.
func (e *encoder) tensor(t *tensor, name string) {
	e.head(t)
	for _, s := range t.text {
		e.bytes("string_data", s)
	}
	e.string("name", name)
	if t.dataType != stringType {
		e.bytes("raw_data", t.data)
	}
}

func (e *encoder) head(t *tensor) {
	for _, d := range t.dims {
		e.int("dims", d)
	}
	e.int("data_type", int64(t.dataType))
}

// weight writes the placeholder of a tensor that the caller supplies.
func (e *encoder) weight(v *value) {
	e.head(v.constant)
	e.string("name", v.name)
	e.sub("external_data", func(e *encoder) {
		e.string("key", "location")
		e.string("value", placeholder)
	})
	e.int("data_location", 1)
}

func (e *encoder) sparse(s *sparseTensor) {
	e.sub("values", func(e *encoder) { e.tensor(s.values, s.values.name) })
	e.sub("indices", func(e *encoder) { e.tensor(s.indices, s.indices.name) })
	for _, d := range s.dims {
		e.int("dims", d)
	}
}

func (e *encoder) function(fn *function, m *model) {
	e.string("name", fn.name)
	for _, v := range fn.ins {
		e.value("input", v)
	}
	for _, v := range fn.outs {
		e.value("output", v)
	}
	for _, p := range fn.parameters {
		e.bytes("attribute", []byte(p))
	}
	for _, n := range fn.nodes {
		e.sub("node", func(e *encoder) { e.node(n) })
	}
	for _, o := range usable(fn.opsets, m.functions) {
		e.sub("opset_import", func(e *encoder) { e.opset(o) })
	}
	e.string("domain", fn.domain)
	for _, a := range fn.defaults {
		e.sub("attribute_proto", func(e *encoder) { e.attribute(a) })
	}
	e.string("overload", fn.overload)
}

func (e *encoder) valueInfo(name string, t *valueType) {
	e.string("name", name)
	if t != nil {
		e.sub("type", func(e *encoder) { e.valueType(t) })
	}
}

func (e *encoder) valueType(t *valueType) {
	if t == nil {
		return
	}
	e.sub(t.form, func(e *encoder) {
		switch t.form {
		case "map_type":
			e.int("key_type", int64(t.elem))
			e.sub("value_type", func(e *encoder) { e.valueType(t.of) })
		case "sequence_type", "optional_type":
			e.sub("elem_type", func(e *encoder) { e.valueType(t.of) })
		default:
			e.int("elem_type", int64(t.elem))
			if t.hasShape {
				e.sub("shape", func(e *encoder) { e.shape(t.shape) })
			}
		}
	})
}

func (e *encoder) shape(shape []dim) {
	for _, d := range shape {
		e.sub("dim", func(e *encoder) {
			if d.size >= 0 {
				e.int("dim_value", d.size)
				return
			}
			e.string("dim_param", d.param)
		})
	}
}
