package walls

import (
	"syscall"
	"unsafe"
)

// Numbers of system calls that package syscall is too old to know.
const (
	sysGetrandom = 318
	sysSeccomp   = 317
	sysRseq      = 334
	sysClone3    = 435
)

// A rule answers one system call: with error refuse, or by letting it through
// if its arguments fit.
type rule struct {
	nr     uint32
	fit    []check
	refuse syscall.Errno
}

// A check holds if the lower half of an argument, masked, is want. The kernel
// reads no more of the arguments that are checked here.
type check struct{ arg, mask, want uint32 }

const (
	whole = ^uint32(0)

	// What private memory may be mapped with, besides. A mapping that grows, of
	// huge pages or that may be dropped escapes the limit on data.
	mapping = syscall.MAP_FIXED | syscall.MAP_NORESERVE | syscall.MAP_STACK

	// The flags of a thread, as the Go runtime and as glibc start one.
	threadGo    = syscall.CLONE_VM | syscall.CLONE_FS | syscall.CLONE_FILES | syscall.CLONE_SIGHAND | syscall.CLONE_THREAD | syscall.CLONE_SYSVSEM | syscall.CLONE_SETTLS
	threadGlibc = threadGo | syscall.CLONE_PARENT_SETTID | syscall.CLONE_CHILD_CLEARTID
)

// rules are all that a child needs that holds its descriptors and computes.
// Everything else ends it. Memory that is shared, or was written and is then made
// read-only, would escape the limit on data.
func rules(pid uint32) []rule {
	list := []rule{
		{nr: syscall.SYS_READ},
		{nr: syscall.SYS_WRITE},
		{nr: syscall.SYS_PREAD64},
		{nr: syscall.SYS_CLOSE},
		{nr: syscall.SYS_FSTAT},
		{nr: syscall.SYS_LSEEK},
		{nr: syscall.SYS_FCNTL, fit: []check{{1, whole, syscall.F_GETFL}}},

		{nr: syscall.SYS_MMAP, fit: []check{{2, syscall.PROT_EXEC, 0}, {3, whole &^ mapping, syscall.MAP_PRIVATE | syscall.MAP_ANON}}},
		{nr: syscall.SYS_MPROTECT, fit: []check{{2, whole, syscall.PROT_READ | syscall.PROT_WRITE}}},
		{nr: syscall.SYS_MUNMAP},
		{nr: syscall.SYS_MADVISE},
		{nr: syscall.SYS_PRCTL, refuse: syscall.EINVAL}, // the runtime would name its mappings

		{nr: syscall.SYS_FUTEX},
		{nr: syscall.SYS_NANOSLEEP},
		{nr: syscall.SYS_CLOCK_NANOSLEEP},
		{nr: syscall.SYS_CLOCK_GETTIME},
		{nr: syscall.SYS_SCHED_YIELD},
		{nr: syscall.SYS_SCHED_GETAFFINITY},
		{nr: syscall.SYS_EPOLL_PWAIT},
		{nr: syscall.SYS_RESTART_SYSCALL},

		{nr: syscall.SYS_GETPID},
		{nr: syscall.SYS_GETTID},
		{nr: syscall.SYS_CLONE, fit: []check{{0, whole, threadGo}}},
		{nr: sysClone3, refuse: syscall.ENOSYS}, // its flags lie in memory, out of sight
		{nr: syscall.SYS_TGKILL, fit: []check{{0, whole, pid}}},
		{nr: syscall.SYS_RT_SIGACTION},
		{nr: syscall.SYS_RT_SIGPROCMASK},
		{nr: syscall.SYS_RT_SIGRETURN},
		{nr: syscall.SYS_SIGALTSTACK},

		{nr: sysGetrandom},
		{nr: syscall.SYS_EXIT},
		{nr: syscall.SYS_EXIT_GROUP},
	}
	if cgo {
		list = append(list,
			rule{nr: syscall.SYS_SET_ROBUST_LIST},
			rule{nr: sysRseq},
			rule{nr: syscall.SYS_BRK, refuse: syscall.ENOMEM},    // malloc maps instead
			rule{nr: syscall.SYS_OPENAT, refuse: syscall.EACCES}, // malloc would count processors
		)
		for i := range list {
			if list[i].nr == syscall.SYS_CLONE {
				list[i].fit = []check{{0, whole &^ (threadGlibc &^ threadGo), threadGo}}
			}
		}
	}
	return list
}

// Classic BPF (https://www.kernel.org/doc/Documentation/networking/filter.txt)
// over struct seccomp_data: number at 0, architecture at 4, arguments from 16.
const (
	bpfLoad  = 0x20
	bpfAnd   = 0x54
	bpfEqual = 0x15
	bpfRet   = 0x06

	atNumber       = 0
	atArchitecture = 4
	atArguments    = 16

	retKill  = 0x80000000
	retErrno = 0x00050000
	retAllow = 0x7fff0000

	archX8664 = 0xc000003e
)

type instruction struct {
	code   uint16
	jt, jf uint8 // how many instructions to skip
	k      uint32
}

// assemble turns rules into a program that ends the process for everything
// they do not answer: the numbers of x32, which begin far above, among it.
func assemble(rules []rule) []instruction {
	p := []instruction{
		{code: bpfLoad, k: atArchitecture},
		{code: bpfEqual, k: archX8664, jt: 1},
		{code: bpfRet, k: retKill},
		{code: bpfLoad, k: atNumber},
	}
	for _, r := range rules {
		answer := uint32(retAllow)
		if r.refuse != 0 {
			answer = retErrno | uint32(r.refuse)
		}
		if len(r.fit) == 0 {
			p = append(p, instruction{code: bpfEqual, k: r.nr, jf: 1}, instruction{code: bpfRet, k: answer})
			continue
		}
		rest := uint8(3*len(r.fit) + 1) // up to the kill
		p = append(p, instruction{code: bpfEqual, k: r.nr, jf: rest + 1})
		for _, c := range r.fit {
			rest -= 3
			p = append(p,
				instruction{code: bpfLoad, k: atArguments + 8*c.arg},
				instruction{code: bpfAnd, k: c.mask},
				instruction{code: bpfEqual, k: c.want, jf: rest})
		}
		p = append(p, instruction{code: bpfRet, k: answer}, instruction{code: bpfRet, k: retKill})
	}
	return append(p, instruction{code: bpfRet, k: retKill})
}

// filter installs the program on all threads, of now and later
// (https://man7.org/linux/man-pages/man2/seccomp.2.html).
func filter() syscall.Errno {
	const setModeFilter, threadSync = 1, 1
	if e := noNewPrivileges(); e != 0 {
		return e
	}
	p := assemble(rules(uint32(syscall.Getpid())))
	program := struct {
		length uint16
		first  *instruction
	}{uint16(len(p)), &p[0]}
	tid, e := call(sysSeccomp, setModeFilter, threadSync, uintptr(unsafe.Pointer(&program)))
	if e == 0 && tid != 0 { // a thread has another filter
		return syscall.EBUSY
	}
	return e
}
