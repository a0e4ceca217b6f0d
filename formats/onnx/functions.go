package onnx

import "github.com/weightgate/weightgate/formats"

// A functionID is what a node calls a local function by.
type functionID struct{ domain, name, overload string }

func (b *binder) collectFunctions() {
	b.functions = make(map[functionID]*function, len(b.model.functions))
	for _, fn := range b.model.functions {
		id := functionID{fn.domain, fn.name, fn.overload}
		if b.functions[id] != nil {
			b.fail(CodeFunctionDuplicate, fn.at, "the function %s is there twice", quote(fn.name))
		}
		if _, ok := packs[fn.domain]; ok {
			// Runtimes differ in which of the two they take.
			b.fail(CodeFunctionDomain, fn.at, "the function %s lies in the operators' domain %s", quote(fn.name), quote(fn.domain))
		}
		b.functions[id] = fn
	}
}

// bindFunction binds a function's body, which sees its inputs and nothing else.
func (b *binder) bindFunction(fn *function) {
	s := &scope{values: map[string]*value{}, function: fn, attributes: map[string]bool{}, opsets: b.opsets(fn.opsets, fn.at)}
	for _, name := range fn.parameters {
		s.attributes[name] = true
	}
	for _, d := range fn.defaults {
		s.attributes[d.name] = true
	}
	b.noGraphs(fn.defaults)
	for _, name := range fn.inputs {
		fn.ins = append(fn.ins, b.define(s, name, fn.at))
	}
	for i, n := range fn.nodes {
		if b.stopped() {
			return
		}
		b.bindNode(n, s, nil, i)
	}
	for _, name := range fn.outputs {
		v := s.values[name]
		if v == nil {
			b.fail(CodeNameUndefined, fn.at, "the function %s returns %s, which it does not define", quote(fn.name), quote(name))
			return
		}
		v.output = true
		fn.outs = append(fn.outs, v)
	}
}

// expand counts the nodes of the model with every call replaced by what it
// calls: a few nested definitions stand for any number of nodes, and a runtime
// expands them all.
func (b *binder) expand() {
	if b.err != nil {
		return
	}
	e := &expansion{faults: b.faults, lim: b.lim, done: map[*function]extent{}, open: map[*function]bool{}}
	for _, fn := range b.model.functions {
		e.function(fn)
	}
	if e.nodes(b.model.graph.nodes).size > b.lim.MaxNodes {
		b.fail(CodeExpansion, b.model.graph.at, "more than MaxNodes, %d, when its functions are expanded", b.lim.MaxNodes)
	}
}

// An extent is how many nodes something expands to, counted up to one more than
// MaxNodes, and how many calls lie one in another.
type extent struct{ size, height int }

type expansion struct {
	*faults
	lim  formats.Limits
	done map[*function]extent
	open map[*function]bool // being counted
}

func (e *expansion) function(fn *function) extent {
	if x, ok := e.done[fn]; ok {
		return x
	}
	if e.open[fn] {
		e.fail(CodeRecursion, fn.at, "the function %s calls itself", quote(fn.name))
		return extent{}
	}
	if len(e.open) > e.lim.MaxNesting {
		e.tooDeep(fn)
		return extent{}
	}
	e.open[fn] = true
	x := e.nodes(fn.nodes)
	delete(e.open, fn)
	if x.height++; x.height > e.lim.MaxNesting {
		e.tooDeep(fn)
	}
	e.done[fn] = x
	return x
}

func (e *expansion) tooDeep(fn *function) {
	e.fail(CodeNesting, fn.at, "functions call each other more than MaxNesting, %d, deep", e.lim.MaxNesting)
}

func (e *expansion) nodes(nodes []*node) extent {
	var x extent
	for _, n := range nodes {
		if e.stopped() {
			return extent{}
		}
		x = e.sum(x, extent{size: n.cost()})
		if n.calls != nil {
			x = e.sum(x, e.function(n.calls))
		}
		for _, a := range n.attributes {
			for _, g := range a.graphs {
				x = e.sum(x, extent{size: g.cost()})
				x = e.sum(x, e.nodes(g.nodes))
			}
		}
	}
	return x
}

// cost is 1 for a node as they are; what has very many parts counts for more,
// since a call repeats them all.
func (n *node) cost() int {
	parts := len(n.inputs) + len(n.outputs) + len(n.attributes)
	for _, a := range n.attributes {
		parts += len(a.ints) + len(a.floats) + len(a.strings) + len(a.tensors)
	}
	if n.calls != nil {
		parts += len(n.calls.inputs) + len(n.calls.outputs) + len(n.calls.defaults)
	}
	return 1 + parts/64
}

// cost is that of a subgraph beside its nodes: each part is a value of its own.
func (g *graph) cost() int {
	return len(g.initializers) + len(g.sparse) + len(g.inputs) + len(g.outputs)
}

func (e *expansion) sum(a, b extent) extent {
	return extent{min(a.size+b.size, e.lim.MaxNodes+1), max(a.height, b.height)}
}
