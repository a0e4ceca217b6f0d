package soak_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/examples/embed/encoder"
	"github.com/weightgate/weightgate/examples/fetch/fetchtest"
	"github.com/weightgate/weightgate/gpu"
)

// config is that of MiniLM on the CPU, under the policy that the program has.
func config(t testing.TB) encoder.Config {
	t.Helper()
	return encoder.Config{
		Policy: "../policy.yaml", Name: "minilm", Device: gpu.CPU,
		Dir:     fetchtest.MiniLM(t),
		Library: fetchtest.Library(t),
	}
}

// A reference is a sentence, and what transformers makes of it.
type reference struct {
	Text      string `json:"text"`
	Embedding []byte `json:"embedding"` // F32
}

func references(t testing.TB) []reference {
	t.Helper()
	text, err := os.ReadFile("../sentence/testdata/reference.json")
	require.NoError(t, err)
	var list []reference
	require.NoError(t, json.Unmarshal(text, &list))
	require.NotEmpty(t, list)
	return list
}

func (r reference) vector() []float32 {
	v := make([]float32, len(r.Embedding)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(r.Embedding[4*i:]))
	}
	return v
}
