package onnx

import (
	"fmt"
	"iter"
	"strings"
)

// A Node is a node of the main graph or of a subgraph, as Encode writes it.
// Bodies of local functions are not among them: runtimes put copies of them in
// the place of each call, under names of their own.
type Node struct {
	Name     string // without brackets; no other node has it, and no operator of a pack
	Operator string // with its domain unless that is ai.onnx: com.microsoft/FusedMatMul
	Floats   bool   // false only if it is known to compute integers and booleans alone
}

// Encoded is the name as Encode writes it: in brackets, which no Name has. What a
// runtime calls the nodes that it makes, by putting text before, behind or between
// names that it was given, is then the name of none of these.
func (n Node) Encoded() string { return "[" + n.Name + "]" }

// Nodes are those of the main graph, each followed by those of its subgraphs.
func (m *Model) Nodes() []Node {
	var list []Node
	for _, n := range allNodes(m.tree.graph.nodes) {
		list = append(list, Node{Name: n.name, Operator: strings.TrimPrefix(n.operator(), "/"), Floats: n.floats})
	}
	return list
}

// allNodes walks nodes and their subgraphs', with each one's index in its own graph.
func allNodes(nodes []*node) iter.Seq2[int, *node] {
	return func(yield func(int, *node) bool) { walkNodes(nodes, yield) }
}

func walkNodes(nodes []*node, yield func(int, *node) bool) bool {
	for i, n := range nodes {
		if !yield(i, n) {
			return false
		}
		for _, a := range n.attributes {
			for _, inner := range a.graphs {
				if !walkNodes(inner.nodes, yield) {
					return false
				}
			}
		}
	}
	return true
}

// nameNodes gives every node a name that no other node has, since names are how
// a runtime says what it did with them. The first to bear a name keeps it; others
// are called by their operator and index, as paths call them. A name that Encode
// wrote is read as what it was written from.
func (r *reader) nameNodes(g *graph) {
	taken, keeps := map[string]bool{}, map[*node]bool{}
	for _, n := range allNodes(g.nodes) {
		n.named = true
		name := unbracketed(n.name)
		if tellsApart(name) && !taken[name] {
			n.name, taken[name], keeps[n] = name, true, true
		}
	}
	repeats := map[string]int{}
	for i, n := range allNodes(g.nodes) {
		if r.stopped() {
			return
		}
		if keeps[n] {
			continue
		}
		first := fmt.Sprintf("%s_%d", withoutBrackets(n.op), i)
		name := first
		for taken[name] {
			repeats[first]++
			name = fmt.Sprintf("%s_%d", first, repeats[first])
		}
		if !r.keep(int64(len(name))) {
			return
		}
		n.name, taken[name] = name, true
	}
}

// nameBodies leaves no name in the bodies of functions that copies of them could
// be taken for nodes of the graph by.
func nameBodies(functions []*function) {
	for _, fn := range functions {
		for _, n := range allNodes(fn.nodes) {
			n.name = withoutBrackets(n.name)
		}
	}
}

// unbracketed takes one pair of brackets off, in which Encode puts names.
func unbracketed(name string) string {
	if inner, ok := strings.CutPrefix(name, "["); ok {
		if inner, ok := strings.CutSuffix(inner, "]"); ok {
			return inner
		}
	}
	return name
}

// withoutBrackets takes all of them out.
func withoutBrackets(name string) string {
	return strings.NewReplacer("[", "", "]", "").Replace(name)
}

// tellsApart reports whether a name says which node is meant, also to policies,
// which list operators beside nodes.
func tellsApart(name string) bool {
	domain, op, qualified := strings.Cut(name, "/")
	if !qualified {
		domain, op = "", name
	}
	_, operator := packs[domain].since[op]
	return name != "" && !strings.ContainsAny(name, "[]") && (!operator || qualified && domain == "")
}
