package benchmarks

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// A program is a way that is a process from its start to its end.
type program struct {
	// line is the path of the program and its arguments. out is a new directory
	// that goes when the sample was taken.
	line func(j job, out string) []string

	// read makes what the program left a part of the sample. What did not do
	// its job is an error.
	read func(s *sample, left output) error
}

// output is what a program leaves.
type output struct {
	exit   int
	stdout []byte
	out    string // the directory
	files  int    // of the job
	check  bool
}

// measure runs the program once. What the kernel tells of its memory at its end
// counts that of the process that started it, too: a run that is watched is
// looked at every two milliseconds, which slows it, and its time counts nowhere.
func (p program) measure(j job) (sample, error) {
	out, err := os.MkdirTemp(j.Tools.Out, "sample-")
	if err != nil {
		return sample{}, err
	}
	defer os.RemoveAll(out)
	if err := j.settle(); err != nil {
		return sample{}, err
	}
	line := p.line(j, out)
	var stdout, stderr strings.Builder
	c := exec.Command(line[0], line[1:]...)
	c.Dir, c.Stdout, c.Stderr = out, &stdout, &stderr

	busy, err := machineBusy()
	if err != nil {
		return sample{}, err
	}
	from := time.Now()
	if err := c.Start(); err != nil {
		return sample{}, err
	}
	s := unseen()
	stop, seen := make(chan struct{}), make(chan usage, 1)
	if j.Watch {
		go func() { seen <- process(c.Process.Pid).watch(stop) }()
	}
	err = c.Wait()
	wall := time.Since(from)
	close(stop)
	s.Seconds = wall.Seconds()
	if j.Watch {
		most := <-seen
		s.Disk, s.Read, s.Watched = most.disk, most.read, true
		s.Peak, s.Anon, s.File, s.Shared = most.peak, most.anon, most.file, most.shared
	}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return sample{}, err
	}
	after, err := machineBusy()
	if err != nil {
		return sample{}, err
	}
	cpu := c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	s.CPU, s.Others = cpu.Seconds(), max(0, (after-busy-cpu).Seconds()/wall.Seconds())
	if err := p.read(&s, output{c.ProcessState.ExitCode(), []byte(stdout.String()), out, len(j.Files), j.Check}); err != nil {
		return sample{}, fmt.Errorf("%q: %w\n%s%s", line, err, stdout.String(), stderr.String())
	}
	return s, nil
}

// unseen is a sample of which nobody counted a byte.
func unseen() sample {
	return sample{Disk: -1, Read: -1, Copied: -1, Before: -1, Peak: -1, Anon: -1, File: -1, Shared: -1, Child: -1}
}

// digest is that of the file a program wrote, if it is asked for.
func (o output) digest(s *sample, name string) (err error) {
	if o.check {
		s.Digest, err = hexSumOf(os.DirFS(o.out), name)
	}
	return err
}
