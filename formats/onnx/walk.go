package onnx

// A visitor is shown every tensor that stays in the tree, with the path to it.
type visitor struct {
	tensor func(at *graphPath, t *tensor)
	sparse func(s *sparseTensor)
}

func (v visitor) model(m *model) {
	v.graph(m.graph, nil)
	for _, fn := range m.functions {
		at := &graphPath{nil, fn.domain + "." + fn.name, -1}
		v.attributes(fn.defaults, at)
		v.nodes(fn.nodes, at)
	}
}

func (v visitor) graph(g *graph, at *graphPath) {
	for _, c := range g.consts {
		v.tensor(at.named(c.name), c.constant)
	}
	for _, s := range g.sparse {
		v.sparseTensor(s, at.named(s.values.name))
	}
	v.nodes(g.nodes, at)
}

func (v visitor) nodes(nodes []*node, at *graphPath) {
	for i, n := range nodes {
		if n.is("Constant") && n.out[0].constant != nil {
			v.tensor(at.named(n.out[0].name), n.out[0].constant)
			continue
		}
		if n.holds() {
			v.attributes(n.attributes, at.step(n, i))
		}
	}
}

func (v visitor) attributes(attributes []*attribute, at *graphPath) {
	for _, a := range attributes {
		for i, t := range a.tensors {
			v.tensor(at.value(a.name, i, len(a.tensors)), t)
		}
		for i, s := range a.sparses {
			v.sparseTensor(s, at.value(a.name, i, len(a.sparses)))
		}
		for i, g := range a.graphs {
			v.graph(g, at.value(a.name, i, len(a.graphs)))
		}
	}
}

func (v visitor) sparseTensor(s *sparseTensor, at *graphPath) {
	v.tensor(at.named("values"), s.values)
	v.tensor(at.named("indices"), s.indices)
	v.sparse(s)
}

// holds reports whether an attribute of the node holds tensors or graphs.
func (n *node) holds() bool {
	for _, a := range n.attributes {
		if len(a.tensors)+len(a.sparses)+len(a.graphs) > 0 {
			return true
		}
	}
	return false
}
