package onnx

import (
	"math"

	"github.com/weightgate/weightgate/formats"
)

// foldAllowance is how many bytes a runtime may fold for each byte of the
// model's tensors: weights of 4 bits become float32.
const foldAllowance = 8

// A folding bounds what a runtime computes from constants while it creates a
// session. A value folds if all that it is computed from does: constants,
// initializers, Shape and Size of anything with static dimensions, and branches
// of an If on a condition that folds. The work of a node is what it reads, what
// it writes or what it computes on the way, whichever is most; a node that folds
// and whose output nobody can bound is refused. What it prepares for nodes that do not fold is bounded
// too: every one of them may get its own copy of the constants that it reads,
// in another layout or multiplied by what comes next.
type folding struct {
	*faults
	lim      formats.Limits
	declared map[*value]*valueType // of outputs: runtimes believe these shapes
	work     int64                 // bytes so far
	budget   int64
	read     int64 // bytes of constants, by all nodes that do not fold
	sizes    map[*attribute]number
	numbers  int64 // that are kept of all values in sight
}

// A frame is what is known in the main graph or in one call of a function.
type frame struct {
	facts      map[*value]fact
	attributes map[string]*attribute // of the call, by the function's names for them
	numbers    int64                 // that are kept of its values
}

// numberSize is what a number takes in memory.
const numberSize = 16

func fold(f *faults, lim formats.Limits, m *model) {
	a := newFolding(f, lim)
	seen := map[formats.Range]bool{}
	for _, w := range m.graph.weights {
		if place := w.constant.place; !seen[place] { // tied weights pay once
			seen[place] = true
			a.allow(place.Length)
		}
	}
	visitor{
		tensor: func(_ *graphPath, t *tensor) { a.allow(t.size) },
		sparse: func(s *sparseTensor) { // runtimes make them dense
			a.charge(s.at, s, s.denseSize())
		},
	}.model(m)
	a.graph(m.graph, &frame{facts: map[*value]fact{}}, factsOfTypes(m.graph.inputs))
}

func newFolding(f *faults, lim formats.Limits) *folding {
	return &folding{faults: f, lim: lim, declared: map[*value]*valueType{}, budget: lim.MaxFold, sizes: map[*attribute]number{}}
}

func factsOfTypes(infos []*valueInfo) []fact {
	list := make([]fact, len(infos))
	for i, info := range infos {
		list[i] = factOfType(info.typ)
	}
	return list
}

// graph follows a graph with what is known of its inputs, and answers what is
// known of its outputs.
func (a *folding) graph(g *graph, fr *frame, inputs []fact) []fact {
	for i, v := range g.outs {
		a.declared[v] = g.outputs[i].typ
	}
	for i, v := range g.ins {
		fr.facts[v] = inputs[i]
	}
	for _, v := range g.weights {
		fr.facts[v] = factOf(v.constant)
	}
	for _, v := range g.consts {
		fr.facts[v] = factOf(v.constant)
		if fr.attributes != nil { // every call of the function has a copy
			a.charge(g.at, v.constant, fr.facts[v].size())
		}
	}
	for _, v := range g.sparses {
		fr.facts[v] = fact{folds: true, ranked: true, dims: constants(v.sparse.dims), width: 8}
	}
	a.nodes(g.nodes, fr)
	return factsOf(g.outs, fr)
}

func factsOf(values []*value, fr *frame) []fact {
	list := make([]fact, len(values))
	for i, v := range values {
		if v != nil {
			list[i] = fr.facts[v]
		}
	}
	return list
}

func (a *folding) nodes(nodes []*node, fr *frame) {
	for _, n := range nodes {
		if a.stopped() {
			return
		}
		for i, f := range a.node(n, fr) {
			if i < len(n.out) && n.out[i] != nil {
				f = a.believe(n.out[i], f)
				fr.facts[n.out[i]] = f
				fr.numbers += int64(len(f.dims) + len(f.elements))
			}
		}
		if a.numbers+fr.numbers > a.lim.MaxHeader/numberSize {
			a.fail(CodeLimit, n.at, "the shapes of all values take more than MaxHeader, %d bytes", a.lim.MaxHeader)
		}
	}
}

// believe adds what an output's declared type says to what is known of it.
func (a *folding) believe(v *value, f fact) fact {
	t := a.declared[v]
	if t == nil || t.form != "tensor_type" || !t.hasShape {
		return f
	}
	said := factOfType(t)
	if !f.ranked || len(f.dims) != len(said.dims) {
		f.ranked, f.dims, f.elements = true, said.dims, nil
		return f
	}
	dims := make([]number, len(f.dims))
	for i, d := range f.dims {
		dims[i] = d
		if d.state != known && said.dims[i].state == known {
			dims[i] = said.dims[i]
		}
	}
	f.dims = dims
	return f
}

// node is what is known of a node's outputs.
func (a *folding) node(n *node, fr *frame) []fact {
	in := factsOf(n.in, fr)
	a.chargeAttributes(n, fr)
	switch {
	case n.calls != nil:
		return a.call(n, fr, in)
	case n.is("Constant"):
		return []fact{a.constant(n, fr)}
	case n.is("If"):
		return a.branch(n, fr, in[0])
	case n.is("Loop"):
		a.prepare(n, in)
		return a.loop(n, fr, in)
	}
	for _, at := range n.attributes { // Scan and the decoders of com.microsoft: not folded, their bodies' constants are
		for _, g := range at.graphs {
			a.graph(g, fr, make([]fact, len(g.ins)))
		}
	}
	op := &operation{node: n, frame: fr, in: in}
	out := op.infer()
	if op.folds() {
		n.folds = true
		a.chargeNode(n, in, out, times(op.steps(out), is(stepSize)))
	} else {
		a.prepare(n, in)
	}
	return out
}

// call follows a function's body with the facts and attributes of one call.
func (a *folding) call(n *node, fr *frame, in []fact) []fact {
	fn := n.calls
	inner := &frame{facts: map[*value]fact{}, attributes: map[string]*attribute{}}
	for _, d := range fn.defaults {
		inner.attributes[d.name] = d
	}
	for _, at := range n.attributes {
		if resolved := fr.resolve(at); resolved != nil {
			inner.attributes[at.name] = resolved
		}
	}
	for i, v := range fn.ins {
		inner.facts[v] = fact{folds: true, ranked: true, dims: []number{is(0)}} // an input that is left out
		if i < len(n.in) && n.in[i] != nil {
			inner.facts[v] = in[i]
		}
	}
	a.numbers += fr.numbers
	a.nodes(fn.nodes, inner)
	a.numbers -= fr.numbers
	return factsOf(fn.outs, inner)
}

// resolve is the attribute that is meant, nil if the call left it out.
func (fr *frame) resolve(at *attribute) *attribute {
	if at == nil || at.ref == "" {
		return at
	}
	return fr.attributes[at.ref]
}

func (a *folding) constant(n *node, fr *frame) fact {
	at := fr.resolve(n.attributes[0])
	f := fact{folds: true, ranked: true, width: 8}
	switch {
	case at == nil:
		return fact{folds: true}
	case len(at.tensors) == 1:
		return factOf(at.tensors[0])
	case len(at.sparses) == 1:
		f.dims = constants(at.sparses[0].dims)
	case at.typ == intAttribute:
		f.elements = []number{is(at.i)}
	case at.typ == intsAttribute:
		f.dims = []number{is(int64(len(at.ints)))}
		if len(at.ints) <= maxElements {
			f.elements = constants(at.ints)
		}
	case at.typ == floatsAttribute:
		f.dims = []number{is(int64(len(at.floats)))}
	case at.typ == stringAttribute:
		f.width = textSize + int64(len(at.s))
	case at.typ == stringsAttribute:
		f.dims, f.width = []number{is(int64(len(at.strings)))}, textWidth(at.strings)
	}
	return f
}

// branch follows both branches of an If. On a condition that folds a runtime
// puts one of them in the If's place.
func (a *folding) branch(n *node, fr *frame, condition fact) []fact {
	then := a.graph(n.subgraph("then_branch"), fr, nil)
	other := a.graph(n.subgraph("else_branch"), fr, nil)
	c := condition.scalar()
	out := make([]fact, len(n.out))
	for i := range out {
		switch {
		case condition.folds && c.state == known && c.v != 0:
			out[i] = then[i]
		case condition.folds && c.state == known:
			out[i] = other[i]
		case condition.folds:
			out[i] = merge(then[i], other[i])
		default:
			out[i] = alternative(then[i], other[i])
		}
	}
	return out
}

// alternative is what is known of the output of an If that a run decides:
// dimensions in which the branches differ are open.
func alternative(a, b fact) fact {
	if !a.ranked || !b.ranked || len(a.dims) != len(b.dims) {
		return fact{fixed: (a.ranked || a.fixed) && (b.ranked || b.fixed), width: max(a.width, b.width)}
	}
	f := fact{ranked: true, width: max(a.width, b.width)}
	for i := range a.dims {
		d := number{state: onlyRun}
		if a.dims[i] == b.dims[i] || a.dims[i].state == anything || b.dims[i].state == anything {
			d = either(a.dims[i], b.dims[i])
		}
		f.dims = append(f.dims, d)
	}
	return f
}

// loop follows the body of a Loop once. It folds if everything that it starts
// with and everything that its body computes does; then the work counts for
// every trip, and what it carries keeps its shape. Without a trip count of its
// own it is a while loop, which only a run can judge.
func (a *folding) loop(n *node, fr *frame, in []fact) []fact {
	body := n.subgraph("body")
	trips := in[0].scalar()
	folds := n.in[0] != nil && trips.state == known && trips.v != math.MaxInt64
	for i, f := range in {
		folds = folds && (n.in[i] == nil || f.folds)
	}
	inputs := factsOfTypes(body.inputs)
	for i := range inputs {
		inputs[i].folds = folds
		if folds && i >= 2 {
			inputs[i].ranked, inputs[i].dims, inputs[i].width = in[i].ranked, in[i].dims, in[i].width
		} else if i < 2 {
			inputs[i].ranked, inputs[i].dims = true, nil
		}
	}
	before := a.work
	results := a.graph(body, fr, inputs)
	if a.err != nil {
		return nil
	}
	for _, f := range results {
		folds = folds && f.folds
	}
	if folds && trips.v > 1 {
		a.charge(n.at, n, times(is(a.work-before), is(trips.v-1)))
	}
	carried := len(n.in) - 2
	out := make([]fact, len(n.out))
	for i := range out {
		f := results[i+1]
		f.elements, f.folds = nil, folds
		if i < carried {
			if folds && !sameShape(f, in[i+2]) {
				a.fail(CodeFoldUnbounded, n.at, "%s folds, and what it carries changes its shape", n)
			}
		} else if f.ranked {
			f.dims = append([]number{collected(trips, folds)}, f.dims...)
			if folds {
				a.charge(n.at, n, f.size())
			}
		}
		out[i] = f
	}
	return out
}

// collected is how many results a Loop stacks.
func collected(trips number, folds bool) number {
	if folds {
		return upTo(max(trips.v, 0))
	}
	return number{state: onlyRun}
}

func sameShape(a, b fact) bool {
	if !a.ranked || !b.ranked || len(a.dims) != len(b.dims) {
		return false
	}
	for i := range a.dims {
		if a.dims[i] != b.dims[i] || !a.dims[i].bounded() {
			return false
		}
	}
	return true
}
