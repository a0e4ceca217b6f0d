package onnx

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	o "github.com/weightgate/weightgate/formats/onnx/onnxtest"
)

// branch is a node of a tree: its number, and those of the nodes it goes on with.
type branch struct{ node, yes, no int64 }

// ensemble is a model of one tree of those branches and of leaves.
func ensemble(branches []branch, leaves ...int64) []byte {
	var trees, nodes, yes, no []int64
	var modes o.Part
	add := func(b branch, mode string) {
		trees, nodes, yes, no = append(trees, 0), append(nodes, b.node), append(yes, b.yes), append(no, b.no)
		modes = append(modes, o.String(9, mode)...)
	}
	for _, b := range branches {
		add(b, "BRANCH_LEQ")
	}
	for _, leaf := range leaves {
		add(branch{leaf, 0, 0}, "LEAF")
	}
	return o.Model(o.IR(8), o.Opset("", 17), o.Opset("ai.onnx.ml", 3), o.Graph(x, y,
		o.Node("ai.onnx.ml:TreeEnsembleRegressor", "x", "y", o.Ints("nodes_treeids", trees...), o.Ints("nodes_nodeids", nodes...),
			o.Ints("nodes_truenodeids", yes...), o.Ints("nodes_falsenodeids", no...), o.Attribute("nodes_modes", 8, modes))))
}

// chain is branches that go on with each other on one side, and end with a leaf.
func chain(length int64) (branches []branch) {
	for i := range length {
		branches = append(branches, branch{i, i + 1, length})
	}
	return branches
}

func TestTrees(t *testing.T) {
	leftward := chain(maxTreeDepth)
	for i, b := range leftward {
		leftward[i] = branch{b.node, b.no, b.yes}
	}
	for _, c := range []struct {
		about string
		model []byte
		want  formats.Code
	}{
		{"a leaf", ensemble(nil, 0), ""},
		{"a stump", ensemble([]branch{{0, 1, 2}}, 1, 2), ""},
		{"as deep as may be", ensemble(chain(maxTreeDepth-1), maxTreeDepth-1), ""},
		{"deeper", ensemble(chain(maxTreeDepth), maxTreeDepth), CodeTrees},
		{"deeper on the other side", ensemble(leftward, maxTreeDepth), CodeTrees},
		{"deeper, and written from its leaf on", ensemble(reversed(chain(maxTreeDepth)), maxTreeDepth), CodeTrees},
		{"branches that meet", ensemble([]branch{{0, 2, 1}, {1, 2, 3}}, 2, 3), ""},
		{"a branch to itself", ensemble([]branch{{0, 0, 1}}, 1), CodeTrees},
		{"a ring", ensemble([]branch{{0, 1, 2}, {1, 0, 2}}, 2), CodeTrees},
		{"a ring beside a tree", ensemble([]branch{{0, 1, 1}, {2, 3, 1}, {3, 2, 1}}, 1), CodeTrees},
		{"a node twice", ensemble([]branch{{0, 1, 2}, {0, 2, 1}}, 1, 2), CodeTrees},
		{"lists of different length", o.Model(o.IR(8), o.Opset("", 17), o.Opset("ai.onnx.ml", 3), o.Graph(x, y,
			o.Node("ai.onnx.ml:TreeEnsembleClassifier", "x", "y", o.Ints("nodes_treeids", 0), o.Ints("nodes_nodeids", 0),
				o.Ints("nodes_truenodeids", 0, 1), o.Ints("nodes_falsenodeids", 0), o.Attribute("nodes_modes", 8, o.String(9, "LEAF"))))), CodeTrees},
		{"no lists", o.Model(o.IR(8), o.Opset("", 17), o.Opset("ai.onnx.ml", 3), o.Graph(x, y, o.Node("ai.onnx.ml:TreeEnsembleClassifier", "x", "y"))), CodeTrees},
	} {
		_, err := Read(context.Background(), open(t, tree(c.model), "model.onnx"), formats.Limits{})
		if c.want == "" {
			require.NoError(t, err, c.about)
			continue
		}
		syntax, ok := errors.AsType[*formats.SyntaxError](err)
		require.True(t, ok, c.about)
		require.Equal(t, c.want, syntax.Code, c.about)
	}
}

func reversed(list []branch) []branch {
	slices.Reverse(list)
	return list
}
