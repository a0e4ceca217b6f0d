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
	Name     string // no other node has it, and no operator of a pack
	Operator string // with its domain unless that is ai.onnx: com.microsoft/FusedMatMul
	Floats   bool   // false only if it is known to compute integers and booleans alone
}

// Nodes are those of the main graph, each followed by those of its subgraphs.
func (m *Model) Nodes() []Node {
	var list []Node
	for _, n := range allNodes(m.tree.graph) {
		list = append(list, Node{Name: n.name, Operator: strings.TrimPrefix(n.operator(), "/"), Floats: n.floats})
	}
	return list
}

// allNodes walks a graph and its subgraphs, with each node's index in its own.
func allNodes(g *graph) iter.Seq2[int, *node] {
	return func(yield func(int, *node) bool) { walkNodes(g, yield) }
}

func walkNodes(g *graph, yield func(int, *node) bool) bool {
	for i, n := range g.nodes {
		if !yield(i, n) {
			return false
		}
		for _, a := range n.attributes {
			for _, inner := range a.graphs {
				if !walkNodes(inner, yield) {
					return false
				}
			}
		}
	}
	return true
}

// nameNodes gives every node a name that no other node has, since names are how
// a runtime says what it did with them. The first to bear a name keeps it; others
// are called by their operator and index, as paths call them.
func (r *reader) nameNodes(g *graph) {
	taken, keeps := map[string]bool{}, map[*node]bool{}
	for _, n := range allNodes(g) {
		if tellsApart(n.name) && !taken[n.name] {
			taken[n.name], keeps[n] = true, true
		}
	}
	repeats := map[string]int{}
	for i, n := range allNodes(g) {
		if r.stopped() {
			return
		}
		if keeps[n] {
			continue
		}
		first := fmt.Sprintf("%s_%d", n.op, i)
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

// tellsApart reports whether a name says which node is meant, also to policies,
// which list operators beside nodes.
func tellsApart(name string) bool {
	domain, op, qualified := strings.Cut(name, "/")
	if !qualified {
		domain, op = "", name
	}
	_, operator := packs[domain].since[op]
	return name != "" && (!operator || qualified && domain == "")
}
