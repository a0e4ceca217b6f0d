package benchmarks

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A process is one that is measured, by its number.
type process int

func self() process { return process(os.Getpid()) }

func (p process) proc(file string) string { return fmt.Sprintf("/proc/%d/%s", p, file) }

// usage is what the kernel counts of a process, in bytes, and of the machine.
type usage struct {
	resident, peak, anon, file, shared int64 // /proc/PID/status

	disk, read int64         // /proc/PID/io: from storage, and with read calls
	machine    time.Duration // /proc/stat: busy time of all cores
}

func (p process) usage() (usage, error) {
	status, err1 := fields(p.proc("status")) // KiB
	io, err2 := fields(p.proc("io"))
	machine, err3 := machineBusy()
	return usage{
		resident: status["VmRSS"] << 10,
		peak:     status["VmHWM"] << 10,
		anon:     status["RssAnon"] << 10,
		file:     status["RssFile"] << 10,
		shared:   status["RssShmem"] << 10,
		disk:     io["read_bytes"],
		read:     io["rchar"],
		machine:  machine,
	}, errors.Join(err1, err2, err3)
}

// forgetPeak makes what is resident now the peak
// (https://docs.kernel.org/filesystems/proc.html, clear_refs).
func (p process) forgetPeak() error { return os.WriteFile(p.proc("clear_refs"), []byte("5"), 0) }

// watched is run, and the most of each kind of memory while it runs.
func (p process) watched(run func() (*held, error), most *usage) func() (*held, error) {
	return func() (*held, error) {
		stop, seen := make(chan struct{}), make(chan usage)
		go func() { seen <- p.watch(stop) }()
		h, err := run()
		close(stop)
		*most = <-seen
		return h, err
	}
}

// watch looks at a process every two milliseconds until it is told to stop, and
// returns the most that it saw of each number.
func (p process) watch(stop <-chan struct{}) (most usage) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if u, err := p.usage(); err == nil {
			most = most.or(u)
		}
		select {
		case <-stop:
			return most
		case <-tick.C:
		}
	}
}

// or is the larger of each number of a process.
func (u usage) or(v usage) usage {
	return usage{
		resident: max(u.resident, v.resident),
		peak:     max(u.peak, v.peak),
		anon:     max(u.anon, v.anon),
		file:     max(u.file, v.file),
		shared:   max(u.shared, v.shared),
		disk:     max(u.disk, v.disk),
		read:     max(u.read, v.read),
	}
}

// instant is a moment, and the CPU time that a process had used by then: its
// own, and if it is this one, that of the children that it waited for.
type instant struct {
	at  time.Time
	cpu time.Duration
}

func (p process) now() (instant, error) {
	var clock unix.Timespec
	at := time.Now()
	err := unix.ClockGettime(p.clock(), &clock)
	cpu := time.Duration(clock.Nano())
	if p == self() && err == nil {
		var children unix.Rusage
		err = unix.Getrusage(unix.RUSAGE_CHILDREN, &children)
		cpu += time.Duration(children.Utime.Nano() + children.Stime.Nano())
	}
	return instant{at, cpu}, err
}

// clock is the clock of the CPU time that all threads of a process have used
// (clock_getcpuclockid(3)).
func (p process) clock() int32 { return ^int32(p)<<3 | 2 }

// fields are the lines "name: number …" of a file.
func fields(path string) (map[string]int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m := map[string]int64{}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		if f := strings.Fields(rest); len(f) > 0 {
			if n, err := strconv.ParseInt(f[0], 10, 64); err == nil {
				m[name] = n
			}
		}
	}
	return m, nil
}

// machineBusy is the first line of /proc/stat: what other guests took included,
// idle and iowait left out, and what the line counts twice.
func machineBusy() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	f := strings.Fields(line)
	if len(f) < 9 || f[0] != "cpu" {
		return 0, fmt.Errorf("/proc/stat begins with %q", line)
	}
	ticks := int64(0)
	for _, i := range []int{1, 2, 3, 6, 7, 8} { // user, nice, system, irq, softirq, steal
		n, err := strconv.ParseInt(f[i], 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil // USER_HZ is 100
}
