package encoder

import (
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/examples/embed/tokenizer"
	"github.com/weightgate/weightgate/examples/fetch/fetchtest"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/gpu"
	"github.com/weightgate/weightgate/gpu/graph"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

//go:embed testdata/embeddings.json
var embeddings []byte

// config is that of MiniLM on the CPU: see examples/fetch.
func config(t testing.TB) Config {
	return Config{
		Policy: "../policy.yaml", Name: "minilm", Dir: fetchtest.MiniLM(t), Library: fetchtest.Library(t), Device: gpu.CPU,
	}
}

func open(t testing.TB, cfg Config) *Encoder {
	e, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

type reference struct {
	Text      string
	Embedding string
}

func references(t testing.TB) (texts []string, want [][]float32) {
	var rows []reference
	require.NoError(t, json.Unmarshal(embeddings, &rows))
	require.NotEmpty(t, rows)
	for _, row := range rows {
		raw, err := base64.StdEncoding.DecodeString(row.Embedding)
		require.NoError(t, err)
		vector := make([]float32, len(raw)/4)
		_, err = binary.Decode(raw, binary.LittleEndian, vector)
		require.NoError(t, err)
		texts, want = append(texts, row.Text), append(want, vector)
	}
	return texts, want
}

func cosine(a, b []float32) float64 {
	var dot, aa, bb float64
	for i := range a {
		dot, aa, bb = dot+float64(a[i])*float64(b[i]), aa+float64(a[i])*float64(a[i]), bb+float64(b[i])*float64(b[i])
	}
	return dot / math.Sqrt(aa*bb)
}

func furthest(a, b []float32) float64 {
	far := 0.0
	for i := range a {
		far = max(far, math.Abs(float64(a[i])-float64(b[i])))
	}
	return far
}

func TestEmbedAsTheReference(t *testing.T) {
	e := open(t, config(t))
	require.Equal(t, 384, e.Width())
	require.Equal(t, gpu.CPU, e.Device())
	require.Equal(t, policy.Admitted, e.Report().Verdict)
	require.True(t, e.Report().Vouched)
	require.NotZero(t, e.queue.pace.of(1), "the warm-up measured it")

	texts, want := references(t)
	ids := make([][]int64, len(texts))
	for i, text := range texts {
		var err error
		ids[i], err = e.Encode(text)
		require.NoError(t, err)
	}
	together, err := e.Embed(t.Context(), ids)
	require.NoError(t, err)
	padded := make([][]float32, len(ids)) // all in one batch, whatever their lengths
	for i := range padded {
		padded[i] = make([]float32, e.Width())
	}
	require.NoError(t, e.batch.run(t.Context(), ids, padded))
	for i := range texts {
		alone, err := e.Embed(t.Context(), ids[i:i+1])
		require.NoError(t, err)
		require.Len(t, alone[0], len(want[i]))
		require.GreaterOrEqual(t, cosine(alone[0], want[i]), 0.9999)
		require.Less(t, furthest(alone[0], want[i]), 1e-4)
		require.Less(t, furthest(alone[0], together[i]), 1e-5)
		require.Less(t, furthest(alone[0], padded[i]), 1e-5)
	}
}

// Phases are in the order in which they ran, and no time is in two of them.
func TestPhases(t *testing.T) {
	start := time.Now()
	e := open(t, config(t))
	wall := time.Since(start)
	var names []string
	var sum time.Duration
	for _, p := range e.Phases() {
		require.Positive(t, p.Duration, p.Phase)
		names, sum = append(names, p.Phase), sum+p.Duration
	}
	require.Equal(t, []string{"list", "copy and hash", "inspect", "tokenizer", "seal libraries", "session", "first run"}, names)
	require.LessOrEqual(t, sum, wall)
}

func TestLaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := laps{last: time.Now()}
		time.Sleep(time.Second)
		l.end("a")
		time.Sleep(10 * time.Second)
		l.end("b", loader.PhaseTime{Phase: "c", Duration: 3 * time.Second}, loader.PhaseTime{Phase: "d", Duration: 2 * time.Second})
		require.Equal(t, []loader.PhaseTime{
			{Phase: "a", Duration: time.Second}, {Phase: "c", Duration: 3 * time.Second},
			{Phase: "d", Duration: 2 * time.Second}, {Phase: "b", Duration: 5 * time.Second},
		}, l.phases)
	})
}

func TestEmbedFromMany(t *testing.T) {
	e := open(t, config(t))
	texts, want := references(t)
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for i, text := range texts {
				ids, err := e.Encode(text)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := e.Embed(t.Context(), [][]int64{ids})
				if err != nil || furthest(got[0], want[i]) > 1e-4 {
					t.Errorf("%q: %v", text, err)
				}
			}
		})
	}
	callers.Wait()
}

// Whoever leaves does not spoil it for the others in the batch.
func TestEmbedEndsWithItsContext(t *testing.T) {
	e := open(t, config(t))
	texts, want := references(t)
	ids, err := e.Encode(texts[5])
	require.NoError(t, err)
	many := make([][]int64, 400)
	for i := range many {
		many[i] = ids
	}
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := e.Embed(ctx, many)
		left <- err
	}()
	stays := make(chan error)
	go func() {
		got, err := e.Embed(t.Context(), [][]int64{ids, ids})
		if err == nil && furthest(got[1], want[5]) > 1e-4 {
			err = errors.New("another embedding")
		}
		stays <- err
	}()
	cancel()
	require.ErrorIs(t, <-left, context.Canceled)
	require.NoError(t, <-stays)
	e.queue.mu.Lock()
	require.Zero(t, e.queue.tokens)
	require.Empty(t, e.queue.calls)
	e.queue.mu.Unlock()
}

func TestOpenRefuses(t *testing.T) {
	cfg := config(t)
	for _, c := range []struct {
		name, file string
		change     func(content []byte) []byte
	}{
		{"a byte of the weights", "model.safetensors", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }},
		{"a line of the vocabulary", "vocab.txt", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }},
		{"a token of the tokenizer", "tokenizer.json", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }},
		{"a value in the config", "config.json", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := cfg
			changed.Dir = t.TempDir()
			require.NoError(t, os.CopyFS(changed.Dir, os.DirFS(cfg.Dir)))
			content, err := os.ReadFile(filepath.Join(cfg.Dir, c.file))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(changed.Dir, c.file), c.change(content), 0o644))
			e, err := Open(t.Context(), changed)
			require.Nil(t, e)
			var rejection *loader.Rejection
			require.ErrorAs(t, err, &rejection)
			require.ErrorIs(t, err, loader.ErrDenied)
			reason := rejection.Report.Reasons()[0]
			require.Equal(t, policy.CodePinChanged, reason.Code)
			require.Equal(t, c.file, reason.File)
		})
	}
}

// repinned is a copy of the model with one file changed, under a lock that pins
// just that.
func repinned(t testing.TB, cfg Config, file string, change func(string) string) Config {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(cfg.Dir)))
	content, err := os.ReadFile(filepath.Join(dir, file))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(change(string(content))), 0o644))

	report, err := loader.Inspect(t.Context(), cfg.Name, loader.Dir(dir), loader.InspectConfig{Formats: all.Formats(), SHA256: true})
	require.NoError(t, err)
	pin := policy.Pin{Name: cfg.Name}
	for _, f := range report.Files {
		pin.Files = append(pin.Files, f.Entry)
	}
	rules, err := policy.Open(cfg.Policy)
	require.NoError(t, err)
	lock, err := rules.Lock().With(pin)
	require.NoError(t, err)
	text, err := os.ReadFile(cfg.Policy)
	require.NoError(t, err)
	cfg.Policy, cfg.Dir = filepath.Join(t.TempDir(), "policy.yaml"), dir
	require.NoError(t, os.WriteFile(cfg.Policy, text, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(cfg.Policy), "weightgate.lock"), lock.Encode(), 0o644))
	return cfg
}

func TestOpenRefusesWhatItCannotCompute(t *testing.T) {
	cfg := config(t)
	for _, c := range []struct {
		name, file, old, new string
		want                 error
	}{
		{"a tokenizer", "tokenizer.json", `"BertPreTokenizer"`, `"ByteLevel"`, tokenizer.ErrUnsupported},
		{"an activation", "config.json", `"gelu"`, `"swish"`, graph.ErrUnsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := Open(t.Context(), repinned(t, cfg, c.file, func(s string) string {
				require.Contains(t, s, c.old)
				return strings.Replace(s, c.old, c.new, 1)
			}))
			require.ErrorIs(t, err, c.want)
			require.Nil(t, e)
		})
	}
}

func TestOpenNeedsABatchForAText(t *testing.T) {
	cfg := config(t)
	cfg.Limits.BatchTokens = 255
	e, err := Open(t.Context(), cfg)
	require.ErrorContains(t, err, "a batch of 255 tokens does not hold a text of 256")
	require.Nil(t, e)
}
