package sandbox

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/weightgate/weightgate/loader/internal/sandbox/child"
)

// A process is a child that was started and is not reaped yet.
type process struct {
	*os.Process
	refused []string // better ways to start it
	reading bool     // it was told to read its input

	goAhead    *os.File // a byte lets it read its input, the end of it lets it end
	output     *os.File
	complaints *os.File
	complained chan complaint
}

// A complaint is what a child wrote where only its runtime should.
type complaint struct {
	text    string
	endless bool
}

// A child complains only when it crashes: of its complaint a part is kept, and
// one that goes on and on is killed.
const (
	keptComplaint = 4 << 10
	maxComplaint  = 1 << 20
)

// start starts p on a rung, with the input as its only file.
func (p program) start(r rung, input *os.File) (_ *process, err error) {
	var theirs, ours [3]*os.File // by the child's descriptors
	defer func() {
		closeAll(theirs[:])
		if err != nil {
			closeAll(ours[:])
		}
	}()
	for fd := range theirs {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, fmt.Errorf("sandbox: %w", err)
		}
		if fd == child.Go {
			theirs[fd], ours[fd] = r, w
		} else {
			theirs[fd], ours[fd] = w, r
		}
	}
	started, err := p.execute(r, append(theirs[:], input))
	if err != nil {
		return nil, err
	}
	c := &process{
		Process: started,
		goAhead: ours[child.Go], output: ours[child.Output], complaints: ours[child.Complaints],
		complained: make(chan complaint, 1),
	}
	go c.hear()
	return c, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close() // of nil: an error
	}
}

// kill ends the child, and every read of what it says.
func (c *process) kill() {
	c.Kill()
	c.output.SetReadDeadline(time.Unix(1, 0))
}

func (c *process) hear() {
	kept, _ := io.ReadAll(io.LimitReader(c.complaints, keptComplaint))
	more, _ := io.Copy(io.Discard, io.LimitReader(c.complaints, maxComplaint))
	if more == maxComplaint {
		c.Kill()
	}
	c.complained <- complaint{string(kept), more == maxComplaint}
}

// wait reaps the child and gives back what was held for it.
func (c *process) wait() (end, error) {
	state, err := c.Wait()
	c.complaints.SetReadDeadline(time.Now().Add(time.Second)) // a copy of the host may hold the other end
	heard := <-c.complained
	closeAll([]*os.File{c.goAhead, c.output, c.complaints})
	if err != nil {
		c.Release()
		return end{}, fmt.Errorf("sandbox: waiting for the child: %w", err)
	}
	return end{state, heard, c.reading}, nil
}

// peak is the most memory that the child had, in bytes, zero if it is gone.
// What the kernel hands over with the exit status holds this process's peak,
// too: the child began as its copy.
func (c *process) peak() int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Pid))
	if err != nil {
		return 0
	}
	kib, err := strconv.ParseInt(strings.TrimSuffix(field(string(status), "VmHWM"), " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

// An end is how a child ended.
type end struct {
	state *os.ProcessState
	complaint
	reading bool // its input may be why
}

func (e end) done() bool { return e.state != nil && e.state.Success() }

// refused says that the child was not what its rung demands.
func (e end) refused() bool { return !e.reading && e.state.ExitCode() == child.Refused }

// error says what a child ended by that did not do its job and that nobody
// killed from outside.
func (e end) error() error {
	kind := ErrCrashed
	status := e.state.Sys().(syscall.WaitStatus)
	switch {
	case !e.reading:
	case e.endless:
		kind = ErrOutput
	case status.Signal() == syscall.SIGSYS:
		kind = ErrViolation
	case status.Signal() == syscall.SIGKILL, status.Signal() == syscall.SIGXCPU, e.outOfMemory():
		kind = ErrResources // its processor time, or the kernel's own judgement
	}
	return fmt.Errorf("%w: %v: %s", kind, e.state, escape(e.text))
}

// outOfMemory knows the last words of the Go runtime, of libc for it, and of
// the race detector.
func (e end) outOfMemory() bool {
	for _, words := range [...]string{"out of memory", "cannot allocate memory", "failed to create new OS thread", "pthread_create failed", "ThreadSanitizer failed to allocate"} {
		if strings.Contains(e.text, words) {
			return true
		}
	}
	return false
}

// escape makes a complaint fit to be shown: printable, on one line, short.
func escape(text string) string {
	const most = 512
	q := strconv.QuoteToASCII(text[:min(len(text), most)])
	return q[:min(len(q), most)]
}
