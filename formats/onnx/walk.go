package onnx

// A visitor is shown every tensor that stays in the tree, with the path of its
// graph or node and the name that it has there.
type visitor struct {
	tensor func(path, name string, t *tensor)
	sparse func(s *sparseTensor)
}

func (v visitor) model(m *model) {
	v.graph(m.graph, "")
	for _, fn := range m.functions {
		path := fn.domain + "." + fn.name + "/"
		v.attributes(fn.defaults, path)
		v.nodes(fn.nodes, path)
	}
}

func (v visitor) graph(g *graph, path string) {
	for _, c := range g.consts {
		v.tensor(path, c.name, c.constant)
	}
	for _, s := range g.sparse {
		v.sparseTensor(s, path, s.values.name)
	}
	v.nodes(g.nodes, path)
}

func (v visitor) nodes(nodes []*node, path string) {
	for i, n := range nodes {
		if n.is("Constant") && n.out[0].constant != nil {
			v.tensor(path, n.out[0].name, n.out[0].constant)
			continue
		}
		if n.holds() {
			v.attributes(n.attributes, path+step(n, i)+"/")
		}
	}
}

func (v visitor) attributes(attributes []*attribute, path string) {
	for _, a := range attributes {
		for i, t := range a.tensors {
			v.tensor(path, a.name+nth(i, len(a.tensors)), t)
		}
		for i, s := range a.sparses {
			v.sparseTensor(s, path, a.name+nth(i, len(a.sparses)))
		}
		for i, g := range a.graphs {
			v.graph(g, path+a.name+nth(i, len(a.graphs))+"/")
		}
	}
}

func (v visitor) sparseTensor(s *sparseTensor, path, name string) {
	v.tensor(path, name+"/values", s.values)
	v.tensor(path, name+"/indices", s.indices)
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
