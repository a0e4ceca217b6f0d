package benchmarks

import (
	"cmp"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/benchmarks/results"
)

var (
	roundsFlag = flag.Int("rounds", 0, "rounds of each table; 0: 5 of loads of one file and of conversions, 60 of throughput, 3 of the others; with -quick 3, and 5 of throughput")
	quietFlag  = flag.Float64("quiet", 0.25, "cores that the rest of the machine may keep busy during a sample; above, it is taken again")
	triesFlag  = flag.Int("tries", 2, "how often to take a sample at most")
	dirFlag    = flag.String("dir", "", "where models are made, for a while; empty: the system's directory of temporary files")
)

// A job is one sample to take, as a child process is told of it.
type job struct {
	Workload results.Workload

	Way    string
	Dir    string   // of the model
	Files  []string // all that a run reads of it, beneath Dir
	Cold   bool     // no page of Files is in the page cache when the run begins; else all are
	Cores  int      // on which the child runs; 0: on all
	Policy string
	Lock   string
	Repeat int   // how often to run
	Watch  bool  // look at the memory of a run all along, instead of at its time
	Check  bool  // tell what the run held, too
	Input  input // of a session
	Tools  tools // that are not this process
}

func (j job) path(name string) string { return filepath.Join(j.Dir, name) }

// paths are the files whose names end so.
func (j job) paths(suffix string) (all []string) {
	for _, name := range j.Files {
		if strings.HasSuffix(name, suffix) {
			all = append(all, j.path(name))
		}
	}
	return all
}

// An input is what a session is run on: integers, or floats, which are zero if
// none are given.
type input struct {
	Shape    []int64
	Floats   []float32
	Integers []int64
}

func (in input) floats() []float32 {
	if in.Floats != nil {
		return in.Floats
	}
	n := int64(1)
	for _, d := range in.Shape {
		n *= d
	}
	return make([]float32, n)
}

// A way does a job in one manner.
type way struct {
	name    string
	kind    results.Kind
	measure func(job) (sample, error)
}

// ways is every way of every benchmark.
func ways() []way {
	return slices.Concat(loadWays(), peerWays(), sessionWays(), convertWays())
}

func wayOf(name string) (way, bool) {
	all := ways()
	i := slices.IndexFunc(all, func(w way) bool { return w.name == name })
	if i < 0 {
		return way{}, false
	}
	return all[i], true
}

// A table is ways that are measured side by side.
type table struct {
	title       string
	rounds      int // 0: 3
	ways        []string
	comparisons []comparison
	bounds      []bound
}

// without is the table less ways that cannot be had, and all that is told of
// them.
func (t table) without(gone []string) table {
	lost := func(way string) bool { return slices.Contains(gone, way) }
	t.ways = slices.DeleteFunc(slices.Clone(t.ways), lost)
	t.comparisons = slices.DeleteFunc(slices.Clone(t.comparisons), func(c comparison) bool {
		return lost(c.way) || slices.ContainsFunc(c.bases, lost)
	})
	t.bounds = slices.DeleteFunc(slices.Clone(t.bounds), func(l bound) bool { return lost(l.way) })
	return t
}

// unmarked is the table without what is to be reached: of a machine with fewer
// cores nothing is required.
func (t table) unmarked() table {
	t.comparisons, t.bounds = slices.Clone(t.comparisons), nil
	for i := range t.comparisons {
		t.comparisons[i].reach, t.comparisons[i].goal = 0, ""
	}
	return t
}

// benchmark measures the table's ways of the job side by side, prints what it
// finds, and adds it to the run's results.
func (j job) benchmark(b *testing.B, t table) {
	b.Helper()
	t = t.without(j.Tools.find(b, t.ways))
	p := plan{rounds: cmp.Or(*roundsFlag, scaled(t.rounds, 3), 3), quiet: *quietFlag, tries: *triesFlag}
	take := func(way string) (sample, error) {
		j.Way = way
		return j.inChild()
	}
	r, err := p.measure(t.ways, take)
	if err == nil {
		j.Watch, j.Repeat = true, 1
		err = r.watch(take)
	}
	if errors.Is(err, errNotCold) {
		skip(b, err)
	}
	require.NoError(b, err)
	found := j.found(b.Name(), t, r)
	require.NoError(b, found.WriteText(os.Stdout))
	tell(b, found)
	record(found)
}

// found is what rounds of a table make of it.
func (j job) found(name string, t table, r *rounds) results.Table {
	found := results.Table{
		Name: strings.TrimPrefix(name, "Benchmark"), Title: t.title, Workload: j.Workload,
		Cache: results.Warm, Cores: j.Cores,
		Rounds: len(r.samples[t.ways[0]]), Disturbed: r.disturbed,
	}
	found.Samples = found.Rounds * len(t.ways)
	if j.Cold {
		found.Cache = results.Cold
	}
	if found.Cores == 0 {
		found.Cores = runtime.NumCPU()
	}
	for _, name := range t.ways {
		w, _ := wayOf(name)
		found.Rows = append(found.Rows, r.row(w.name, w.kind, j.Workload.Bytes))
	}
	for _, c := range t.comparisons {
		found.Ratios = append(found.Ratios, r.ratio(c))
	}
	for _, l := range t.bounds {
		found.Bounds = append(found.Bounds, r.holds(l))
	}
	return found
}
