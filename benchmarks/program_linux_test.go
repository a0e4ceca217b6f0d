package benchmarks

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
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
	check  bool
}

// measure runs the program once. Its memory is looked at every two milliseconds:
// what the kernel tells at its end counts that of the process that started it,
// too.
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
	stop, seen := make(chan struct{}), make(chan usage)
	go func() { seen <- process(c.Process.Pid).watch(stop) }()
	err = c.Wait()
	wall := time.Since(from)
	close(stop)
	most := <-seen
	s := sample{Seconds: wall.Seconds(), Peak: most.peak, Anon: most.anon, File: most.file, Shared: most.shared}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return sample{}, err
	}
	after, err := machineBusy()
	if err != nil {
		return sample{}, err
	}
	cpu := c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	s.CPU, s.Others = cpu.Seconds(), max(0, (after-busy-cpu).Seconds()/wall.Seconds())
	if err := p.read(&s, output{c.ProcessState.ExitCode(), []byte(stdout.String()), out, j.Check}); err != nil {
		return sample{}, fmt.Errorf("%q: %w\n%s%s", line, err, stdout.String(), stderr.String())
	}
	return s, nil
}

// watch is the most that a process holds of each kind of memory until it is
// told to stop.
func (p process) watch(stop <-chan struct{}) (most usage) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		status, err := fields(p.proc("status"))
		if err == nil {
			most.peak = max(most.peak, status["VmHWM"]<<10)
			most.anon = max(most.anon, status["RssAnon"]<<10)
			most.file = max(most.file, status["RssFile"]<<10)
			most.shared = max(most.shared, status["RssShmem"]<<10)
		}
		select {
		case <-stop:
			return most
		case <-tick.C:
		}
	}
}

// digest is that of the file a program wrote, if it is asked for.
func (o output) digest(s *sample, name string) (err error) {
	if o.check {
		s.Digest, err = hexSumOf(os.DirFS(o.out), name)
	}
	return err
}

const madeName = "model.safetensors"

// A reference converts in a Python that has imported everything, and that
// converted something, before the clock starts.
type reference struct{ sync bool }

func (r reference) measure(j job) (sample, error) {
	c := exec.Command(j.Tools.Python, filepath.Join(j.Tools.Scripts, "reference.py"), "convert")
	c.Stderr = os.Stderr
	stdin, err := c.StdinPipe()
	if err != nil {
		return sample{}, err
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		return sample{}, err
	}
	if err := c.Start(); err != nil {
		return sample{}, err
	}
	said := bufio.NewReader(stdout)
	s, err := r.serve(j, process(c.Process.Pid), stdin, said)
	return s, errors.Join(err, stdin.Close(), c.Wait())
}

// serve measures one that was started as p.
func (r reference) serve(j job, p process, stdin io.Writer, stdout *bufio.Reader) (sample, error) {
	versions, err := stdout.ReadString('\n')
	if err != nil {
		return sample{}, fmt.Errorf("it did not start: %w", err)
	}
	out, err := os.MkdirTemp(j.Tools.Out, "sample-")
	if err != nil {
		return sample{}, err
	}
	defer os.RemoveAll(out)
	ask, err := json.Marshal(map[string]any{"from": j.path(j.Files[0]), "to": filepath.Join(out, madeName), "sync": r.sync})
	if err != nil {
		return sample{}, err
	}
	s, err := j.repeat(p, func() (*held, error) {
		if _, err := stdin.Write(append(ask, '\n')); err != nil {
			return nil, err
		}
		if answer, err := stdout.ReadString('\n'); err != nil || answer != "done\n" {
			return nil, fmt.Errorf("it answers %q: %w", answer, err)
		}
		return &held{
			digest:  func() (string, error) { return hexSumOf(os.DirFS(out), madeName) },
			release: func() error { return os.Remove(filepath.Join(out, madeName)) },
		}, nil
	})
	s.Says = strings.TrimSpace(versions)
	return s, err
}
