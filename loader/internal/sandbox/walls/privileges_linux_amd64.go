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
