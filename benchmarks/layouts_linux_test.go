package benchmarks

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/benchmarks/internal/graphs"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/safetensors"
)

// A transformer is the tensors of a model whose blocks are those of Llama 2 7B,
// in BF16; that one is {32000, 4096, 11008, 32}.
type transformer struct{ vocabulary, hidden, inner, blocks int64 }

// halfWidth is one of 256 MiB times n, at half the width.
func halfWidth(n int64) transformer { return transformer{8064 * n, 2048, 5504, 2 * n} }

// mebibyte takes 1 MiB.
func mebibyte() transformer { return transformer{500, 128, 344, 2} }

// fullWidth is as many blocks of Llama 2 7B as size bytes hold, one at least.
func fullWidth(size int64) transformer {
	m := transformer{32000, 4096, 11008, 0}
	beside := bytesOf(m.tensors())
	m.blocks = 1
	block := bytesOf(m.tensors()) - beside
	m.blocks = min(32, max(1, (size-beside)/block))
	return m
}

func (m transformer) tensors() []safetensors.Tensor {
	var all []safetensors.Tensor
	add := func(name string, shape ...int64) {
		all = append(all, safetensors.Tensor{Name: name, DType: formats.BF16, Shape: shape})
	}
	add("model.embed_tokens.weight", m.vocabulary, m.hidden)
	for i := range m.blocks {
		block := fmt.Sprintf("model.layers.%d.", i)
		for _, p := range []string{"q", "k", "v", "o"} {
			add(block+"self_attn."+p+"_proj.weight", m.hidden, m.hidden)
		}
		add(block+"mlp.gate_proj.weight", m.inner, m.hidden)
		add(block+"mlp.up_proj.weight", m.inner, m.hidden)
		add(block+"mlp.down_proj.weight", m.hidden, m.inner)
		add(block+"input_layernorm.weight", m.hidden)
		add(block+"post_attention_layernorm.weight", m.hidden)
	}
	add("model.norm.weight", m.hidden)
	add("lm_head.weight", m.vocabulary, m.hidden)
	return all
}

// manySmall is n tensors of 4 KiB.
func manySmall(n int) []safetensors.Tensor {
	var all []safetensors.Tensor
	for i := range n {
		all = append(all, safetensors.Tensor{Name: fmt.Sprintf("experts.%d.scale", i), DType: formats.BF16, Shape: []int64{2048}})
	}
	return all
}

// bytesOf is the bytes of tensors in BF16.
func bytesOf(tensors []safetensors.Tensor) (n int64) {
	for _, t := range tensors {
		size := int64(2)
		for _, d := range t.Shape {
			size *= d
		}
		n += size
	}
	return n
}

const weightsName = "model.safetensors"

// writeTensors writes tensors, whose data is random, to a file in dir.
func writeTensors(t testing.TB, dir, name string, random *rand.ChaCha8, tensors []safetensors.Tensor) {
	t.Helper()
	header, placed, err := safetensors.Encode(tensors, map[string]string{"format": "pt"})
	require.NoError(t, err)
	require.NoError(t, graphs.WriteFile(filepath.Join(dir, name), func(w io.Writer) error {
		if _, err := w.Write(header); err != nil {
			return err
		}
		_, err := io.CopyN(w, random, placed[len(placed)-1].Place.End()-int64(len(header)))
		return err
	}))
}

// writeShards writes tensors to that many files of about the same size, and the
// index that says which file has which tensor.
func writeShards(t testing.TB, dir string, shards int, tensors []safetensors.Tensor) {
	t.Helper()
	total, random := bytesOf(tensors), graphs.Seeded()
	index := struct {
		Metadata  map[string]int64  `json:"metadata"`
		WeightMap map[string]string `json:"weight_map"`
	}{map[string]int64{"total_size": total}, map[string]string{}}
	for i := range shards {
		share := (bytesOf(tensors) + int64(shards-i) - 1) / int64(shards-i)
		n := 1
		for len(tensors)-n >= shards-i && bytesOf(tensors[:n]) < share {
			n++
		}
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, shards)
		for _, tensor := range tensors[:n] {
			index.WeightMap[tensor.Name] = name
		}
		writeTensors(t, dir, name, random, tensors[:n])
		tensors = tensors[n:]
	}
	require.Empty(t, tensors)
	text, err := json.Marshal(index)
	require.NoError(t, err)
	require.NoError(t, graphs.WriteFile(filepath.Join(dir, weightsName+".index.json"), func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	}))
}

// made writes a graph.
func made(g graphs.Graph) func(testing.TB, string) {
	return func(t testing.TB, dir string) {
		t.Helper()
		require.NoError(t, g.Write(dir))
	}
}

// newDir is a directory on the disk that -dir names.
func newDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(*dirFlag, "weightgate-benchmark-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}
