package mutants_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy/internal/mutants"
)

func TestEdits(t *testing.T) {
	edits := mutants.Edits([]byte(`{ "a": [1, "x"], "b": {} }`))
	for what, text := range map[string]string{
		"a member dropped":      `{"b":{}}`,
		"a member doubled":      `{"a":[1,"x"],"b":{},"b":{}}`,
		"a member renamed":      `{"a":[1,"x"],"bx":{}}`,
		"a member in capitals":  `{"a":[1,"x"],"A":[1,"x"],"b":{}}`,
		"a member of null":      `{"a":null,"b":{}}`,
		"an element dropped":    `{"a":["x"],"b":{}}`,
		"an element doubled":    `{"a":[1,1,"x"],"b":{}}`,
		"another type":          `{"a":[1,{}],"b":{}}`,
		"another number":        `{"a":[2,"x"],"b":{}}`,
		"another order":         `{"a":["x",1],"b":{}}`,
		"a text that hides":     "{\"a\":[1,\"x\u202e\"],\"b\":{}}",
		"two documents":         `{"a":[1,"x"],"b":{}}{"a":[1,"x"],"b":{}}`,
		"nothing where one was": `{"a":,"b":{}}`,
	} {
		require.Contains(t, edits, text, what)
	}
	require.NotContains(t, edits, `{"a":[1,"x"],"b":{}}`)
	require.True(t, slices.IsSorted(edits))
}

func TestOf(t *testing.T) {
	text := []byte(`[1]`)
	all := slices.Collect(mutants.Of(text, 1, 2))
	require.Equal(t, [][]byte{[]byte(`Z1]`), []byte(`Y1]`), []byte(`[0]`), []byte(`[3]`), []byte(`[1\`), []byte(`[1_`)}, all[:6])
	require.Len(t, all, 6+len(mutants.Edits(text)))
	require.Equal(t, `[1]`, string(text))
	for range mutants.Of(text, 1) {
		break
	}
}
