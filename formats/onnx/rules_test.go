package onnx

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzRules: who knows less of the inputs is never surer of the outputs. Each
// rule infers the outputs of random inputs, and again with some of their
// numbers forgotten; what it still says must hold of what it said before.
func FuzzRules(f *testing.F) {
	names := slices.Sorted(maps.Keys(rules))
	require.NotEmpty(f, names)
	for i := range 4 * len(names) {
		f.Add(uint16(i), uint64(i))
	}
	f.Fuzz(func(t *testing.T, which uint16, seed uint64) {
		name := names[int(which)%len(names)]
		r := rand.New(rand.NewPCG(uint64(which), seed))
		domain, op, _ := strings.Cut(name, "/")
		sure := &operation{node: randomNode(r, domain, op), frame: &frame{}}
		for _, v := range sure.node.in {
			sure.in = append(sure.in, fact{})
			if v != nil {
				sure.in[len(sure.in)-1] = randomFact(r)
			}
		}
		less := &operation{node: sure.node, frame: sure.frame}
		for _, f := range sure.in {
			less.in = append(less.in, forget(r, f))
		}
		before, after := sure.infer(), less.infer()
		require.Len(t, after, len(before))
		for i := range after {
			holds(t, name, after[i], before[i])
		}
	})
}

func randomNode(r *rand.Rand, domain, op string) *node {
	n := &node{domain: domain, op: op, out: make([]*value, 1+r.IntN(3))}
	for range r.IntN(5) {
		var v *value
		if r.IntN(8) > 0 {
			v = &value{}
		}
		n.in = append(n.in, v)
	}
	for _, name := range []string{"axis", "keepdims", "allowzero", "start", "end", "batch_dims", "blocksize", "noop_with_empty_axes", "to", "transA", "N", "hidden_size", "layout", "group", "ceil_mode", "k"} {
		if r.IntN(3) == 0 {
			n.attributes = append(n.attributes, &attribute{name: name, typ: intAttribute, i: small(r)})
		}
	}
	for _, name := range []string{"axes", "perm", "pads", "split", "starts", "ends", "shape", "kernel_shape", "strides", "dilations"} {
		if r.IntN(4) == 0 {
			a := &attribute{name: name, typ: intsAttribute}
			for range r.IntN(5) {
				a.ints = append(a.ints, small(r))
			}
			n.attributes = append(n.attributes, a)
		}
	}
	return n
}

// small is mostly a number that shapes are made of, sometimes one that breaks them.
func small(r *rand.Rand) int64 {
	if r.IntN(20) == 0 {
		return []int64{-1 << 63, 1<<63 - 1, 1 << 40, -1 << 40}[r.IntN(4)]
	}
	return r.Int64N(7) - 2
}

// randomFact is a constant, all of which is known.
func randomFact(r *rand.Rand) fact {
	f := fact{folds: true, ranked: true, width: []int64{1, 4, 8}[r.IntN(3)]}
	for range r.IntN(5) {
		f.dims = append(f.dims, is(r.Int64N(5)))
	}
	if n, ok := f.count(); ok && r.IntN(4) > 0 {
		for range n {
			f.elements = append(f.elements, is(small(r)))
		}
	}
	f.wrap()
	return f
}

// forget is f with some of its numbers less sure.
func forget(r *rand.Rand, f fact) fact {
	less := f
	weaken := func(list []number) []number {
		list = slices.Clone(list)
		for i, n := range list {
			switch {
			case r.IntN(3) > 0 || n.state != known:
			case r.IntN(2) == 0 && n.v >= 0 && n.v < 1<<50:
				list[i] = upTo(n.v + r.Int64N(3))
			default:
				list[i] = number{}
			}
		}
		return list
	}
	less.dims, less.elements = weaken(f.dims), weaken(f.elements)
	switch r.IntN(8) {
	case 0:
		less.ranked, less.dims, less.elements = false, nil, nil
	case 1:
		less.elements = nil
	}
	if n, ok := less.count(); !ok || n != len(less.elements) {
		less.elements = nil
	}
	return less
}

// holds checks what was said with less knowledge against what was said with more.
func holds(t *testing.T, name string, less, more fact) {
	if !less.ranked || !more.ranked {
		return
	}
	require.Len(t, less.dims, len(more.dims), name)
	for i, d := range less.dims {
		holdsNumber(t, name, d, more.dims[i])
	}
	for i := range min(len(less.elements), len(more.elements)) {
		holdsNumber(t, name, less.elements[i], more.elements[i])
	}
}

func holdsNumber(t *testing.T, name string, less, more number) {
	if more.state != known {
		return
	}
	switch less.state {
	case known:
		require.Equal(t, more.v, less.v, name)
	case atMost:
		require.LessOrEqual(t, more.v, less.v, name)
	case onlyRun:
		require.Fail(t, "open, though all that it comes from may be known", name)
	}
}
