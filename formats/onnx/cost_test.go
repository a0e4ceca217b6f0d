package onnx

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	o "github.com/weightgate/weightgate/formats/onnx/onnxtest"
)

// allocated is how many bytes f allocates in all.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// parts is n of them.
func parts(n int, part func(i int) o.Part) o.Part {
	var all o.Part
	for i := range n {
		all = append(all, part(i)...)
	}
	return all
}

func TestMemoryIsInProportionToTheFile(t *testing.T) {
	const n = 1 << 19
	empty := func(number int) o.Part { return slices.Repeat(o.Part(o.Message(number)), n) }
	for name, graph := range map[string]o.Part{
		"nodes":        empty(1),
		"initializers": slices.Repeat(o.Initializer(o.Head("", f32, 0)), n),
		"inputs":       empty(11),
		"outputs":      empty(12),
		"types":        slices.Repeat(o.Message(11, o.Message(2, o.Message(1, o.Varint(1, f32)))), n),
		"names":        o.Message(1, empty(1)),
		"attributes":   o.Message(1, slices.Repeat(o.Int("a", 1), n)),
		"strings":      o.Message(1, o.Attribute("a", 8, empty(9))),
		"text":         o.Initializer(o.Head("t", 8, n), empty(6)),
		"defined": parts(100_000, func(i int) o.Part {
			return o.Node("Relu", "x", fmt.Sprintf("%x", i))
		}),
	} {
		model := tree(o.Standard(x, y, graph))
		in := open(t, model, "model.onnx")
		total := allocated(func() {
			// The counts have limits of their own; here they do not help.
			_, err := Read(context.Background(), in, formats.Limits{MaxNodes: n, MaxTensors: n})
			require.Error(t, err, name)
		})
		require.Less(t, total, 3*max(smallTree, treePerByte*int(in.Size())), name)
	}
}

func TestTheFileBoundsItsTree(t *testing.T) {
	chain := []o.Part{x, o.Output("r1", f32), o.Node("Relu", "x", "r0")}
	for i := range 60_000 {
		chain = append(chain, o.Node("Relu", fmt.Sprintf("r%d", i), fmt.Sprintf("r%d", i+1)))
	}
	require.Equal(t, CodeLimit, code(t, o.Standard(chain...), formats.Limits{}))
	described := append(chain, o.String(10, strings.Repeat("what the graph is for ", 300_000)))
	_, err := Read(context.Background(), open(t, tree(o.Standard(described...)), "model.onnx"), formats.Limits{})
	require.NoError(t, err)
}

func TestPathsAreWrittenForReportsAlone(t *testing.T) {
	long := strings.Repeat("n", 100_000)
	filled := parts(2000, func(i int) o.Part {
		return o.Node("ConstantOfShape", "n", fmt.Sprintf("o%d", i), o.Tensor("value", o.Head("", f32, 1), o.Raw(make([]byte, 4))))
	})
	listed := o.Node("Relu", "x", "r", o.Attribute(long, 9, slices.Repeat(o.Message(10, o.Head("", f32, 1), o.Raw(make([]byte, 4))), 2000)))
	in := open(t, tree(o.Standard(o.Input("c", bit), o.Input("n", i64, 1), x, y, listed,
		o.Node("If", "c", "y", o.NodeName(long), o.Body("then_branch", filled, o.Output("o1", f32)), o.Body("else_branch", filled, o.Output("o2", f32))))), "model.onnx")
	total := allocated(func() {
		_, err := Read(context.Background(), in, formats.Limits{})
		require.NoError(t, err)
	})
	require.Less(t, total, 64<<20)
}

func TestManyWeightsAreReturned(t *testing.T) {
	branch := func(name, prefix string) o.Part {
		one := func(i int) o.Part {
			return slices.Concat(o.Node("Constant", "", fmt.Sprint(prefix, i), o.Tensor("value", weight("", byte(i)))), o.Output(fmt.Sprint(prefix, i), f32))
		}
		return o.Body(name, parts(5, one))
	}
	m := read(t, tree(o.Standard(o.Input("c", bit), y, o.Node("If", "c", "y b c1 d e", branch("then_branch", "t"), branch("else_branch", "e")))))
	require.Len(t, m.Weights(), 10)
	sub := m.tree.graph.nodes[0].subgraph("else_branch")
	for i, n := range sub.nodes {
		require.Equal(t, fmt.Sprint("e", i), n.out[0].name)
		require.Same(t, n.out[0], sub.outs[i])
		require.Equal(t, fmt.Sprint("If_0/else_branch/e", i), n.in[0].name)
	}
}

// impatient ends at the last of so many looks at it.
type impatient struct {
	context.Context
	looks, last int
}

func (c *impatient) Err() error {
	if c.looks++; c.looks == c.last {
		return context.Canceled
	}
	return nil
}

func TestReadEndsWithItsContext(t *testing.T) {
	const n = 5000
	in := open(t, tree(o.Standard(x, y, o.Node("Relu", "x", "y"), o.Input("c", bit), o.Node("If", "c", "z",
		o.Body("then_branch", parts(n, func(i int) o.Part { return o.Node("Relu", "x", fmt.Sprint("t", i)) }), o.Output("t0", f32)),
		o.Body("else_branch", parts(n, func(i int) o.Part { return o.Initializer(weightless(fmt.Sprint("e", i))) }), o.Output("e0", f32))))), "model.onnx")
	patient := &impatient{Context: context.Background()}
	_, err := Read(patient, in, formats.Limits{})
	require.NoError(t, err)
	windows := int(in.Size()/windowSize) + 1
	require.GreaterOrEqual(t, patient.looks, windows+6*n/1024, "each pass over the tree looks too")
	for last := range patient.looks {
		m, err := Read(&impatient{Context: context.Background(), last: last + 1}, in, formats.Limits{})
		require.Nil(t, m)
		require.ErrorIs(t, err, context.Canceled, "%d of %d", last+1, patient.looks)
	}
}

// weightless is a tensor of one small value.
func weightless(name string) o.Part {
	return slices.Concat(o.Head(name, f32, 1), o.Raw(make([]byte, 4)))
}
