package sandbox

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/weightgate/weightgate/loader/internal/sandbox/child"
	"github.com/weightgate/weightgate/loader/internal/sandbox/walls"
)

// self is this process's program, also if its file was replaced or removed.
const self = "/proc/self/exe"

// A program is what is executed as a child, and what it is told.
type program struct {
	path   string
	mark   string   // the variable that its hook looks for
	more   []string // of its environment
	order  walls.Order
	ladder []rung
}

// A rung is one way to set a child apart from this process.
type rung struct {
	name  string
	flags uintptr
	user  bool // a user of its own
}

func (r rung) apart() bool { return r.flags != 0 || r.user }

const namespaces = unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// ladder is the ways from the best on; the first that starts is taken. A user
// namespace gets no map, so the child is nobody in it. Go would copy the page
// tables of the whole host for one; the flags of vfork prevent that, and are
// safe since without a map there is nothing to wait for.
func ladder() []rung {
	rungs := []rung{
		{name: "user namespace", flags: namespaces | unix.CLONE_NEWUSER | unix.CLONE_VM | unix.CLONE_VFORK},
		{name: "same user"},
	}
	if os.Geteuid() != 0 {
		return rungs
	}
	return append([]rung{
		{name: "namespaces and user", flags: namespaces, user: true},
		{name: "user", user: true},
	}, rungs...)
}

// Users that nobody has: between those that systemd gives to containers and
// its foreign ones (https://systemd.io/UIDS-GIDS/).
const (
	firstUser = 0x70000000
	users     = 0x0ffe0000
	nogroup   = 65534
)

func (r rung) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL, Cloneflags: r.flags}
	if r.user {
		attr.Credential = &syscall.Credential{Uid: firstUser + rand.Uint32N(users), Gid: nogroup, Groups: []uint32{}}
	}
	return attr
}

// environment is all that the child knows of this one. The runtime would
// otherwise look at control groups again and again, and name its mappings.
func (p program) environment(r rung) []string {
	order := p.order
	order.Alone = r.apart()
	return append([]string{
		p.mark + "=" + order.String(),
		"GOMAXPROCS=2",
		"GOMEMLIMIT=" + strconv.Itoa(walls.Heap),
		"GOTRACEBACK=none",
		"GODEBUG=decoratemappings=0,containermaxprocs=0,updatemaxprocs=0",
	}, p.more...)
}

// climb starts the child on the first rung that holds it.
func (p program) climb(files []*os.File) (started *os.Process, refused []string, err error) {
	for _, r := range p.ladder {
		started, err = os.StartProcess(p.path, []string{child.Name}, &os.ProcAttr{Env: p.environment(r), Files: files, Sys: r.attributes()})
		if err == nil {
			return started, refused, nil
		}
		refused = append(refused, fmt.Sprintf("%s: %v", r.name, reason(err)))
	}
	return nil, refused, fmt.Errorf("%w: %q: %w", ErrUnsupported, refused, err)
}

// reason is what the kernel said, without the path.
func reason(err error) error {
	if p, ok := err.(*os.PathError); ok {
		return p.Err
	}
	return err
}

// executable says why this process's program can not be executed as a child:
// it is another's, which loaded the code at this address as a library, or there
// is no /proc.
func executable(code uintptr) error {
	program, err := os.Readlink(self)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	defer maps.Close()
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		if file, ok := holds(lines.Text(), uint64(code)); ok {
			if file == program {
				return nil
			}
			return fmt.Errorf("%w: the program is %q, this code lies in %q", ErrUnsupported, program, file)
		}
	}
	return fmt.Errorf("%w: this code lies in no file", ErrUnsupported)
}

// holds reads a line of /proc/PID/maps
// (https://man7.org/linux/man-pages/man5/proc_pid_maps.5.html).
func holds(line string, address uint64) (file string, ok bool) {
	span, rest, _ := strings.Cut(line, " ")
	from, to, _ := strings.Cut(span, "-")
	low, err1 := strconv.ParseUint(from, 16, 64)
	high, err2 := strconv.ParseUint(to, 16, 64)
	if err1 != nil || err2 != nil || address < low || address >= high {
		return "", false
	}
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		file = rest[i:]
	}
	return file, true
}
