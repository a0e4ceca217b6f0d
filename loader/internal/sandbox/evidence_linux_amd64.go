package sandbox

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader/internal/sandbox/walls"
)

// judge puts together what the child says and what the kernel shows of it. The
// child waits meanwhile, so no thread is missed that could read the input:
// later ones inherit. A wall that only one of the two knows of does not count,
// but Landlock and the pages, which the kernel shows nobody.
func (c *process) judge(r walls.Report) (formats.Sandbox, error) {
	seen, err := c.look()
	if err != nil {
		return formats.Sandbox{}, because(ErrLevel, "looking at the child", err)
	}
	s := formats.Sandbox{Refused: c.refused}
	for w := range walls.Wall(walls.Count) {
		name := w.String()
		if w == walls.Landlock && r.ABI > 0 {
			name = fmt.Sprintf("%s (ABI %d)", name, r.ABI)
		}
		switch e := r.Errno[w]; {
		case e == walls.Absent:
		case e != 0:
			s.Refused = append(s.Refused, fmt.Sprintf("%s: %v", name, syscall.Errno(e)))
		case seen.denies(w):
			s.Refused = append(s.Refused, name+": the kernel does not show it")
		default:
			s.Walls = append(s.Walls, name)
		}
	}
	if seen.user {
		s.Walls = append(s.Walls, "user")
	}
	if seen.namespaces {
		s.Walls = append(s.Walls, "namespaces")
	}
	must := []walls.Wall{walls.Limits, walls.Privileges, walls.Seccomp}
	for _, w := range must {
		if !r.Stands(w) || seen.denies(w) {
			return s, nil
		}
	}
	s.Level = formats.SandboxSeccomp
	if !r.Stands(walls.Landlock) {
		return s, nil
	}
	s.Level = formats.SandboxLandlock
	if seen.user || seen.namespaces {
		s.Level = formats.SandboxFull
	}
	return s, nil
}

// What the kernel shows of a child, of all of its threads.
type evidence struct {
	filtered, unprivileged, limited bool
	user, namespaces                bool // its own
}

func (e evidence) denies(w walls.Wall) bool {
	switch w {
	case walls.Limits:
		return !e.limited
	case walls.Privileges:
		return !e.unprivileged
	case walls.Seccomp:
		return !e.filtered
	}
	return false
}

func (c *process) look() (evidence, error) {
	e := evidence{filtered: true, unprivileged: true, user: true, namespaces: true}
	dir := fmt.Sprintf("/proc/%d", c.Pid)
	threads, err := os.ReadDir(dir + "/task")
	if err != nil || len(threads) == 0 {
		return evidence{}, cmp.Or(err, io.ErrUnexpectedEOF)
	}
	b, err := os.ReadFile("/proc/thread-self/status") // the child is of this thread
	if err != nil {
		return evidence{}, err
	}
	us := string(b)
	for _, t := range threads {
		b, err := os.ReadFile(dir + "/task/" + t.Name() + "/status")
		if err != nil {
			return evidence{}, err
		}
		s := string(b)
		if parent := field(s, "PPid"); parent != strconv.Itoa(os.Getpid()) {
			return evidence{}, fmt.Errorf("/proc shows another process, a child of %s", parent)
		}
		e.filtered = e.filtered && filtered(s, us)
		e.unprivileged = e.unprivileged && field(s, "NoNewPrivs") == "1" && powerless(s)
		e.user = e.user && ownUser(s)
		e.namespaces = e.namespaces && len(strings.Fields(field(s, "NSpid"))) > len(strings.Fields(field(us, "NSpid")))
	}
	limits, err := os.ReadFile(dir + "/limits")
	if err != nil {
		return evidence{}, err
	}
	e.limited = limited(string(limits))
	return e, nil
}

// field is the value behind a name in /proc/PID/status
// (https://man7.org/linux/man-pages/man5/proc_pid_status.5.html).
func field(status, name string) string {
	for line := range strings.Lines(status) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// filtered says that there is a filter that the child did not inherit. A kernel
// that counts none shows only that there is one.
func filtered(status, parents string) bool {
	if field(status, "Seccomp") != "2" {
		return false
	}
	theirs, err := strconv.Atoi(field(status, "Seccomp_filters"))
	ours, err2 := strconv.Atoi(field(parents, "Seccomp_filters"))
	if err != nil && err2 != nil {
		return true
	}
	return err == nil && err2 == nil && theirs > ours
}

func powerless(status string) bool {
	for _, set := range [...]string{"CapInh", "CapPrm", "CapEff", "CapAmb"} {
		if strings.Trim(field(status, set), "0") != "" || field(status, set) == "" {
			return false
		}
	}
	return true
}

// ownUser says that all four of the user's numbers are of those that nobody has,
// and that it has no groups.
func ownUser(status string) bool {
	numbers := strings.Fields(field(status, "Uid"))
	for _, n := range numbers {
		uid, err := strconv.ParseUint(n, 10, 32)
		if err != nil || uid < firstUser || uid >= firstUser+users {
			return false
		}
	}
	return len(numbers) == 4 && field(status, "Groups") == ""
}

// limited reads /proc/PID/limits: name, soft, hard, unit, in columns.
func limited(limits string) bool {
	for name, most := range map[string]uint64{
		"Max open files":      walls.Descriptors,
		"Max file size":       0,
		"Max core file size":  0,
		"Max locked memory":   0,
		"Max msgqueue size":   0,
		"Max data size":       walls.Data,
		"Max address space":   walls.AddressSpace,
		"Max pending signals": walls.Signals,
	} {
		if soft, hard := limit(limits, name); soft > most || hard > most {
			return false
		}
	}
	soft, hard := limit(limits, "Max cpu time")
	return soft == hard && soft != unlimited
}

const unlimited = math.MaxUint64

func limit(limits, name string) (soft, hard uint64) {
	for line := range strings.Lines(limits) {
		rest, ok := strings.CutPrefix(line, name)
		if words := strings.Fields(rest); ok && len(words) >= 2 {
			return bound(words[0]), bound(words[1])
		}
	}
	return unlimited, unlimited
}

// bound is no bound for what is no number.
func bound(word string) uint64 {
	n, err := strconv.ParseUint(word, 10, 64)
	if err != nil {
		return unlimited
	}
	return n
}
