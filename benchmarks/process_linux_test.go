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

// usage is what the kernel counts of this process, in bytes, and of the machine.
type usage struct {
	resident, peak, anon, file, shared int64 // /proc/self/status

	disk, read int64         // /proc/self/io: from storage, and with read calls
	machine    time.Duration // /proc/stat: busy time of all cores
}

func usageNow() (usage, error) {
	status, err1 := fields("/proc/self/status") // KiB
	io, err2 := fields("/proc/self/io")
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
func forgetPeak() error { return os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// instant is a moment, and the CPU time that this process had used by then.
type instant struct {
	at  time.Time
	cpu time.Duration
}

func now() (instant, error) {
	i := instant{at: time.Now()}
	var u unix.Rusage
	err := unix.Getrusage(unix.RUSAGE_SELF, &u)
	i.cpu = time.Duration(u.Utime.Nano() + u.Stime.Nano())
	return i, err
}

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
