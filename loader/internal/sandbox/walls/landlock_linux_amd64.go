package walls

import (
	"strings"
	"syscall"
	"unsafe"
)

// https://docs.kernel.org/userspace-api/landlock.html
const (
	sysLandlockCreateRuleset = 444
	sysLandlockAddRule       = 445
	sysLandlockRestrictSelf  = 446

	landlockVersion  = 1 // flag: only say the ABI
	landlockBeneath  = 1 // type of rule
	landlockExecute  = 1 << 0
	landlockReadFile = 1 << 2

	oPath   = 0x200000
	atFDCWD = ^uintptr(99)
)

// handled is how many file rights each ABI knows.
var handled = [...]uint{0, 13, 14, 15, 15, 16, 16, 16}

// abi is Landlock's version here, zero without it.
func abi() int {
	n, e := call(sysLandlockCreateRuleset, 0, 0, landlockVersion)
	if e != 0 {
		return 0
	}
	return int(n)
}

// restrict puts the calling thread into a domain with no rights but to execute
// this program again.
func restrict() syscall.Errno {
	version, e := call(sysLandlockCreateRuleset, 0, 0, landlockVersion)
	if e != 0 {
		return e
	}
	attr, size := [3]uint64{1<<handled[min(int(version), len(handled)-1)] - 1}, uintptr(8)
	if version >= 4 {
		attr[1], size = 3, 16 // TCP: bind, connect
	}
	if version >= 6 {
		attr[2], size = 3, 24 // to the outside: abstract sockets, signals
	}
	ruleset, e := call(sysLandlockCreateRuleset, uintptr(unsafe.Pointer(&attr)), size, 0)
	if e != 0 {
		return e
	}
	defer syscall.Close(int(ruleset))
	if e := allow(ruleset, "/proc/self/exe"); e != 0 {
		return e
	}
	for _, file := range mapped() {
		allow(ruleset, file) // without one that is needed the execution fails, and says so
	}
	if e := noNewPrivileges(); e != 0 {
		return e
	}
	_, e = call(sysLandlockRestrictSelf, ruleset, 0)
	return e
}

// allow lets the domain execute and read one file.
func allow(ruleset uintptr, file string) syscall.Errno {
	name, e := text(file)
	if e != 0 {
		return e
	}
	fd, e := call(syscall.SYS_OPENAT, atFDCWD, uintptr(name), oPath|syscall.O_CLOEXEC)
	if e != 0 {
		return e
	}
	defer syscall.Close(int(fd))
	rule := [3]uint32{landlockExecute | landlockReadFile, 0, uint32(fd)} // packed: u64, s32
	_, e = call(sysLandlockAddRule, ruleset, landlockBeneath, uintptr(unsafe.Pointer(&rule)), 0)
	return e
}

// mapped are the files that the loader needs to start this program: those that
// it has mapped now, and its cache. It is empty for a static program.
func mapped() (files []string) {
	maps, e := slurp("/proc/self/maps")
	if e != 0 {
		return nil
	}
	for line := range strings.Lines(maps) {
		i := strings.IndexByte(line, '/')
		if i < 0 {
			continue
		}
		file := strings.TrimSuffix(line[i:], "\n")
		if len(files) == 0 || files[len(files)-1] != file {
			files = append(files, file)
		}
	}
	if len(files) < 2 {
		return nil
	}
	return append(files, "/etc/ld.so.cache")
}

// domain says whether this process is inside: it cannot open what anyone can.
func domain(entered syscall.Errno) syscall.Errno {
	if entered != 0 {
		return entered
	}
	fd, err := syscall.Open("/", syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	switch e, _ := err.(syscall.Errno); e {
	case 0:
		syscall.Close(fd)
		return syscall.EPERM
	case syscall.EACCES:
		return 0
	default:
		return e
	}
}

// slurp reads a file of /proc, which has no size.
func slurp(file string) (string, syscall.Errno) {
	fd, err := syscall.Open(file, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return "", err.(syscall.Errno)
	}
	defer syscall.Close(fd)
	var b []byte
	for chunk := make([]byte, 64<<10); ; {
		n, err := syscall.Read(fd, chunk)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return "", err.(syscall.Errno)
		}
		if n == 0 {
			return string(b), 0
		}
		b = append(b, chunk[:n]...)
	}
}
