package onnx

import (
	"cmp"
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
	value    *value
	at       *graphPath // of the graph
	graph    *graph
	node     *node  // the Constant, nil for an initializer
	returned *value // what the graph returns in place of value, if it does
}

// promotable notes a tensor that the main graph could hold as an initializer.
// Function bodies cannot see the main graph: their tensors stay inline.
func (b *binder) promotable(s *scope, v *value, at *graphPath, g *graph, n *node) {
	if v == nil || v.constant == nil || s.function != nil {
		return
	}
	b.movable[v.constant] = v.name
	b.promotions = append(b.promotions, &promotion{value: v, at: at, graph: g, node: n})
}

// promote moves the weights into the main graph, where alone a runtime takes
// initializers from its caller. Subgraphs see them there by name.
func (b *binder) promote() []*promotion {
	var promoted []*promotion
	taken := map[string]int{}
	for _, p := range b.promotions {
		if b.stopped() {
			return nil
		}
		if !p.value.constant.placed() {
			continue
		}
		original := p.value.name
		full := p.at.named(original).String()
		if !b.keep(int64(len(full))) {
			return nil
		}
		p.value.name = original
		if p.at != nil || b.names[original] > 1 {
			p.value.name = b.fresh(full, taken)
		}
		if p.value.output && (p.graph != b.model.graph || p.value.name != original) {
			p.returnAs(original)
		}
		promoted = append(promoted, p)
	}
	b.model.graph.withdraw(promoted)
	return promoted
}

// fresh is a name for the value at a path that no other value has. taken counts
// the names that were made of each path.
func (b *binder) fresh(path string, taken map[string]int) string {
	name := path
	for b.names[name] > 0 {
		taken[path]++
		name = fmt.Sprintf("%s_%d", path, taken[path])
	}
	b.names[name]++
	return name
}

// returnAs lets the graph return the value under another name: a subgraph cannot
// return a value of a graph around it.
func (p *promotion) returnAs(name string) {
	p.returned = &value{name: name, output: true}
	n := &node{at: p.graph.at, op: "Identity", in: []*value{p.value}, out: []*value{p.returned}}
	p.value.uses = append(p.value.uses, use{n, 0})
	p.value.output = false
	p.graph.nodes = append(p.graph.nodes, n)
}

// withdraw takes the promoted tensors out of the graphs that held them, also of
// what those return, and puts them before the main graph's own initializers.
func (g *graph) withdraw(promoted []*promotion) {
	values, nodes := map[*value]bool{}, map[*node]bool{}
	returned := map[*value]*value{}
	holders := map[*graph]bool{}
	for _, p := range promoted {
		g.weights = append(g.weights, p.value)
		values[p.value], nodes[p.node], holders[p.graph] = true, true, true
		if p.returned != nil {
			returned[p.value] = p.returned
		}
	}
	for holder := range holders {
		holder.consts = without(holder.consts, values)
		holder.nodes = without(holder.nodes, nodes)
		for i, v := range holder.outs {
			holder.outs[i] = cmp.Or(returned[v], v)
		}
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
var borrowers = map[string]int{"/MatMul": 1, "/Gemm": 1, "/Gather": 0, "/DequantizeLinear": 0}

// borrows reports whether all consumers of a weight compute on the caller's
// memory. A node that a runtime may fold reads its inputs through the graph.
func (v *value) borrows() bool {
	for _, u := range v.uses {
		input, ok := borrowers[u.node.operator()]
		if !ok || input != u.input || u.node.calls != nil || u.node.folds {
			return false
		}
	}
	return !v.output
}
