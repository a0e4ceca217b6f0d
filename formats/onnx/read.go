package onnx

import (
	"math"
	"slices"
	"strings"

	"github.com/weightgate/weightgate/formats"
)

// A reader builds the tree from the wire. What stands in one message alone is
// judged here, what needs other messages when the tree is whole.
type reader struct {
	*wire
	graphs    int // depth of graphs
	nodes     int
	tensors   int
	externals []*tensor
	opened    map[string]formats.Input // the files that tensors lie in
}

func (r *reader) model() *model {
	m := &model{}
	if r.in.Size() == 0 {
		r.fail(CodeWire, 0, "the file is empty")
	}
	for f := range r.message(schema["ModelProto"], r.in.Size()) {
		switch f.name {
		case "ir_version":
			m.version = int64(f.value)
		case "graph":
			m.graph = r.graph(f)
		case "opset_import":
			m.opsets = append(m.opsets, r.opset(f))
		case "metadata_props":
			r.metadata(f)
		case "functions":
			m.functions = append(m.functions, r.function(f))
		case "training_info":
			r.fail(CodeTraining, f.at, "the model brings its training along")
		}
	}
	switch {
	case r.err != nil:
	case m.version < 1 || m.version > newestIR:
		r.fail(CodeIRVersion, 0, "IR version %d, known are 1 to %d", m.version, newestIR)
	case m.graph == nil:
		r.fail(CodeWire, 0, "the model has no graph")
	}
	return m
}

// metadata checks an entry of the model's metadata. None is kept.
func (r *reader) metadata(f field) {
	at := f.at
	key, _ := r.entry(f)
	// ort_config holds session options that some runtimes obey (ORT_LOAD_CONFIG_FROM_MODEL),
	// ep_compatibility_info. says which device may take a precompiled graph as it is.
	if key == "ort_config" || strings.HasPrefix(key, "ep_compatibility_info.") {
		r.fail(CodeMetadata, at, "the metadata key %s steers the runtime", quote(key))
	}
}

func (r *reader) entry(f field) (key, value string) {
	for f := range r.message(schema["StringStringEntryProto"], f.end) {
		switch f.name {
		case "key":
			key = r.string(f)
		case "value":
			value = r.string(f)
		}
	}
	return key, value
}

func (r *reader) opset(f field) opset {
	var o opset
	r.keep(partCost)
	for f := range r.message(schema["OperatorSetIdProto"], f.end) {
		switch f.name {
		case "domain":
			o.domain = canonicalDomain(r.string(f))
		case "version":
			o.version = int64(f.value)
		}
	}
	return o
}

// canonicalDomain spells ai.onnx in one of its two ways.
func canonicalDomain(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}

func (r *reader) graph(f field) *graph {
	g := &graph{at: f.at}
	if r.graphs++; r.graphs > r.lim.MaxNesting {
		r.fail(CodeNesting, f.at, "graphs nest more than MaxNesting, %d", r.lim.MaxNesting)
	}
	defer func() { r.graphs-- }()
	r.keep(graphCost)
	for f := range r.message(schema["GraphProto"], f.end) {
		switch f.name {
		case "node":
			g.nodes = append(g.nodes, r.node(f))
		case "name":
			g.name = r.string(f)
		case "initializer":
			g.initializers = append(g.initializers, r.tensor(f))
		case "sparse_initializer":
			g.sparse = append(g.sparse, r.sparse(f))
		case "input":
			g.inputs = append(g.inputs, r.valueInfo(f))
		case "output":
			g.outputs = append(g.outputs, r.valueInfo(f))
		}
	}
	return g
}

func (r *reader) node(f field) *node {
	n := &node{at: f.at}
	if r.nodes++; r.nodes > r.lim.MaxNodes {
		r.fail(CodeLimit, f.at, "more than MaxNodes, %d", r.lim.MaxNodes)
	}
	r.keep(nodeCost)
	for f := range r.message(schema["NodeProto"], f.end) {
		switch f.name {
		case "input":
			n.inputs = r.names(n.inputs, f)
		case "output":
			n.outputs = r.names(n.outputs, f)
		case "name":
			n.name = r.string(f)
		case "op_type":
			n.op = r.string(f)
		case "domain":
			n.domain = canonicalDomain(r.string(f))
		case "overload":
			n.overload = r.string(f)
		case "attribute":
			n.attributes = append(n.attributes, r.attribute(f))
		}
	}
	r.unique(n.attributes, n.at)
	return n
}

func (r *reader) names(list []string, f field) []string {
	r.keep(nameCost)
	return append(list, r.string(f))
}

func (r *reader) unique(attributes []*attribute, at int64) {
	if r.err != nil {
		return
	}
	seen := make(map[string]bool, len(attributes))
	for _, a := range attributes {
		if a.name == "" || seen[a.name] {
			r.fail(CodeAttribute, at, "the attribute %s is nameless or there twice", quote(a.name))
		}
		seen[a.name] = true
	}
}

func (r *reader) attribute(f field) *attribute {
	a := &attribute{at: f.at}
	r.keep(attributeCost)
	var held []string // the fields that hold a value
	for f := range r.message(schema["AttributeProto"], f.end) {
		switch f.name {
		case "name":
			a.name = r.string(f)
		case "ref_attr_name":
			a.ref = r.string(f)
		case "type":
			a.typ = attributeType(f.value)
		case "doc_string":
		default:
			r.attributeValue(a, f)
			if !slices.Contains(held, f.name) {
				held = append(held, f.name)
			}
		}
	}
	if r.err == nil {
		r.judgeAttribute(a, held)
	}
	return a
}

func (r *reader) attributeValue(a *attribute, f field) {
	switch f.name {
	case "f":
		a.f = math.Float32frombits(uint32(f.value))
	case "i":
		a.i = int64(f.value)
	case "s":
		a.s = r.bytes(f)
	case "floats":
		for v := range r.packed(f) {
			if !r.keep(5) { // append leaves room
				return
			}
			a.floats = append(a.floats, math.Float32frombits(uint32(v)))
		}
	case "ints":
		a.ints = r.int64s(a.ints, f)
	case "strings":
		r.keep(partCost)
		a.strings = append(a.strings, r.bytes(f))
	case "t", "tensors":
		a.tensors = append(a.tensors, r.tensor(f))
	case "g", "graphs":
		a.graphs = append(a.graphs, r.graph(f))
	case "sparse_tensor", "sparse_tensors":
		a.sparses = append(a.sparses, r.sparse(f))
	case "tp", "type_protos":
		a.types = append(a.types, r.valueType(f))
	}
}

// judgeAttribute demands one value, of the type that the attribute says it has.
// Lists may be empty, and numbers and strings absent, which is their zero.
func (r *reader) judgeAttribute(a *attribute, held []string) {
	if a.ref != "" {
		if len(held) > 0 {
			r.fail(CodeAttribute, a.at, "the attribute %s refers to another and has a value", quote(a.name))
		}
		return
	}
	if a.typ < 1 || int(a.typ) >= len(attributeFields) {
		r.fail(CodeAttribute, a.at, "the attribute %s has type %d", quote(a.name), a.typ)
		return
	}
	want := attributeFields[a.typ]
	switch a.typ {
	case tensorAttribute, graphAttribute, sparseAttribute, typeAttribute:
		if len(held) == 0 {
			r.fail(CodeAttribute, a.at, "the attribute %s has no value", quote(a.name))
		}
	}
	if len(held) > 1 || len(held) == 1 && held[0] != want {
		r.fail(CodeAttribute, a.at, "the attribute %s has %s where its type says %s", quote(a.name), strings.Join(held, " and "), want)
	}
}

func (r *reader) function(f field) *function {
	fn := &function{at: f.at}
	r.keep(graphCost)
	for f := range r.message(schema["FunctionProto"], f.end) {
		switch f.name {
		case "name":
			fn.name = r.string(f)
		case "domain":
			fn.domain = canonicalDomain(r.string(f))
		case "overload":
			fn.overload = r.string(f)
		case "input":
			fn.inputs = r.names(fn.inputs, f)
		case "output":
			fn.outputs = r.names(fn.outputs, f)
		case "attribute":
			fn.parameters = r.names(fn.parameters, f)
		case "attribute_proto":
			fn.defaults = append(fn.defaults, r.attribute(f))
		case "node":
			fn.nodes = append(fn.nodes, r.node(f))
		case "opset_import":
			fn.opsets = append(fn.opsets, r.opset(f))
		}
	}
	r.unique(fn.defaults, fn.at)
	return fn
}
