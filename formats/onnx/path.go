package onnx

import "fmt"

// A graphPath leads from the main graph, which is nil, or from a function to a graph,
// node, attribute or tensor. It is a chain, so that its text, which a file can
// make long, is written only for the few tensors that a report names.
type graphPath struct {
	outer *graphPath
	name  string
	index int // tells those of one name apart; -1 if there is one
}

// step is the path to a node of the graph at p.
func (p *graphPath) step(n *node, index int) *graphPath {
	if n.name != "" {
		return &graphPath{p, n.name, -1}
	}
	return &graphPath{p, n.op, index}
}

// value is the path to the i-th of the values of an attribute at p.
func (p *graphPath) value(name string, i, of int) *graphPath {
	if of == 1 {
		i = -1
	}
	return &graphPath{p, name, i}
}

func (p *graphPath) named(name string) *graphPath { return &graphPath{p, name, -1} }

// String has a slash between the steps.
func (p *graphPath) String() string {
	text := p.name
	if p.index >= 0 {
		text = fmt.Sprintf("%s_%d", p.name, p.index)
	}
	if p.outer == nil {
		return text
	}
	return p.outer.String() + "/" + text
}
