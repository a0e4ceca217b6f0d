package onnx

// A scope is what names mean at one place of a graph. Subgraphs see the names
// of the graphs around them, function bodies see only their own.
type scope struct {
	outer  *scope
	values map[string]*value

	function   *function        // whose body this is, nil outside
	attributes map[string]bool  // of that function
	opsets     map[string]int64 // versions by domain
}

func (s *scope) lookup(name string) *value {
	for ; s != nil; s = s.outer {
		if v := s.values[name]; v != nil {
			return v
		}
	}
	return nil
}

func (s *scope) inner() *scope {
	return &scope{outer: s, values: map[string]*value{}, function: s.function, attributes: s.attributes, opsets: s.opsets}
}

// A binder resolves every name of a model to its value and every node to its
// operator or function.
//
// It demands single static assignment, as docs/IR.md does: a name means one
// value, is defined before it is used, and does not hide a name of a graph
// around it. So no reader can resolve a name in another way.
type binder struct {
	*reader
	model     *model
	functions map[functionID]*function

	names      map[string]int     // how many values of the main graph and its subgraphs bear a name
	promotions []*promotion       // in the order of the walk
	movable    map[*tensor]string // the value's name, of tensors that may be external
}

func newBinder(r *reader, m *model) *binder {
	return &binder{reader: r, model: m, names: map[string]int{}, movable: map[*tensor]string{}}
}

func (b *binder) bind() {
	if b.model.version < 3 && len(b.model.opsets) == 0 {
		b.model.opsets = []opset{{version: 1}} // as it was before models said so
	}
	if len(usable(b.model.opsets, b.model.functions)) == 0 {
		b.fail(CodeOpset, 0, "the model imports no operator set that a node can use")
	}
	b.collectFunctions()
	for _, fn := range b.model.functions {
		b.bindFunction(fn)
	}
	s := &scope{values: map[string]*value{}, opsets: b.opsets(b.model.opsets, b.model.graph.at)}
	b.subgraph(b.model.graph, s, nil)
	b.expand()
}

// define gives a name its meaning.
func (b *binder) define(s *scope, name string, at int64) *value {
	v := &value{name: name}
	b.keep(valueCost)
	switch {
	case name == "":
		b.fail(CodeNameDuplicate, at, "a value without a name")
	case s.lookup(name) != nil:
		b.fail(CodeNameDuplicate, at, "the name %s has a meaning already", quote(name))
	}
	s.values[name] = v
	if s.function == nil {
		b.names[name]++
	}
	return v
}

// subgraph binds a graph in its own scope.
func (b *binder) subgraph(g *graph, s *scope, at *graphPath) {
	main := s.outer == nil && s.function == nil
	b.declareInputs(g, s, main)
	for _, t := range g.initializers {
		if b.stopped() {
			return
		}
		v := b.define(s, t.name, t.at)
		v.constant = t
		g.consts = append(g.consts, v)
		b.promotable(s, v, at, g, nil)
	}
	for _, sparse := range g.sparse {
		v := b.define(s, sparse.values.name, sparse.at)
		v.sparse = sparse
		g.sparses = append(g.sparses, v)
	}
	for i, n := range g.nodes {
		if b.stopped() {
			return
		}
		b.bindNode(n, s, at, i)
		if b.err == nil && n.is("Constant") {
			b.promotable(s, n.out[0], at, g, n)
		}
	}
	seen := map[string]bool{}
	for _, out := range g.outputs {
		v := s.values[out.name]
		if v == nil || seen[out.name] {
			b.fail(CodeNameUndefined, out.at, "the output %s is no value of its graph, or there twice", quote(out.name))
			return
		}
		seen[out.name] = true
		v.output = true
		g.outs = append(g.outs, v)
	}
}

// declareInputs defines a graph's inputs. Before IR version 4 the main graph
// lists its initializers among them; there they are constants. Later that means
// a default which each run may override, and weights are not for callers to
// replace.
func (b *binder) declareInputs(g *graph, s *scope, main bool) {
	initialized := make(map[string]bool, len(g.initializers))
	for _, t := range g.initializers {
		initialized[t.name] = true
	}
	for _, t := range g.sparse {
		initialized[t.values.name] = true
	}
	var inputs []*valueInfo
	for _, in := range g.inputs {
		if initialized[in.name] {
			if !main || b.model.version >= 4 {
				b.fail(CodeOverridable, in.at, "the initializer %s is also an input", quote(in.name))
			}
			continue
		}
		if main && in.typ == nil {
			b.fail(CodeType, in.at, "the input %s has no type", quote(in.name))
		}
		inputs = append(inputs, in)
		g.ins = append(g.ins, b.define(s, in.name, in.at))
	}
	g.inputs = inputs
}

// bindNode binds a node: its inputs, its subgraphs, then its outputs.
func (b *binder) bindNode(n *node, s *scope, at *graphPath, index int) {
	b.operator(n, s)
	for i, name := range n.inputs {
		if name == "" {
			n.in = append(n.in, nil)
			continue
		}
		v := s.lookup(name)
		if v == nil {
			b.fail(CodeNameUndefined, n.at, "%s uses %s before it is defined", n, quote(name))
			return
		}
		v.uses = append(v.uses, use{n, i})
		n.in = append(n.in, v)
	}
	b.bindAttributes(n, s, at, index)
	for _, name := range n.outputs {
		if name == "" {
			n.out = append(n.out, nil)
			continue
		}
		n.out = append(n.out, b.define(s, name, n.at))
	}
	b.judgeNode(n, s)
}

// bindAttributes binds the subgraphs among the attributes.
func (b *binder) bindAttributes(n *node, s *scope, at *graphPath, index int) {
	for _, a := range n.attributes {
		if a.ref != "" {
			b.reference(a, s)
		}
		for i, g := range a.graphs {
			b.subgraph(g, s.inner(), at.step(n, index).value(a.name, i, len(a.graphs)))
		}
	}
}

// reference checks that an attribute refers to one of the enclosing function.
func (b *binder) reference(a *attribute, s *scope) {
	if s.function == nil {
		b.fail(CodeAttribute, a.at, "the attribute %s refers to one of a function, outside of any", quote(a.name))
		return
	}
	if s.attributes[a.ref] {
		return
	}
	b.fail(CodeAttribute, a.at, "the attribute %s refers to %s, which the function has not", quote(a.name), quote(a.ref))
}

// judgeNode checks what the later passes rely on in the nodes that they know.
func (b *binder) judgeNode(n *node, s *scope) {
	switch {
	case b.err != nil:
	case n.is("Constant"):
		ok := len(n.in) == 0 && len(n.out) == 1 && n.out[0] != nil && len(n.attributes) == 1
		if !ok {
			b.fail(CodeNode, n.at, "%s is not one value with one name", n)
			return
		}
		b.judgeConstant(n, n.attributes[0])
	case n.is("If"):
		then, other := n.subgraph("then_branch"), n.subgraph("else_branch")
		if then == nil || other == nil || len(n.in) != 1 || n.in[0] == nil ||
			len(then.inputs)+len(other.inputs) > 0 || len(then.outputs) != len(other.outputs) || len(n.out) > len(then.outputs) {
			b.fail(CodeNode, n.at, "%s has no two branches that fit it", n)
		}
	case n.is("Loop"):
		body := n.subgraph("body")
		if body == nil || len(n.in) < 2 || len(body.inputs) != len(n.in) || len(body.outputs) < len(n.in)-1 || len(n.out) > len(body.outputs)-1 {
			b.fail(CodeNode, n.at, "%s has no body that fits it", n)
		}
	case n.is("Scan"):
		if n.subgraph("body") == nil {
			b.fail(CodeNode, n.at, "%s has no body", n)
		}
	}
}

// judgeConstant checks that the one attribute of a Constant is a value of the
// type that its name says.
func (b *binder) judgeConstant(n *node, a *attribute) {
	want, ok := map[string]attributeType{
		"value": tensorAttribute, "sparse_value": sparseAttribute,
		"value_float": floatAttribute, "value_floats": floatsAttribute,
		"value_int": intAttribute, "value_ints": intsAttribute,
		"value_string": stringAttribute, "value_strings": stringsAttribute,
	}[a.name]
	if !ok || a.ref == "" && a.typ != want {
		b.fail(CodeNode, n.at, "%s holds its value in %s", n, quote(a.name))
		return
	}
	switch {
	case a.ref != "":
	case want == tensorAttribute:
		n.out[0].constant = a.tensors[0]
	case want == sparseAttribute:
		n.out[0].sparse = a.sparses[0]
	}
}

// subgraph is the graph of an attribute; nil if there is none.
func (n *node) subgraph(name string) *graph {
	a := n.attribute(name)
	if a == nil || a.typ != graphAttribute || len(a.graphs) != 1 {
		return nil
	}
	return a.graphs[0]
}

// String names a node for people.
func (n *node) String() string {
	if n.name == "" {
		return "a node " + quote(n.op)
	}
	return "the node " + quote(n.name) + " (" + quote(n.op) + ")"
}
