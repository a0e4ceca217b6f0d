package sandbox

import (
	"bufio"
	"errors"
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

// ladder is the ways from the best on; the first that holds is taken. A child
// makes itself a user of its own: Go would change the user in this process's
// memory, which the kernel would then let no debugger see. A user
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
)

func (r rung) attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL, Cloneflags: r.flags}
}

// environment is all that the child knows of this one. The runtime would
// otherwise look at control groups again and again, and name its mappings.
func (p program) environment(r rung) []string {
	order := p.order
	order.Alone = r.apart()
	if r.user {
		order.User = firstUser + rand.Uint64N(users)
	}
	return append([]string{
		p.mark + "=" + order.String(),
		"GOMAXPROCS=2",
		"GOMEMLIMIT=" + strconv.Itoa(walls.Heap),
		"GOTRACEBACK=none",
		"GODEBUG=decoratemappings=0,containermaxprocs=0,updatemaxprocs=0",
	}, p.more...)
}

// A refusal says why a rung does not hold.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// execute starts the child on a rung.
func (p program) execute(r rung, files []*os.File) (*os.Process, error) {
	started, err := os.StartProcess(p.path, []string{child.Name}, &os.ProcAttr{Env: p.environment(r), Files: files, Sys: r.attributes()})
	switch {
	case err == nil:
		return started, nil
	case exhausted(err):
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return nil, refusal{err}
}

// exhausted says that this process or its machine has no more descriptors,
// threads or memory now. It says nothing of what is supported.
func exhausted(err error) bool {
	for _, e := range [...]syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.EAGAIN, syscall.ENOMEM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// because is an error of that kind, unless the host is exhausted.
func because(kind error, what string, err error) error {
	if exhausted(err) {
		return fmt.Errorf("sandbox: %s: %w", what, err)
	}
	return fmt.Errorf("%w: %s: %w", kind, what, err)
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
		return because(ErrUnsupported, "no /proc", err)
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return because(ErrUnsupported, "no /proc", err)
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
