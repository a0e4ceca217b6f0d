//go:build linux && amd64 && cgo

package sentence_test

import (
	"encoding/binary"
	"encoding/json"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/examples/embed/tokenizer"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/gpu"
	"github.com/weightgate/weightgate/policy"
)

// The sentence: what PyTorch saved as a pickle is read in a sandbox, made into
// safetensors, held against a signature and pins, computed by a graph that was
// built from the config, and gives the embeddings that transformers gives.
func TestSentence(t *testing.T) {
	p := publish(t, "pytorch_model.bin", checkpoint(t, "checkpoint.json.gz", publishedWeights(t)))

	m, err := p.load(t)
	require.NoError(t, err)
	report := m.Report()
	require.True(t, m.Vouched())
	require.Equal(t, policy.Pending, m.Verdict(), "the library and the session are not there yet")
	require.Equal(t, "publisher", report.Evidence.Signatures[0].By)
	require.Len(t, report.Conversions, 1)
	require.GreaterOrEqual(t, report.Conversions[0].Sandbox.Level, formats.SandboxSeccomp)
	require.Equal(t, "model.safetensors", report.Conversions[0].Derived)
	derived, err := fs.ReadFile(m.FS(), "model.safetensors")
	require.NoError(t, err)
	require.NoError(t, m.Close())
	requireReference(t, p)

	// What came of the conversion, published, signed and pinned by itself.
	requireReference(t, publish(t, "model.safetensors", derived))

	t.Run("refused", func(t *testing.T) { requireRefusals(t, p) })
	requireReference(t, p)
}

// requireReference holds what a publication computes, from text, against what
// transformers computes.
func requireReference(t testing.TB, p *publication) {
	t.Helper()
	m, err := p.load(t)
	require.NoError(t, err)
	defer m.Close()
	words, err := tokenizer.Open(m.FS())
	require.NoError(t, err)
	s, err := p.session(t, m)
	require.NoError(t, err)
	defer s.Close()

	want := references(t)
	var texts [][]int64
	for _, r := range want {
		ids, err := words.Encode(r.Text)
		require.NoError(t, err)
		require.Equal(t, r.IDs, ids, r.Text)
		texts = append(texts, ids)
	}
	for i, got := range embed(t, s, texts) {
		require.GreaterOrEqual(t, cosine(want[i].vector(), got), 0.9999, want[i].Text)
	}
}

// A reference is a sentence, and what transformers makes of it.
type reference struct {
	Text      string  `json:"text"`
	IDs       []int64 `json:"ids"`
	Embedding []byte  `json:"embedding"` // F32
}

func references(t testing.TB) []reference {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(sentenceData, "reference.json"))
	require.NoError(t, err)
	var list []reference
	require.NoError(t, json.Unmarshal(text, &list))
	require.GreaterOrEqual(t, len(list), 5)
	return list
}

func (r reference) vector() []float32 {
	v := make([]float32, len(r.Embedding)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(r.Embedding[4*i:]))
	}
	return v
}

// embed computes all texts, given as ids, as one batch.
func embed(t testing.TB, s *gpu.Session, texts [][]int64) [][]float32 {
	t.Helper()
	longest := 0
	for _, ids := range texts {
		longest = max(longest, len(ids))
	}
	values := map[string][]int64{}
	for _, name := range []string{"input_ids", "attention_mask", "token_type_ids"} {
		values[name] = make([]int64, len(texts)*longest)
	}
	for i, ids := range texts {
		for j, id := range ids {
			values["input_ids"][i*longest+j], values["attention_mask"][i*longest+j] = id, 1
		}
	}
	var inputs []gpu.Tensor
	for _, v := range s.Inputs() {
		require.Contains(t, values, v.Name)
		tensor, err := gpu.NewTensor(values[v.Name], int64(len(texts)), int64(longest))
		require.NoError(t, err)
		inputs = append(inputs, tensor)
	}
	outputs := make([]gpu.Tensor, len(s.Outputs()))
	require.NoError(t, s.Run(t.Context(), inputs, outputs))
	all, err := gpu.Data[float32](outputs[0])
	require.NoError(t, err)
	width := len(all) / len(texts)
	var rows [][]float32
	for i := range texts {
		rows = append(rows, all[i*width:(i+1)*width])
	}
	return rows
}

func cosine(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.NaN()
	}
	var dot, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		dot, aa, bb = dot+x*y, aa+x*x, bb+y*y
	}
	return dot / math.Sqrt(aa*bb)
}
