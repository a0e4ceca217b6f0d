package onnx

import (
	"fmt"

	"github.com/weightgate/weightgate/formats"
)

// A Weight is a tensor that reaches a runtime beside the graph: an initializer
// or Constant of at least Threshold bytes, of the main graph or of a subgraph,
// whose bytes lie somewhere as they are.
type Weight struct {
	// Tensor is its place, in the graph's file or in a sibling. Its name is the
	// path through the graph: initializers and Constants of the main graph are
	// called what they are called there, in subgraphs the nodes and attributes
	// that lead to them stand before it, as in If_0/then_branch/weight.
	Tensor formats.Tensor

	// Initializer is its name among the main graph's initializers, as encoded.
	// There is one of it, whatever the subgraphs call theirs.
	Initializer string

	// Borrow says that every consumer lets ONNX Runtime compute on the caller's
	// memory (OrtApi AddInitializer). Elsewhere graph optimisers read the
	// initializer through its placeholder, and it has to be copied
	// (AddExternalInitializers).
	Borrow bool
}

// A promotion is an initializer or Constant that may become a Weight.
type promotion struct {
	value *value
	path  string // of the graph
	graph *graph
	node  *node // the Constant, nil for an initializer
}

// promotable notes a tensor that the main graph could hold as an initializer.
// Function bodies cannot see the main graph: their tensors stay inline.
func (b *binder) promotable(s *scope, v *value, path string, g *graph, n *node) {
	if v == nil || v.constant == nil || s.function != nil {
		return
	}
	b.movable[v.constant] = v.name
	b.promotions = append(b.promotions, &promotion{value: v, path: path, graph: g, node: n})
}

// step is a node's part of a graph path.
func step(n *node, index int) string {
	if n.name != "" {
		return n.name
	}
	return fmt.Sprintf("%s_%d", n.op, index)
}

// nth tells the values of a list attribute apart; one alone needs no number.
func nth(i, of int) string {
	if of == 1 {
		return ""
	}
	return fmt.Sprintf("_%d", i)
}

// promote moves the weights into the main graph, where alone a runtime takes
// initializers from its caller. Subgraphs see them there by name.
func (b *binder) promote() []*promotion {
	var promoted []*promotion
	taken := map[string]int{}
	for _, p := range b.promotions {
		if !p.value.constant.placed() {
			continue
		}
		original := p.value.name
		if !b.keep(int64(len(p.path) + len(original))) {
			return nil
		}
		p.value.name = b.fresh(p.path, original, taken)
		if p.value.output && (p.graph != b.model.graph || p.value.name != original) {
			p.graph.returnAs(p.value, original)
		}
		promoted = append(promoted, p)
	}
	b.model.graph.withdraw(promoted)
	return promoted
}

// fresh is a name for a value of the graph at path that no other value has.
// taken counts the names that were made of each path.
func (b *binder) fresh(path, original string, taken map[string]int) string {
	if path == "" && b.names[original] == 1 {
		return original
	}
	path += original
	name := path
	for b.names[name] > 0 {
		taken[path]++
		name = fmt.Sprintf("%s_%d", path, taken[path])
	}
	b.names[name]++
	return name
}

// returnAs lets the graph return v under another name: a subgraph cannot
// return a value of a graph around it.
func (g *graph) returnAs(v *value, name string) {
	out := &value{name: name, output: true}
	for i := range g.outs {
		if g.outs[i] == v {
			g.outs[i] = out
		}
	}
	n := &node{at: g.at, op: "Identity", in: []*value{v}, out: []*value{out}}
	v.uses = append(v.uses, use{n, 0})
	v.output = false
	g.nodes = append(g.nodes, n)
}

// withdraw takes the promoted tensors out of the graphs that held them, and
// puts them before the main graph's own initializers.
func (g *graph) withdraw(promoted []*promotion) {
	values, nodes := map[*value]bool{}, map[*node]bool{}
	holders := map[*graph]bool{}
	for _, p := range promoted {
		g.weights = append(g.weights, p.value)
		values[p.value], nodes[p.node], holders[p.graph] = true, true, true
	}
	for holder := range holders {
		holder.consts = without(holder.consts, values)
		holder.nodes = without(holder.nodes, nodes)
	}
}

func without[T comparable](list []T, gone map[T]bool) []T {
	var rest []T
	for _, x := range list {
		if !gone[x] {
			rest = append(rest, x)
		}
	}
	return rest
}

// borrowers are the operators, and their inputs, in which ONNX Runtime uses a
// caller's initializer at level ORT_ENABLE_ALL without reading it through the
// graph.
var borrowers = map[string]int{"MatMul": 1, "Gemm": 1, "Gather": 0, "DequantizeLinear": 0}

// borrows reports whether all consumers of a weight compute on the caller's
// memory. A node that a runtime may fold reads its inputs through the graph.
func (v *value) borrows() bool {
	for _, u := range v.uses {
		input, ok := borrowers[u.node.op]
		if !ok || input != u.input || u.node.domain != "" || u.node.calls != nil || u.node.folds {
			return false
		}
	}
	return !v.output
}
