package sidecar_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/sidecar"
)

// The text that Python's json.dump(index, f, indent=4) writes.
const movedShards = `{
    "metadata": {
        "total_size": 12,
        "x": [
            1,
            2.5,
            13000000000.0,
            1e-05,
            1e+16,
            0,
            -0.0,
            {
                "a": []
            }
        ],
        "e": {}
    },
    "weight_map": {
        "a.w": "model-00001-of-00002.safetensors",
        "b\u00e9\ud83d\ude00\"\\\n\u007f": "model-00002-of-00002.safetensors"
    },
    "last": null,
    "t": true
}`

func TestMoveShards(t *testing.T) {
	index := `{"metadata": {"total_size": 12, "x": [1, 2.5, 1.3e10, 0.00001, 10000000000000000.0, -0, -0.0, {"a": []}], "e": {}}, "weight_map": {` +
		`"a.w": "pytorch_model-00001-of-00002.bin", "tied": "pytorch_model-00001-of-00002.bin", ` +
		`"b\u00e9😀\"\\\n\u007f": "pytorch_model-00002-of-00002.bin"}, "last": null, "t": true}`
	text, err := sidecar.MoveShards(t.Context(), opened(t, index), formats.Limits{}, func(shard, tensor string) (string, bool) {
		return strings.ReplaceAll(strings.TrimSuffix(shard, ".bin"), "pytorch_", "") + ".safetensors", tensor != "tied"
	})
	require.NoError(t, err)
	require.Equal(t, movedShards, string(text))

	for name, bad := range map[string]string{
		"cut":            index[:100],
		"a number":       `{"weight_map": {"a": 1}}`,
		"not an object":  `{"weight_map": `,
		"a nested shard": `{"weight_map": {"a": {}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			text, err := sidecar.MoveShards(t.Context(), opened(t, bad), formats.Limits{}, func(shard, _ string) (string, bool) { return shard, true })
			require.Error(t, err)
			require.Nil(t, text)
		})
	}
	_, err = sidecar.MoveShards(t.Context(), opened(t, index), formats.Limits{MaxHeader: 10}, nil)
	require.Error(t, err)

	// What is small and deep, or small and long once it is indented.
	same := func(shard, _ string) (string, bool) { return shard, true }
	deep := `{"x": ` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "}"
	_, err = sidecar.MoveShards(t.Context(), opened(t, deep), formats.Limits{}, same)
	require.ErrorContains(t, err, "MaxNesting")
	wide := strings.Repeat("[", 29) + strings.Repeat("1,", 20_000) + "1" + strings.Repeat("]", 29)
	_, err = sidecar.MoveShards(t.Context(), opened(t, `{"x": `+wide+"}"), formats.Limits{MaxHeader: 1 << 20}, same)
	require.ErrorContains(t, err, "MaxHeader")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = sidecar.MoveShards(ended, opened(t, index), formats.Limits{}, same)
	require.ErrorIs(t, err, context.Canceled)
}

// Whatever the index, what is kept says the same as before.
func FuzzMoveShards(f *testing.F) {
	f.Add([]byte(`{"weight_map": {"a": "b"}, "x": [1, {"y": null}]}`))
	f.Add([]byte(movedShards))
	f.Add([]byte(strings.Repeat("2", 400)))
	f.Fuzz(func(t *testing.T, index []byte) {
		text, err := sidecar.MoveShards(t.Context(), opened(t, string(index)), formats.Limits{}, func(shard, _ string) (string, bool) { return shard, true })
		if err != nil {
			return
		}
		require.Equal(t, firstValue(t, index), firstValue(t, text)) // what follows is Inspect's to refuse
	})
}

// firstValue keeps numbers beyond a float64 as they are written.
func firstValue(t *testing.T, text []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	require.NoError(t, d.Decode(&v))
	return numbered(v)
}

func numbered(v any) any {
	switch v := v.(type) {
	case json.Number:
		if f, err := v.Float64(); err == nil {
			return f
		}
	case []any:
		for i := range v {
			v[i] = numbered(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = numbered(v[k])
		}
	}
	return v
}

func opened(t *testing.T, text string) formats.Input {
	t.Helper()
	in, err := formats.Open(fstest.MapFS{"index.json": {Data: []byte(text)}}, "index.json")
	require.NoError(t, err)
	t.Cleanup(func() { in.Close() })
	return in
}
