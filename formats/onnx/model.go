package onnx

import (
	"context"

	"github.com/weightgate/weightgate/formats"
)

// A Model is a graph that was read, validated and found harmless to create a
// session from. It is immutable, and safe for concurrent use.
type Model struct {
	tree    *model
	weights []Weight
	report  formats.Inspection
}

// Read parses and validates a graph wholly, in bounds that do not depend on its
// tensors. On an error, which is a *formats.SyntaxError unless reading failed or
// ctx ended, the Model is nil. The Model keeps no reference to in. A graph that
// would take more memory than 32 MiB and more than 8 bytes for each of its file
// is refused with [CodeLimit].
func Read(ctx context.Context, in formats.Input, lim formats.Limits) (*Model, error) {
	return readModel(ctx, in, lim, false)
}

// ReadBuilt is Read of a graph that the caller built over safetensors files, and
// over no other. It may leave tensors of theirs unbound: an encoder has no use for
// the head that it was trained with. What those tensors are is the caller's to judge.
func ReadBuilt(ctx context.Context, in formats.Input, lim formats.Limits) (*Model, error) {
	return readModel(ctx, in, lim, true)
}

func readModel(ctx context.Context, in formats.Input, lim formats.Limits, built bool) (*Model, error) {
	r := &reader{wire: newWire(ctx, in, lim), opened: map[string]formats.Input{in.Name(): in}}
	tree := r.model()
	if r.err != nil {
		return nil, r.err
	}
	b := newBinder(r, tree)
	b.bind()
	if b.err != nil {
		return nil, b.err
	}
	x := &siblings{reader: r, names: b.movable, built: built}
	x.resolve()
	if x.err != nil {
		return nil, x.err
	}
	promoted := b.promote()
	if b.err != nil {
		return nil, b.err
	}
	inline := r.loadRest(tree)
	if r.err != nil {
		return nil, r.err
	}
	known := r.lim
	known.MaxHeader = r.room // what folding knows of values is a part of the tree
	fold(r.faults, known, tree)
	r.nameNodes(tree.graph)
	nameBodies(tree.functions)
	if r.err != nil {
		return nil, r.err
	}
	markFloats(tree.graph)
	m := &Model{tree: tree}
	for _, p := range promoted {
		m.weights = append(m.weights, p.weight(in.Name()))
	}
	m.report = formats.Inspection{Format: Name, Findings: x.findings}
	for _, w := range m.weights {
		m.report.Tensors = append(m.report.Tensors, w.Tensor)
	}
	m.report.Tensors = append(m.report.Tensors, inline...)
	m.report.Claims = append([]formats.Range{{File: in.Name(), Length: in.Size()}}, x.claims...)
	return m, nil
}

// Inspection is what the model is made of: the weights, the large tensors that
// stay inline, and what its files hold beside them. The caller owns it.
func (m *Model) Inspection() *formats.Inspection {
	return &formats.Inspection{
		Format:   m.report.Format,
		Tensors:  append([]formats.Tensor(nil), m.report.Tensors...),
		Findings: append([]formats.Finding(nil), m.report.Findings...),
		Claims:   append([]formats.Range(nil), m.report.Claims...),
	}
}

// A Value is an input or output of the model.
type Value struct {
	Name  string
	DType formats.DType // UnknownDType for strings and for what is no tensor
	Shape []int64       // -1: known only at run time; nil: not even their number is known
}

// Inputs are those of the main graph in its order, without its initializers.
func (m *Model) Inputs() []Value { return values(m.tree.graph.inputs) }

// Outputs are those of the main graph in its order.
func (m *Model) Outputs() []Value { return values(m.tree.graph.outputs) }

func values(infos []*valueInfo) []Value {
	list := make([]Value, len(infos))
	for i, info := range infos {
		list[i].Name = info.name
		list[i].DType, list[i].Shape = info.typ.declared()
	}
	return list
}

// Weights are the tensors that the caller of a runtime supplies, in the order
// of the walk. Every other tensor is in what Encode returns.
func (m *Model) Weights() []Weight { return append([]Weight(nil), m.weights...) }

func (p *promotion) weight(file string) Weight {
	t := p.value.constant
	return Weight{
		Tensor: formats.Tensor{
			ID:    formats.TensorID{File: file, Name: p.value.name},
			DType: t.dataType.dtype(),
			Shape: t.dims,
			Place: t.place,
		},
		Initializer: p.value.name,
		Borrow:      p.value.borrows(),
	}
}
