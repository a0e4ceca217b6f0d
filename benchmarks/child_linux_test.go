package benchmarks

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	roundsFlag = flag.Int("rounds", 0, "rounds of each benchmark; 0: 7, and 5 of cold loads")
	quietFlag  = flag.Float64("quiet", 0.25, "cores that the rest of the machine may keep busy during a sample; above, it is taken again")
	triesFlag  = flag.Int("tries", 4, "how often to take a sample at most")
	dirFlag    = flag.String("dir", "", "where models are made, for a while; empty: the system's directory of temporary files")
)

// A job is one sample to take, as a child process is told of it.
type job struct {
	Way    string
	Dir    string   // of the model
	Files  []string // all that a run reads of it, beneath Dir; the first is the one that ways take
	Cold   bool     // no page of Files is in the page cache when the run begins; else all are
	Policy string
	Lock   string
	Repeat int   // how often to run
	Check  bool  // tell what the run held, too
	Input  input // of a session, for Check
	Tools  tools // of conversions
}

// An input is what a session is run on: integers, or floats.
type input struct {
	Shape    []int64
	Floats   []float32
	Integers []int64
}

// A way does a job in one manner.
type way struct {
	name    string
	measure func(job) (sample, error)
}

// A preparation does what is not measured: it opens gates and keeps memory. run
// is measured.
type preparation func(job) (run func() (*held, error), err error)

// here measures what this process does itself.
func here(prepare preparation) func(job) (sample, error) {
	return func(j job) (sample, error) {
		run, err := prepare(j)
		if err != nil {
			return sample{}, err
		}
		return j.repeat(self(), run)
	}
}

// held is what a run leaves, until its release.
type held struct {
	copied  int64
	child   int64                     // most resident bytes of a process that the run started
	digest  func() (string, error)    // of the bytes of the first file; nil: a session
	output  func() ([]float32, error) // of a session; nil: a load
	release func() error
}

// ways is every way of every benchmark.
func ways() []way { return slices.Concat(loadWays(), sessionWays(), convertWays(), signedWays()) }

// benchmark measures ways of the job side by side, and prints what it finds.
// Rounds are the usual number of them.
func (j job) benchmark(b *testing.B, title string, rounds int, size int64, names []string, comparisons []comparison, bounds ...bound) {
	p := plan{rounds: rounds, quiet: *quietFlag, tries: *triesFlag}
	if *roundsFlag > 0 {
		p.rounds = *roundsFlag
	}
	r, err := p.measure(names, func(way string) (sample, error) {
		j.Way = way
		return j.inChild()
	})
	if errors.Is(err, errNotCold) {
		b.Skipf("not measured: %v; -dir names another place", err)
	}
	require.NoError(b, err)
	require.NoError(b, r.write(os.Stdout, title, size, comparisons, bounds...))
	r.report(b, comparisons)
}

const jobVariable = "WEIGHTGATE_BENCHMARK_JOB" // a job as JSON: this process is a child

func TestMain(m *testing.M) {
	if text, ok := os.LookupEnv(jobVariable); ok {
		answer(text)
		return
	}
	os.Exit(m.Run())
}

// reply is what a child prints.
type reply struct {
	Sample  sample
	Error   string
	NotCold bool
}

func answer(text string) {
	var j job
	var r reply
	err := json.Unmarshal([]byte(text), &j)
	if err == nil {
		r.Sample, err = j.sample()
	}
	if err != nil {
		r = reply{Error: err.Error(), NotCold: errors.Is(err, errNotCold)}
	}
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		os.Exit(1)
	}
}

// inChild takes a sample in a process of its own, so that its memory, its time
// and its page faults are those of the way alone.
func (j job) inChild() (sample, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return sample{}, err
	}
	program, err := os.Executable()
	if err != nil {
		return sample{}, err
	}
	child := exec.Command(program)
	child.Env = append(os.Environ(), jobVariable+"="+string(text))
	child.Stderr = os.Stderr
	out, err := child.Output()
	if err != nil {
		return sample{}, err
	}
	var r reply
	switch err := json.Unmarshal(out, &r); {
	case err != nil:
		return sample{}, fmt.Errorf("the child's reply: %w", err)
	case r.NotCold:
		return sample{}, fmt.Errorf("%w: %s", errNotCold, r.Error)
	case r.Error != "":
		return sample{}, errors.New(r.Error)
	}
	return r.Sample, nil
}

// sample does the job in this process.
func (j job) sample() (sample, error) {
	all := ways()
	i := slices.IndexFunc(all, func(w way) bool { return w.name == j.Way })
	if i < 0 {
		return sample{}, fmt.Errorf("no way is called %q", j.Way)
	}
	return all[i].measure(j)
}

// repeat measures runs, which p does.
func (j job) repeat(p process, run func() (*held, error)) (sample, error) {
	var s sample
	var times []float64
	var cpu, wall, busy time.Duration
	for range max(1, j.Repeat) {
		if err := j.settle(); err != nil {
			return sample{}, err
		}
		if err := p.forgetPeak(); err != nil {
			return sample{}, err
		}
		t, err := s.take(p, run, j.Check)
		if err != nil {
			return sample{}, err
		}
		times = append(times, t.wall.Seconds())
		cpu, wall, busy = cpu+t.cpu, wall+t.wall, busy+t.machine
	}
	s.Seconds = spreadOf(times).median
	s.CPU = cpu.Seconds() / float64(len(times))
	s.Others = max(0, (busy-cpu).Seconds()/wall.Seconds())
	return s, nil
}

// settle brings the page cache, and memory of this process, to where a run
// begins.
func (j job) settle() error {
	state := warm
	if j.Cold {
		state = cool
	}
	for _, name := range j.Files {
		if err := state(j.path(name)); err != nil {
			return err
		}
	}
	runtime.GC()
	return nil
}

// timing is what one run took: wall is its own, cpu that of the process that
// does it, machine that of all processes.
type timing struct{ wall, cpu, machine time.Duration }

// take measures one run, which p does.
func (s *sample) take(p process, run func() (*held, error), check bool) (timing, error) {
	before, err := p.usage()
	if err != nil {
		return timing{}, err
	}
	from, err := p.now()
	if err != nil {
		return timing{}, err
	}
	h, err := run()
	if err != nil {
		return timing{}, err
	}
	to, err := p.now()
	if err != nil {
		return timing{}, err
	}
	after, err := p.usage()
	if err != nil {
		return timing{}, err
	}
	s.Disk, s.Read, s.Copied = after.disk-before.disk, after.read-before.read, h.copied
	s.Before, s.Peak, s.Child = before.resident, after.peak, max(s.Child, h.child)
	s.Anon, s.File, s.Shared = after.anon, after.file, after.shared
	if check {
		if err := s.check(h); err != nil {
			return timing{}, err
		}
	}
	return timing{wall: to.at.Sub(from.at), cpu: to.cpu - from.cpu, machine: after.machine - before.machine}, h.release()
}

func (s *sample) check(h *held) (err error) {
	if h.digest != nil {
		s.Digest, err = h.digest()
	}
	if h.output != nil && err == nil {
		s.Output, err = h.output()
	}
	return err
}
