package walls

import (
	"syscall"
	"unsafe"
)

// https://man7.org/linux/man-pages/man2/prctl.2.html
const (
	prSetPdeathsig  = 1
	prSetDumpable   = 4
	prSetNoNewPrivs = 38
	prSetMDWE       = 65

	mdweRefuseExecGain = 1
)

const nogroup = 65534

// Become gives this thread another user and no group but nobody's, for good once
// the process executes itself. It takes the privileges of root.
func Become(user uint64) syscall.Errno {
	if _, e := call(syscall.SYS_SETGROUPS, 0, 0); e != 0 {
		return e
	}
	if _, e := call(syscall.SYS_SETRESGID, nogroup, nogroup, nogroup); e != 0 {
		return e
	}
	id := uintptr(user)
	if _, e := call(syscall.SYS_SETRESUID, id, id, id); e != 0 {
		return e
	}
	// It is forgotten with the user. Of a parent that died in between, the child
	// hears no go.
	_, e := prctl(prSetPdeathsig, uintptr(syscall.SIGKILL))
	return e
}

// Volunteer makes this process the one that the kernel ends when the machine's
// memory is used up. Where that is refused, the kernel chooses.
func Volunteer() {
	fd, err := syscall.Open("/proc/self/oom_score_adj", syscall.O_WRONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer syscall.Close(fd)
	syscall.Write(fd, []byte("1000"))
}

// renounce gives up being traced and outliving the parent. No new privileges
// are for one thread; seccomp spreads it.
func renounce() syscall.Errno {
	if _, e := prctl(prSetPdeathsig, uintptr(syscall.SIGKILL)); e != 0 {
		return e
	}
	if _, e := prctl(prSetDumpable, 0); e != 0 {
		return e
	}
	return noNewPrivileges()
}

func noNewPrivileges() syscall.Errno {
	_, e := prctl(prSetNoNewPrivs, 1)
	return e
}

// dropCapabilities empties this thread's sets. With no new privileges an
// execution does not fill them again, for root neither.
func dropCapabilities() syscall.Errno {
	header := struct{ version, pid uint32 }{version: 0x20080522}
	var sets [6]uint32
	_, e := call(syscall.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&sets)))
	return e
}

func prctl(option, value uintptr) (uintptr, syscall.Errno) {
	return call(syscall.SYS_PRCTL, option, value)
}
