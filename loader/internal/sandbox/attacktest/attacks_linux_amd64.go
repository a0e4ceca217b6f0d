package attacktest

import (
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/weightgate/weightgate/loader/internal/sandbox/walls"
)

// An Attack tries one thing, by raw system calls.
type Attack struct {
	Name string

	// Stops are the walls that claim to stop it, each alone: names of
	// walls.Wall, "user" and "namespaces". "nothing" means that it fails with no
	// wall at all.
	Stops []string

	// ABI is the version of Landlock that Landlock's claim begins with.
	ABI uint32

	// Never says that it leaves something behind that no namespace holds, so it
	// runs only behind seccomp.
	Never bool

	// Varies says that some kernels, or their settings, refuse it to everybody.
	Varies bool

	try func(Target) syscall.Errno // zero: it worked
}

const (
	none    = ^uintptr(0)
	atFDCWD = ^uintptr(99)
	input   = 3
	output  = 1
)

// Attacks are all that is tried.
var Attacks = []Attack{
	// Files.
	{Name: "open a file", Stops: []string{"limits", "landlock", "seccomp"}, try: func(t Target) syscall.Errno {
		return open(t.Dir+"/file", unix.O_RDONLY)
	}},
	{Name: "open the root", Stops: []string{"limits", "landlock", "seccomp"}, try: func(Target) syscall.Errno {
		return open("/", unix.O_RDONLY|unix.O_DIRECTORY)
	}},
	{Name: "open with openat2", Stops: []string{"limits", "landlock", "seccomp"}, try: func(t Target) syscall.Errno {
		return errno(unix.SYS_OPENAT2, atFDCWD, text(t.Dir+"/file"), at(&unix.OpenHow{}), unix.SizeofOpenHow)
	}},
	{Name: "open a file on other threads", Stops: []string{"limits", "landlock", "seccomp"}, try: func(t Target) (e syscall.Errno) {
		for range 16 {
			onThread(func() { e = open(t.Dir+"/file", unix.O_RDONLY) }, true)
			if e == 0 {
				break
			}
		}
		return e
	}},
	{Name: "create a file", Stops: []string{"limits", "user", "landlock", "seccomp"}, try: func(t Target) syscall.Errno {
		return open(t.Dir+"/created", unix.O_CREAT|unix.O_WRONLY)
	}},
	{Name: "write a file", Stops: []string{"limits", "user", "landlock", "seccomp"}, try: func(t Target) syscall.Errno {
		return open(t.Dir+"/file", unix.O_WRONLY)
	}},
	{Name: "truncate a file", Stops: []string{"user", "landlock", "seccomp"}, ABI: 3, try: func(t Target) syscall.Errno {
		return errno(unix.SYS_TRUNCATE, text(t.Dir+"/file"), 0)
	}},
	{Name: "make a directory", Stops: []string{"user", "landlock", "seccomp"}, try: func(t Target) syscall.Errno {
		return errno(unix.SYS_MKDIR, text(t.Dir+"/made"), 0o700)
	}},
	{Name: "link a file", Stops: []string{"user", "landlock", "seccomp"}, try: func(t Target) syscall.Errno {
		return errno(unix.SYS_LINK, text(t.Dir+"/file"), text(t.Dir+"/linked"))
	}},
	{Name: "look at a file", Stops: []string{"seccomp"}, try: func(t Target) syscall.Errno {
		return errno(unix.SYS_NEWFSTATAT, atFDCWD, text(t.Dir+"/file"), at(&unix.Stat_t{}), 0)
	}},
	{Name: "change the directory", Stops: []string{"seccomp"}, try: func(Target) syscall.Errno {
		return errno(unix.SYS_CHDIR, text("/"))
	}},

	// The input.
	{Name: "write the input", Stops: []string{"nothing"}, try: func(Target) syscall.Errno {
		return errno(unix.SYS_PWRITE64, input, text("x"), 1, 0)
	}},
	{Name: "cut the input", Stops: []string{"nothing"}, try: func(Target) syscall.Errno {
		return errno(unix.SYS_FTRUNCATE, input, 0)
	}},
	{Name: "seal the input further", Stops: []string{"nothing"}, try: func(Target) syscall.Errno {
		return errno(unix.SYS_FCNTL, input, unix.F_ADD_SEALS, 0x10)
	}},
	{Name: "open the input again and write it", Stops: []string{"nothing"}, try: func(Target) syscall.Errno {
		fd, e := call(unix.SYS_OPENAT, atFDCWD, text("/proc/self/fd/3"), unix.O_RDWR)
		if e != 0 {
			return e
		}
		return errno(unix.SYS_PWRITE64, fd, text("x"), 1, 0)
	}},
	{Name: "open the input again", Stops: []string{"limits", "seccomp"}, try: func(Target) syscall.Errno {
		return open("/proc/self/fd/3", unix.O_RDWR)
	}},
	{Name: "change the input's mode", Stops: []string{"user", "seccomp"}, try: func(Target) syscall.Errno {
		return errno(unix.SYS_FCHMOD, input, 0o600)
	}},
	{Name: "use a descriptor of the host", Stops: []string{"nothing"}, try: func(Target) syscall.Errno {
		for fd := uintptr(4); fd < 1024; fd++ {
			if flags, e := call(unix.SYS_FCNTL, fd, unix.F_GETFD); e == 0 && flags&unix.FD_CLOEXEC == 0 {
				return 0
			}
		}
		return unix.EBADF
	}},

	// The network.
	{Name: "TCP connect", Stops: []string{"limits", "landlock", "namespaces", "seccomp"}, ABI: 4, try: func(t Target) syscall.Errno {
		return connect(unix.AF_INET, unix.SOCK_STREAM, loopback(t.Port))
	}},
	{Name: "TCP listen", Stops: []string{"limits", "landlock", "seccomp"}, ABI: 4, try: func(Target) syscall.Errno {
		fd, e := call(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0)
		if e != 0 {
			return e
		}
		return errno(unix.SYS_BIND, fd, at(loopback(0)), 16)
	}},
	{Name: "UDP send", Stops: []string{"limits", "namespaces", "seccomp"}, try: func(t Target) syscall.Errno {
		fd, e := call(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_DGRAM, 0)
		if e != 0 {
			return e
		}
		return errno(unix.SYS_SENDTO, fd, text("x"), 1, 0, at(loopback(t.Port)), 16)
	}},
	{Name: "netlink", Stops: []string{"limits", "seccomp"}, try: func(Target) syscall.Errno {
		return errno(unix.SYS_SOCKET, unix.AF_NETLINK, unix.SOCK_RAW, 0)
	}},
	{Name: "raw socket", Stops: []string{"limits", "privileges", "user", "seccomp"}, try: func(Target) syscall.Errno {
		return errno(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)
	}},
	{Name: "abstract socket of the host", Stops: []string{"limits", "landlock", "namespaces", "seccomp"}, ABI: 6, try: func(t Target) syscall.Errno {
		var a [110]byte
		a[0] = unix.AF_UNIX
		n := copy(a[3:], t.Socket)
		fd, e := call(unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if e != 0 {
			return e
		}
		return errno(unix.SYS_CONNECT, fd, at(&a), uintptr(3+n))
	}},
	{Name: "socketpair", Stops: []string{"limits", "seccomp"}, try: func(Target) syscall.Errno {
		return errno(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_STREAM, 0, at(&[2]int32{}))
	}},

	// Processes.
	{Name: "fork", Stops: []string{"seccomp"}, try: func(Target) syscall.Errno {
		return returned(clone(uintptr(unix.SIGCHLD)))
	}},
	{Name: "vfork", Stops: []string{"seccomp"}, try: func(Target) syscall.Errno {
		return returned(clone(unix.CLONE_VM | unix.CLONE_VFORK | uintptr(unix.SIGCHLD)))
	}},
	{Name: "fork into a user namespace", Stops: []string{"seccomp"}, Varies: true, try: func(Target) syscall.Errno {
		return returned(clone(unix.CLONE_NEWUSER | uintptr(unix.SIGCHLD)))
	}},
	{Name: "clone3", Stops: []string{"seccomp"}, try: func(Target) syscall.Errno {
		return reached(errno(unix.SYS_CLONE3, at(&[11]uint64{4: 999}), 88), unix.EINVAL)
	}},
	{Name: "execve", Stops: []string{"landlock", "seccomp"}, try: func(t Target) syscall.Errno {
		argv, envp := at(&[2]uintptr{text("program")}), at(&[2]uintptr{text(Executed + "=1")})
		return errno(unix.SYS_EXECVE, text(t.Dir+"/program"), argv, envp)
	}},
	{Name: "execveat", Stops: []string{"landlock", "seccomp"}, try: func(t Target) syscall.Errno {
		argv, envp := at(&[2]uintptr{text("program")}), at(&[2]uintptr{text(Executed + "=1")})
		return errno(unix.SYS_EXECVEAT, atFDCWD, text(t.Dir+"/program"), argv, envp, 0)
	}},
	{Name: "ptrace", Stops: []string{"user", "namespaces", "landlock", "seccomp"}, try: func(t Target) syscall.Errno {
		return errno(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(t.PID))
	}},
	{Name: "process_vm_readv", Stops: []string{"user", "namespaces", "landlock", "seccomp"}, try: func(t Target) syscall.Errno {
		var b [8]byte
		here := [2]uintptr{at(&b), 8}
		there := [2]uintptr{uintptr(t.Secret), 8}
		return errno(unix.SYS_PROCESS_VM_READV, uintptr(t.PID), at(&here), 1, at(&there), 1)
	}},
	{Name: "memory of a process", Stops: []string{"limits", "user", "landlock", "seccomp"}, try: func(t Target) syscall.Errno {
		return open(proc(t, "mem"), unix.O_RDONLY)
	}},
	{Name: "kill", Stops: []string{"user", "namespaces", "landlock", "seccomp"}, ABI: 6, try: func(t Target) syscall.Errno {
		return errno(unix.SYS_KILL, uintptr(t.PID), uintptr(unix.SIGCONT))
	}},
	{Name: "tgkill", Stops: []string{"user", "namespaces", "landlock", "seccomp"}, ABI: 6, try: func(t Target) syscall.Errno {
		return errno(unix.SYS_TGKILL, uintptr(t.PID), uintptr(t.PID), uintptr(unix.SIGCONT))
	}},
	{Name: "sigqueue", Stops: []string{"user", "namespaces", "landlock", "seccomp"}, ABI: 6, try: func(t Target) syscall.Errno {
		const siQueue = -1
		return errno(unix.SYS_RT_SIGQUEUEINFO, uintptr(t.PID), uintptr(unix.SIGCONT), at(&[32]int32{int32(unix.SIGCONT), 0, siQueue}))
	}},
	{Name: "signals to a process by its pipe", Stops: []string{"namespaces", "seccomp"}, try: func(t Target) syscall.Errno {
		return errno(unix.SYS_FCNTL, output, unix.F_SETOWN, uintptr(t.PID))
	}},
	{Name: "pidfd", Stops: []string{"limits", "namespaces", "seccomp"}, try: func(t Target) syscall.Errno {
		return errno(unix.SYS_PIDFD_OPEN, uintptr(t.PID), 0)
	}},
	{Name: "limits of a process", Stops: []string{"user", "namespaces", "seccomp"}, try: func(t Target) syscall.Errno {
		return errno(unix.SYS_PRLIMIT64, uintptr(t.PID), unix.RLIMIT_NOFILE, 0, at(&unix.Rlimit{}))
	}},
	{Name: "limits of its own, raised", Stops: []string{"privileges", "user", "seccomp"}, Varies: true, try: func(Target) syscall.Errno {
		if e := errno(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_CORE, at(&unix.Rlimit{}), 0); e != 0 {
			return e
		}
		return errno(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_CORE, at(&unix.Rlimit{Cur: 1, Max: 1}), 0)
	}},
	{Name: "namespace of a process", Stops: []string{"limits", "privileges", "user", "landlock", "seccomp"}, try: func(t Target) syscall.Errno {
		fd, e := call(unix.SYS_OPENAT, atFDCWD, text(proc(t, "ns/net")), unix.O_RDONLY)
		if e != 0 {
			return e
		}
		return errno(unix.SYS_SETNS, fd, unix.CLONE_NEWNET)
	}},
	{Name: "duplicate a descriptor", Stops: []string{"limits", "seccomp"}, try: func(Target) syscall.Errno {
		return errno(unix.SYS_FCNTL, input, unix.F_DUPFD, 0)
	}},

	// Memory.
	{Name: "map pages to execute", Stops: []string{"pages", "seccomp"}, Varies: true, try: func(Target) syscall.Errno {
		return errno(unix.SYS_MMAP, 0, 4096, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_ANON|unix.MAP_PRIVATE, none, 0)
	}},
	{Name: "make pages executable", Stops: []string{"pages", "seccomp"}, Varies: true, try: func(Target) syscall.Errno {
		p, e := call(unix.SYS_MMAP, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE, none, 0)
		if e != 0 {
			return e
		}
		return errno(unix.SYS_MPROTECT, p, 4096, unix.PROT_READ|unix.PROT_EXEC)
	}},
	{Name: "map the input", Stops: []string{"seccomp"}, try: func(Target) syscall.Errno {
		return errno(unix.SYS_MMAP, 0, 4096, unix.PROT_READ, unix.MAP_PRIVATE, input, 0)
	}},
	{Name: "map shared memory", Stops: []string{"seccomp"}, try: func(Target) syscall.Errno {
		return errno(unix.SYS_MMAP, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_SHARED, none, 0)
	}},
	{Name: "map a stack that grows", Stops: []string{"seccomp"}, try: func(Target) syscall.Errno {
		return mapped(4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_GROWSDOWN)
	}},
	{Name: "map huge pages", Stops: []string{"seccomp"}, Varies: true, try: func(Target) syscall.Errno {
		return mapped(2<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_HUGETLB|unix.MAP_NORESERVE)
	}},
	{Name: "make written pages read-only", Stops: []string{"seccomp"}, try: func(Target) syscall.Errno {
		p, e := call(unix.SYS_MMAP, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE, none, 0)
		if e != 0 {
			return e
		}
		return errno(unix.SYS_MPROTECT, p, 4096, unix.PROT_READ)
	}},
	{Name: "page tables for more than there may be", Stops: []string{"limits"}, Varies: true, try: func(Target) syscall.Errno {
		return mapped(walls.AddressSpace, unix.PROT_READ, unix.MAP_NORESERVE)
	}},
	{Name: "queue signals", Stops: []string{"limits"}, try: func(Target) syscall.Errno {
		const realtime = 60 // each of these is kept
		set := ^uint64(0)
		if e := errno(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, at(&set), 0, 8); e != 0 {
			return e
		}
		pid, _ := call(unix.SYS_GETPID)
		tid, _ := call(unix.SYS_GETTID)
		for range walls.Signals + 1 {
			if e := errno(unix.SYS_TGKILL, pid, tid, realtime); e != 0 {
				return e
			}
		}
		return 0
	}},
	{Name: "memfd", Stops: []string{"limits", "seccomp"}, try: func(Target) syscall.Errno {
		return errno(unix.SYS_MEMFD_CREATE, text("x"), 0)
	}},
	{Name: "System V memory", Stops: []string{"seccomp"}, try: func(Target) syscall.Errno {
		return errno(unix.SYS_SHMGET, 0, 4096, unix.IPC_CREAT|0o600)
	}},
	{Name: "userfaultfd", Stops: []string{"limits", "seccomp"}, Varies: true, try: func(Target) syscall.Errno {
		return errno(unix.SYS_USERFAULTFD, 1)
	}},
	{Name: "lock memory", Stops: []string{"seccomp"}, Varies: true, try: func(Target) syscall.Errno {
		return errno(unix.SYS_MUNLOCKALL)
	}},

	// Doors of the kernel.
	{Name: "io_uring", Stops: []string{"limits", "seccomp"}, Varies: true, try: func(Target) syscall.Errno {
		return errno(unix.SYS_IO_URING_SETUP, 4, at(&[120]byte{}))
	}},
	{Name: "bpf", Stops: []string{"limits", "seccomp"}, Varies: true, try: func(Target) syscall.Errno {
		const mapCreate, array = 0, 2
		return errno(unix.SYS_BPF, mapCreate, at(&[32]uint32{array, 4, 4, 1}), 128)
	}},
	{Name: "perf events", Stops: []string{"limits", "seccomp"}, Varies: true, try: func(Target) syscall.Errno {
		const software, excludeKernel = 1, 1 << 5
		return errno(unix.SYS_PERF_EVENT_OPEN, at(&[32]uint32{software, 128, 10: excludeKernel}), 0, none, none, 0)
	}},
	{Name: "add a key", Stops: []string{"seccomp"}, Never: true, try: func(Target) syscall.Errno {
		const threadKeyring = ^uintptr(0)
		return errno(unix.SYS_ADD_KEY, text("user"), text("a"), text("b"), 1, threadKeyring)
	}},
	{Name: "keyctl", Stops: []string{"seccomp"}, Never: true, try: func(Target) syscall.Errno {
		return errno(unix.SYS_KEYCTL, unix.KEYCTL_GET_KEYRING_ID, none, 0)
	}},
	{Name: "epoll", Stops: []string{"limits", "seccomp"}, try: func(Target) syscall.Errno {
		return errno(unix.SYS_EPOLL_CREATE1, 0)
	}},
	{Name: "control a device", Stops: []string{"seccomp"}, try: func(Target) syscall.Errno {
		return errno(unix.SYS_IOCTL, 0, unix.TIOCINQ, at(new(int32)))
	}},
	{Name: "personality", Stops: []string{"seccomp"}, try: func(Target) syscall.Errno {
		return errno(unix.SYS_PERSONALITY, 0xffffffff)
	}},
	{Name: "be traceable again", Stops: []string{"seccomp"}, try: func(Target) syscall.Errno {
		return errno(unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 1)
	}},
	{Name: "outlive the parent", Stops: []string{"seccomp"}, try: func(Target) syscall.Errno {
		return errno(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, 0)
	}},
	{Name: "another filter", Stops: []string{"seccomp"}, try: func(Target) syscall.Errno {
		const getActionAvail, kill = 2, uint32(0x80000000)
		action := kill
		return errno(unix.SYS_SECCOMP, getActionAvail, 0, at(&action))
	}},
	{Name: "x32", Stops: []string{"seccomp"}, Varies: true, try: func(Target) syscall.Errno {
		return errno(0x40000000 + unix.SYS_GETPID)
	}},
	{Name: "int 0x80", Stops: []string{"seccomp"}, Varies: true, try: func(Target) syscall.Errno {
		const getpid = 20
		return returned(int80(getpid))
	}},

	// What takes a privilege.
	{Name: "mount", Stops: []string{"privileges", "user", "landlock", "seccomp"}, try: func(t Target) syscall.Errno {
		return errno(unix.SYS_MOUNT, text("t"), text(t.Dir+"/mount"), text("tmpfs"), 0, 0)
	}},
	{Name: "unshare", Stops: []string{"privileges", "user", "seccomp"}, try: func(Target) syscall.Errno {
		return errno(unix.SYS_UNSHARE, unix.CLONE_NEWNET)
	}},
	{Name: "pivot_root", Stops: []string{"privileges", "user", "landlock", "seccomp"}, try: func(t Target) syscall.Errno {
		return reached(errno(unix.SYS_PIVOT_ROOT, text(t.Dir), text(t.Dir)), unix.EINVAL, unix.EBUSY)
	}},
	{Name: "chroot", Stops: []string{"privileges", "user", "seccomp"}, try: func(t Target) syscall.Errno {
		return errno(unix.SYS_CHROOT, text(t.Dir))
	}},
	{Name: "another user", Stops: []string{"privileges", "user", "seccomp"}, Varies: true, try: func(Target) syscall.Errno {
		return errno(unix.SYS_SETUID, 12345)
	}},
	{Name: "another host name", Stops: []string{"privileges", "user", "seccomp"}, try: func(Target) syscall.Errno {
		return errno(unix.SYS_SETHOSTNAME, text("x"), 1)
	}},
}

func mapped(size, access, flags uintptr) syscall.Errno {
	return errno(unix.SYS_MMAP, 0, size, access, unix.MAP_ANON|unix.MAP_PRIVATE|flags, none, 0)
}

func open(name string, flags uintptr) syscall.Errno {
	return errno(unix.SYS_OPENAT, atFDCWD, text(name), flags, 0o600)
}

func proc(t Target, file string) string { return "/proc/" + strconv.Itoa(t.PID) + "/" + file }

func loopback(port int) *[16]byte {
	return &[16]byte{unix.AF_INET, 0, byte(port >> 8), byte(port), 127, 0, 0, 1}
}

func connect(domain, kind uintptr, address *[16]byte) syscall.Errno {
	fd, e := call(unix.SYS_SOCKET, domain, kind, 0)
	if e != 0 {
		return e
	}
	return errno(unix.SYS_CONNECT, fd, at(address), 16)
}
