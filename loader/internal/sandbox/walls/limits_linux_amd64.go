package walls

import (
	"syscall"
	"unsafe"
)

// https://man7.org/linux/man-pages/man2/getrlimit.2.html
const (
	rlimitCPU        = 0
	rlimitFSize      = 1
	rlimitData       = 2
	rlimitCore       = 4
	rlimitNProc      = 6
	rlimitNoFile     = 7
	rlimitMemlock    = 8
	rlimitAS         = 9
	rlimitSigPending = 11
	rlimitMsgQueue   = 12

	sysPrlimit64  = 302
	sysCloseRange = 436
)

// What a child may have.
const (
	Descriptors = 4  // go, output, complaints, input
	Threads     = 64 // Go uses about ten
	Signals     = 64 // that wait to be taken

	// Heap is what the collector aims at; Go maps more than it uses, by up to
	// two and a half times. Reservations without access are not counted.
	Heap = 256 << 20
)

// Limits are soft and hard at once: the Go runtime swallows the warning.
func limit(o Order) syscall.Errno {
	limits := []struct{ resource, value uint64 }{
		{rlimitCore, 0},
		{rlimitMemlock, 0},
		{rlimitMsgQueue, 0},
		{rlimitFSize, 0},
		{rlimitData, Data},
		{rlimitAS, AddressSpace},
		{rlimitSigPending, Signals},
		{rlimitCPU, o.CPU},
		{rlimitNProc, Threads},
	}
	if !o.Alone { // it would count all threads of the host's user
		limits = limits[:len(limits)-1]
	}
	for _, l := range limits {
		if e := setLimit(l.resource, l.value); e != 0 {
			return e
		}
	}
	return 0
}

// limitDescriptors refuses every new one: sockets, files, rings, memory.
func limitDescriptors() syscall.Errno { return setLimit(rlimitNoFile, Descriptors) }

func closeDescriptors() syscall.Errno {
	_, e := call(sysCloseRange, Descriptors, 1<<32-1)
	return e
}

// setLimit leaves a lower limit of the host's as it is.
func setLimit(resource, value uint64) syscall.Errno {
	var hosts syscall.Rlimit
	if err := syscall.Getrlimit(int(resource), &hosts); err != nil {
		return err.(syscall.Errno)
	}
	value = min(value, hosts.Max)
	l := [2]uint64{value, value}
	_, e := call(sysPrlimit64, 0, uintptr(resource), uintptr(unsafe.Pointer(&l)))
	return e
}
