package benchmarks

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

const modelName = "model"

func (j job) path(name string) string { return filepath.Join(j.Dir, name) }

// A transformer is the tensors of a model whose blocks are those of Llama 2 7B,
// in BF16.
type transformer struct{ vocabulary, hidden, inner, blocks int64 }

// gibibyte takes 1 GiB; at full size it is {32000, 4096, 11008, 32}.
func gibibyte() transformer { return transformer{32256, 2048, 5504, 8} }

// mebibyte takes 1 MiB.
func mebibyte() transformer { return transformer{500, 128, 344, 2} }

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

// newDir is a directory on the disk that -dir names.
func newDir(t testing.TB) string {
	dir, err := os.MkdirTemp(*dirFlag, "weightgate-benchmark-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// create writes a file and waits until storage has it: pages that are still to
// be written cannot leave the page cache.
func create(t testing.TB, path string, write func(io.Writer) error) {
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	f, err := os.Create(path)
	require.NoError(t, err)
	w := bufio.NewWriterSize(f, 1<<20)
	require.NoError(t, write(w))
	require.NoError(t, w.Flush())
	require.NoError(t, f.Sync())
	require.NoError(t, f.Close())
}

func seeded() *rand.ChaCha8 { return rand.NewChaCha8([32]byte{'w', 'e', 'i', 'g', 'h', 't', 's'}) }

func safetensorsOnly() formats.Set { return formats.Set{safetensors.Format()} }

// published is a new model, pinned. size is that of its one file.
func (m transformer) published(t testing.TB) (j job, size int64) {
	t.Helper()
	j = job{Dir: newDir(t), Files: []string{"model.safetensors"}}
	header, placed, err := safetensors.Encode(m.tensors(), nil)
	require.NoError(t, err)
	size = placed[len(placed)-1].Place.End()
	create(t, j.path(j.Files[0]), func(w io.Writer) error {
		if _, err := w.Write(header); err != nil {
			return err
		}
		_, err := io.CopyN(w, seeded(), size-int64(len(header)))
		return err
	})
	j.Policy = policyFor("formats: [safetensors], pin: required")
	j.Lock = string(pinned(t, new(policy.Lock), modelName, j.Dir, safetensorsOnly()).Encode())
	return j, size
}

// policyFor is a policy with one model and these terms.
func policyFor(terms string) string {
	return fmt.Sprintf("version: 1\nlock: weightgate.lock\nmodels:\n  - {name: %s, source: [dir], %s}\n", modelName, terms)
}

// pinned is lock with the model in dir under that name.
func pinned(t testing.TB, lock *policy.Lock, name, dir string, set formats.Set) *policy.Lock {
	t.Helper()
	lock, err := lock.With(policy.Pin{Name: name, Files: measured(t, dir, set)})
	require.NoError(t, err)
	return lock
}

// measured is the files in dir with their digests.
func measured(t testing.TB, dir string, set formats.Set) (files manifest.Manifest) {
	t.Helper()
	report, err := loader.Inspect(context.Background(), modelName, loader.Dir(dir), loader.InspectConfig{Formats: set, SHA256: true})
	require.NoError(t, err)
	for _, f := range report.Files {
		files = append(files, f.Entry)
	}
	return files
}

// gate is a gate under the job's policy, with this much memory kept.
func (j job) gate(set formats.Set, arena int64) (*loader.Gate, error) {
	return j.gateOf(loader.Config{Formats: set, ArenaBytes: arena})
}

// gateOf is a gate of that configuration under the job's policy.
func (j job) gateOf(cfg loader.Config) (gate *loader.Gate, err error) {
	if cfg.Policy, err = policy.Parse([]byte(j.Policy), []byte(j.Lock)); err != nil {
		return nil, err
	}
	return loader.New(cfg)
}

// floats writes n random float32 within ±scale.
func floats(w io.Writer, random *rand.ChaCha8, n int64, scale float32) error {
	var b [4]byte
	for range n {
		unit := float32(int32(random.Uint64())) / (1 << 31)
		binary.LittleEndian.PutUint32(b[:], math.Float32bits(unit*scale))
		if _, err := w.Write(b[:]); err != nil {
			return err
		}
	}
	return nil
}
