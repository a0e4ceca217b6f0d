package onnx

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
)

// result is what onnx's reference implementation computed (testdata/gen.py).
type result struct {
	Dims     []int64
	Integral bool
	Values   []int64
}

// TestRulesAgreeWithTheReference infers the outputs of onnx's own test cases,
// their inputs being constants. What a rule says to know must be what was
// computed; a case without a rule is refused, as it folds into nobody knows what.
func TestRulesAgreeWithTheReference(t *testing.T) {
	text, err := os.ReadFile("testdata/nodes.json")
	require.NoError(t, err)
	var cases []struct {
		Name    string
		Model   []byte
		Outputs []result
	}
	require.NoError(t, json.Unmarshal(text, &cases))
	dims, elements := 0, 0
	for _, c := range cases {
		m, err := Read(context.Background(), open(t, tree(c.Model), "model.onnx"), formats.Limits{})
		if syntax, ok := errors.AsType[*formats.SyntaxError](err); ok {
			require.Equal(t, CodeFoldUnbounded, syntax.Code, c.Name)
			continue
		}
		require.NoError(t, err, c.Name)
		g := m.tree.graph
		a := newFolding(&faults{}, formats.Limits{MaxFold: 1 << 30}.WithDefaults())
		facts := a.graph(g, &frame{facts: map[*value]fact{}}, nil)
		require.NoError(t, a.err, c.Name)
		for i, f := range facts {
			d, e := agree(t, c.Name, f, c.Outputs[i])
			dims, elements = dims+d, elements+e
		}
	}
	require.Greater(t, dims, 300, "dimensions that were compared")
	require.Greater(t, elements, 60, "elements that were compared")
}

// agree counts the numbers of a fact that are known.
func agree(t *testing.T, name string, f fact, want result) (dims, elements int) {
	if f.ranked {
		require.Len(t, f.dims, len(want.Dims), name)
	}
	for i, d := range f.dims {
		dims += agreeNumber(t, name, f.folds, d, want.Dims[i])
	}
	for i, e := range f.elements {
		if !want.Integral {
			require.NotEqual(t, known, e.state, "%s: a float that is taken for an integer", name)
			continue
		}
		elements += agreeNumber(t, name, f.folds, e, want.Values[i])
	}
	return dims, elements
}

func agreeNumber(t *testing.T, name string, folds bool, n number, want int64) int {
	switch n.state {
	case known:
		require.Equal(t, want, n.v, name)
		return 1
	case atMost:
		require.LessOrEqual(t, want, n.v, name)
	case onlyRun:
		require.False(t, folds, "%s: computed from constants, yet said to be open", name)
	}
	return 0
}
