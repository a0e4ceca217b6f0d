package child

import (
	"syscall"

	"github.com/weightgate/weightgate/loader/convert/plan"
	"github.com/weightgate/weightgate/loader/internal/sandbox/walls"
)

const (
	Name = "weightgate-sandbox" // argv[0] of a child
	Mark = "WEIGHTGATE_SANDBOX" // the variable that holds its walls.Order
)

// Descriptors of a child. It has no others but what its runtime waits with.
const (
	Go         = 0 // a byte says that the walls were looked at; the end of it, that all was read
	Output     = 1 // a walls.Report, then what the job writes
	Complaints = 2 // of the runtime
	Input      = 3 // sealed, read-only
)

// Ends of a child that did not do its job.
const (
	Failed  = 1  // the job could not write
	Refused = 76 // it could not become, or not execute itself as, the user that it was told to be
	Unheard = 77 // the parent did not want it, or went away
	Misused = 78 // marked as a child, and not started as one; or it can not execute itself
)

func init() { Take(Mark, walls.All, plan.Answer) }

// Take returns at once if this process was not started as a child with this
// mark. Otherwise it never returns: it puts up the walls, says so, waits until
// the parent has looked, and does the job on the input.
func Take(mark string, set walls.Set, job func(input []byte, write func([]byte) error) error) {
	value, marked := syscall.Getenv(mark)
	if !marked {
		return
	}
	order, ok := walls.ParseOrder(value)
	if !named() {
		return
	}
	size, sealed := measure(Input)
	if !ok || !sealed {
		syscall.Exit(Misused)
	}
	if !order.Inside {
		enter(mark, order, set)
	}
	report := walls.Raise(order, set)
	if write(report.Append(nil)) != nil || !told() {
		syscall.Exit(Unheard)
	}
	input, err := read(size)
	if err == nil {
		err = job(input, write)
	}
	if err != nil {
		complain(err)
		syscall.Exit(Failed)
	}
	syscall.Close(Output)
	told() // the parent reads how much memory this took
	syscall.Exit(0)
}

// enter executes this process again behind the walls that stand from then on.
func enter(mark string, order walls.Order, set walls.Set) {
	walls.Volunteer()
	if order.User != 0 {
		if e := walls.Become(order.User); e != 0 {
			complain(e)
			syscall.Exit(Refused)
		}
	}
	order.Inside, order.Landlock = true, uint64(walls.Enter(set))
	err := walls.Again(Name, mark, order.String())
	complain(err)
	if order.User != 0 && err == syscall.EACCES { // the program is not for everybody
		syscall.Exit(Refused)
	}
	syscall.Exit(Misused)
}

// named says that this process was started by a child's name, or that nobody
// can tell: then it must not go on as the host. Package os, which knows its
// arguments, is not initialised yet.
func named() bool {
	fd, err := syscall.Open("/proc/self/cmdline", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return true
	}
	defer syscall.Close(fd)
	var b [len(Name) + 1]byte
	n, err := syscall.Read(fd, b[:])
	return err != nil || string(b[:n]) == Name+"\x00"
}

// measure is the size of what lies behind fd, if nobody can change it any more
// (https://man7.org/linux/man-pages/man2/F_GET_SEALS.2const.html).
func measure(fd int) (size int64, sealed bool) {
	const getSeals, all = 1034, 0xf
	seals, _, e := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), getSeals, 0)
	var st syscall.Stat_t
	if e != 0 || seals&all != all || syscall.Fstat(fd, &st) != nil {
		return 0, false
	}
	return st.Size, true
}

// told waits for a byte of the parent; false: it closed, or is gone.
func told() bool {
	var b [1]byte
	for {
		n, err := syscall.Read(Go, b[:])
		if err != syscall.EINTR {
			return err == nil && n == 1
		}
	}
}

func read(size int64) ([]byte, error) {
	b := make([]byte, size)
	for n := 0; n < len(b); {
		m, err := syscall.Pread(Input, b[n:], int64(n))
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return nil, err
		case m == 0:
			return nil, syscall.EIO
		default:
			n += m
		}
	}
	return b, nil
}

func write(b []byte) error {
	for len(b) > 0 {
		n, err := syscall.Write(Output, b)
		if err != nil && err != syscall.EINTR {
			return err
		}
		b = b[max(n, 0):]
	}
	return nil
}

func complain(err error) { syscall.Write(Complaints, []byte(err.Error())) }
