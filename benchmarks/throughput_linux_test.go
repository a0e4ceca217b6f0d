//go:build cgo

package benchmarks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/benchmarks/internal/graphs"
	"github.com/weightgate/weightgate/benchmarks/results"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/gpu"
	gpugraph "github.com/weightgate/weightgate/gpu/graph"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

// The ways of running a session that is open.
const (
	runGPU    = "gpu"
	runInto   = "gpu, into memory of its own" // instead of allocating the output
	runPython = "onnxruntime in Python"
)

// What a sample computes: texts of so many tokens, out of so many.
const (
	texts      = 32
	textLength = 64
	vocabulary = 30522
)

// sitting is how many rounds are taken before both sessions are opened anew:
// where its memory happens to lie sets the speed of a session for its life.
const sitting = 15

// BenchmarkThroughput runs MiniLM on the same token ids, in a session of package
// gpu and in one of Python: of the same graph and the same build of ONNX Runtime,
// at the same level of optimisation and with the same threads.
func BenchmarkThroughput(b *testing.B) {
	switch why, without := withoutFlag["onnxruntime"]; {
	case without:
		skip(b, errors.New(why))
	case *onnxruntimeFlag == "":
		skip(b, errNoPython)
	}
	all := cmp.Or(*roundsFlag, scaled(60, 5))
	for _, threads := range []int{1, 2} {
		for _, batch := range []int{1, 8, 32} {
			b.Run(fmt.Sprintf("Threads%dBatch%d", threads, batch), func(b *testing.B) {
				var e *encoders
				r, ways := new(rounds), []string{runGPU, runInto, runPython}
				for left := all; left > 0; left -= sitting {
					e = newEncoders(b, startRuntimePeer(b), threads, batch) // beside those of sittings before, which idle
					e.agree(b)
					p := plan{rounds: min(left, sitting), quiet: *quietFlag, tries: *triesFlag}
					taken, err := p.measure(ways, e.sample)
					require.NoError(b, err)
					r.add(taken)
					ways = slices.Clone(ways)
					slices.Reverse(ways) // so that none comes behind the same other always
				}
				found := e.found(b.Name(), r)
				require.NoError(b, found.WriteText(os.Stdout))
				b.ReportMetric(0, "ns/op") // what it spans means nothing
				for _, ratio := range found.Ratios {
					b.ReportMetric(ratio.Times.Median, ratio.Name)
				}
				record(found)
			})
		}
	}
}

// What all ways compute is the same. Python's is among them where there is one.
func TestThroughputWays(t *testing.T) {
	ways, peer := []string{runGPU, runInto}, (*runtimePeer)(nil)
	if *onnxruntimeFlag != "" {
		ways, peer = append(ways, runPython), startRuntimePeer(t)
	}
	e := newEncoders(t, peer, 1, 2)
	e.agree(t)
	for _, way := range ways {
		s, err := e.sample(way)
		require.NoError(t, err)
		require.Positive(t, s.Seconds)
		require.Positive(t, s.CPU)
	}
}

// encoders are two sessions of one graph, and what both are given.
type encoders struct {
	threads, batch int
	workload       results.Workload

	session *gpu.Session
	inputs  []gpu.Tensor
	memory  []gpu.Tensor // for outputs
	want    []float32    // the outputs
	peer    *runtimePeer // nil: there is none
}

// newEncoders opens both sessions; that of gpu alone without a peer.
func newEncoders(t testing.TB, peer *runtimePeer, threads, batch int) *encoders {
	t.Helper()
	e := &encoders{threads: threads, batch: batch, peer: peer}
	random := rand.New(graphs.Seeded())
	ids := make([][]int64, batch)
	var all []int64
	for i := range ids {
		for range textLength {
			ids[i] = append(ids[i], 1+random.Int64N(vocabulary-1))
		}
		all = append(all, ids[i]...)
	}
	var path string // of the graph
	if peer != nil {
		path = e.open(t, peer.Library)
	} else {
		path = e.open(t, library(t))
	}
	e.give(t, all)
	first := make([]gpu.Tensor, 1)
	require.NoError(t, e.session.Run(t.Context(), e.inputs, first))
	computed, err := gpu.Data[float32](first[0])
	require.NoError(t, err)
	e.want = computed
	if peer != nil {
		e.want = peer.open(t, path, threads, ids)
	}
	memory, err := gpu.NewTensor(make([]float32, len(computed)), first[0].Shape()...)
	require.NoError(t, err)
	e.memory = []gpu.Tensor{memory}
	return e
}

// open opens the session of gpu, on that library, and is the path of the same
// graph for a peer.
func (e *encoders) open(t testing.TB, library string) string {
	t.Helper()
	dir := publishedDir(t, "minilm")

	entry, err := loader.MeasureLibrary(t.Context(), library)
	require.NoError(t, err)
	lock, err := new(policy.Lock).WithLibrary(entry)
	require.NoError(t, err)
	rules, err := policy.Parse([]byte("version: 1\nlock: weightgate.lock\nlibraries: pinned\nmodels:\n  - {name: "+modelName+
		", source: [dir], formats: [safetensors], pin: required, companions: [\"*\"], session: {device: [cpu]}}\n"),
		pinned(t, lock, modelName, dir).Encode())
	require.NoError(t, err)
	gate, err := loader.New(loader.Config{Policy: rules, Formats: all.Formats()})
	require.NoError(t, err)
	defer gate.Close()
	m, err := gate.Load(t.Context(), modelName, loader.Dir(dir))
	require.NoError(t, err)
	defer m.Close()
	e.workload = results.Workload{Name: "MiniLM", Files: len(m.Report().Files), Bytes: m.Report().Bytes}

	e.session, err = gpu.Open(t.Context(), m, gpu.Config{Library: library, Device: gpu.CPU, Build: gpugraph.Sentence, Threads: e.threads})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.session.Close()) })

	built, err := gpugraph.Sentence(t.Context(), m.FS(), m.Tensors())
	require.NoError(t, err)
	out := newDir(t)
	require.NoError(t, os.CopyFS(out, m.FS()))
	path := filepath.Join(out, built.File)
	require.NoError(t, os.WriteFile(path, built.Model, 0o644))
	return path
}

// give makes the inputs of the session: all tokens count.
func (e *encoders) give(t testing.TB, ids []int64) {
	t.Helper()
	ones := make([]int64, len(ids))
	for i := range ones {
		ones[i] = 1
	}
	values := map[string][]int64{"input_ids": ids, "attention_mask": ones, "token_type_ids": make([]int64, len(ids))}
	for _, v := range e.session.Inputs() {
		x, err := gpu.NewTensor(values[v.Name], int64(e.batch), textLength)
		require.NoError(t, err)
		e.inputs = append(e.inputs, x)
	}
}

// agree holds the outputs of both against each other.
func (e *encoders) agree(t testing.TB) {
	t.Helper()
	for _, outputs := range [][]gpu.Tensor{make([]gpu.Tensor, 1), e.memory} {
		require.NoError(t, e.session.Run(t.Context(), e.inputs, outputs))
		got, err := gpu.Data[float32](outputs[0])
		require.NoError(t, err)
		require.InDeltaSlice(t, e.want, got, 1e-5)
	}
}

// sample is one of all the texts. The run before it is nobody's: it finds the
// other session's data in the caches.
func (e *encoders) sample(way string) (sample, error) {
	process, run := self(), func(runs int) error { return e.run(way, runs) }
	if way == runPython {
		process, run = e.peer.process, e.peer.run
	}
	if err := run(1); err != nil {
		return sample{}, err
	}
	return job{}.repeat(process, func() (*held, error) { return nothing(), run(texts / e.batch) })
}

// run has our session run so often.
func (e *encoders) run(way string, runs int) error {
	for range runs {
		outputs := make([]gpu.Tensor, 1)
		if way == runInto {
			outputs = e.memory
		}
		if err := e.session.Run(context.Background(), e.inputs, outputs); err != nil {
			return err
		}
	}
	return nil
}

// nothing is what is held of a run: its outputs were dropped.
func nothing() *held { return &held{copied: -1, release: func() error { return nil }} }

// found is what the rounds make.
func (e *encoders) found(name string, r *rounds) results.Table {
	found := results.Table{
		Name: strings.TrimPrefix(name, "Benchmark"),
		Title: fmt.Sprintf("MiniLM on the CPU: %d texts of %d tokens, %d at once, threads %d; %s",
			texts, textLength, e.batch, e.threads, e.peer.Versions),
		Workload: e.workload, Cache: results.Warm, Cores: runtime.NumCPU(),
		Rounds: len(r.samples[runGPU]), Samples: len(r.ways) * len(r.samples[runGPU]), Disturbed: r.disturbed,
	}
	for _, name := range r.ways {
		kind := results.Gate
		if name == runPython {
			kind = results.Program
		}
		found.Rows = append(found.Rows, r.row(name, kind, e.workload.Bytes))
	}
	for _, c := range throughputs() {
		found.Ratios = append(found.Ratios, r.ratio(c))
	}
	return found
}

func throughputs() []comparison {
	return []comparison{
		{"gpu/python", runGPU, []string{runPython}, 1, "session throughput on the CPU, against Python's onnxruntime"},
		against("gpu-into/python", runInto, runPython),
	}
}
