package benchmarks

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weightgate/weightgate/benchmarks/results"
)

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
	copied  int64                     // -1: nobody counted
	child   int64                     // most resident bytes of a process that the run started
	digests []digest                  // of the bytes of each file; none: a session
	output  func() ([]float32, error) // of a session; nil: a load
	release func() error
}

const jobVariable = "WEIGHTGATE_BENCHMARK_JOB" // a job as JSON: this process is a child

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
	var out []byte
	err = onCores(j.Cores, func() (err error) {
		out, err = child.Output()
		return err
	})
	if err != nil {
		return sample{}, err
	}
	var r reply
	switch err := json.Unmarshal(out, &r); {
	case err != nil:
		return sample{}, fmt.Errorf("the child's reply: %w", err)
	case r.NotCold:
		return sample{}, fmt.Errorf("%w%s", errNotCold, strings.TrimPrefix(r.Error, errNotCold.Error()))
	case r.Error != "":
		return sample{}, errors.New(r.Error)
	}
	return r.Sample, nil
}

// sample does the job in this process.
func (j job) sample() (sample, error) {
	w, ok := wayOf(j.Way)
	if !ok {
		return sample{}, fmt.Errorf("no way is called %q", j.Way)
	}
	return w.measure(j)
}

// onCores calls start, whose children run on the first so many of the cores on
// which this process may run: they have the affinity of the thread that starts
// them.
func onCores(cores int, start func() error) (err error) {
	if cores == 0 {
		return start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var mine, few unix.CPUSet
	if err := unix.SchedGetaffinity(0, &mine); err != nil {
		return err
	}
	for cpu := 0; few.Count() < min(cores, mine.Count()); cpu++ {
		if mine.IsSet(cpu) {
			few.Set(cpu)
		}
	}
	if err := unix.SchedSetaffinity(0, &few); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unix.SchedSetaffinity(0, &mine)) }()
	return start()
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
		t, err := s.take(p, run, j)
		if err != nil {
			return sample{}, err
		}
		times = append(times, t.wall.Seconds())
		cpu, wall, busy = cpu+t.cpu, wall+t.wall, busy+t.machine
	}
	s.Seconds = results.SpreadOf(times).Median
	s.CPU = cpu.Seconds() / float64(len(times))
	s.Others = max(0, (busy-cpu).Seconds()/wall.Seconds())
	return s, nil
}

// settle brings the page cache, and memory of this process, to where a run
// begins. What an earlier one left to be written is written before.
func (j job) settle() error {
	unix.Sync()
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
func (s *sample) take(p process, run func() (*held, error), j job) (timing, error) {
	var most usage
	if j.Watch {
		run, s.Watched = p.watched(run, &most), true
	}
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
	s.Anon, s.File, s.Shared = max(after.anon, most.anon), max(after.file, most.file), max(after.shared, most.shared)
	if j.Check {
		if err := s.check(h); err != nil {
			return timing{}, err
		}
	}
	return timing{wall: to.at.Sub(from.at), cpu: to.cpu - from.cpu, machine: after.machine - before.machine}, h.release()
}

func (s *sample) check(h *held) (err error) {
	if h.digests != nil {
		s.Digest, err = digested(h.digests)
	}
	if h.output != nil && err == nil {
		s.Output, err = h.output()
	}
	return err
}
