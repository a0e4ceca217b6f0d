package walls

import (
	"math"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

const pid = 4711

// A seen is what the kernel shows a filter of one call.
type seen struct {
	nr, arch uint32
	args     [6]uint64
}

func (s seen) word(offset uint32) uint32 {
	switch {
	case offset == atNumber:
		return s.nr
	case offset == atArchitecture:
		return s.arch
	case offset < atArguments || offset%4 != 0:
		return math.MaxUint32
	}
	return uint32(s.args[(offset-atArguments)/8] >> (offset % 8 * 8))
}

// answer is what the kernel would do: it runs the program.
func answer(p []instruction, s seen) uint32 {
	a := uint32(0)
	for i := 0; ; i++ {
		in := p[i]
		jump := in.jf
		switch in.code {
		case bpfLoad:
			a = s.word(in.k)
			continue
		case bpfAnd:
			a &= in.k
			continue
		case bpfRet:
			return in.k
		case bpfEqual:
			if a == in.k {
				jump = in.jt
			}
		}
		i += int(jump)
	}
}

func TestFilter(t *testing.T) {
	p := assemble(rules(pid))
	require.LessOrEqual(t, len(p), 4096, "the kernel takes no more")
	call := func(nr uint32, args ...uint64) uint32 {
		s := seen{nr: nr, arch: archX8664}
		copy(s.args[:], args)
		return answer(p, s)
	}
	const rw, private, anon = syscall.PROT_READ | syscall.PROT_WRITE, syscall.MAP_PRIVATE, syscall.MAP_ANON
	for _, c := range []struct {
		name string
		got  uint32
		want uint32
	}{
		{"read", call(syscall.SYS_READ), retAllow},
		{"exit_group", call(syscall.SYS_EXIT_GROUP), retAllow},
		{"socket", call(syscall.SYS_SOCKET), retKill},
		{"x32 read", call(0x40000000 + syscall.SYS_READ), retKill},
		{"a number that is not there", call(math.MaxUint32), retKill},
		{"anonymous memory", call(syscall.SYS_MMAP, 0, 4096, rw, private|anon), retAllow},
		{"a reservation", call(syscall.SYS_MMAP, 0, 4096, syscall.PROT_NONE, private|anon|syscall.MAP_NORESERVE), retAllow},
		{"shared memory", call(syscall.SYS_MMAP, 0, 4096, rw, syscall.MAP_SHARED|anon), retKill},
		{"shared memory, validated", call(syscall.SYS_MMAP, 0, 4096, rw, 3|anon), retKill},
		{"a stack of a thread", call(syscall.SYS_MMAP, 0, 4096, rw, private|anon|syscall.MAP_STACK), retAllow},
		{"memory at a place", call(syscall.SYS_MMAP, 4096, 4096, rw, private|anon|syscall.MAP_FIXED), retAllow},
		{"memory that grows", call(syscall.SYS_MMAP, 0, 4096, rw, private|anon|syscall.MAP_GROWSDOWN), retKill},
		{"huge pages", call(syscall.SYS_MMAP, 0, 4096, rw, private|anon|syscall.MAP_HUGETLB), retKill},
		{"locked memory", call(syscall.SYS_MMAP, 0, 4096, rw, private|anon|syscall.MAP_LOCKED), retKill},
		{"droppable memory", call(syscall.SYS_MMAP, 0, 4096, rw, 8|anon), retKill},
		{"a mapped file", call(syscall.SYS_MMAP, 0, 4096, rw, private), retKill},
		{"memory to execute", call(syscall.SYS_MMAP, 0, 4096, rw|syscall.PROT_EXEC, private|anon), retKill},
		{"unprotect", call(syscall.SYS_MPROTECT, 0, 4096, rw), retAllow},
		{"protect from writing", call(syscall.SYS_MPROTECT, 0, 4096, syscall.PROT_READ), retKill},
		{"protect from all", call(syscall.SYS_MPROTECT, 0, 4096, syscall.PROT_NONE), retKill},
		{"protect to execute", call(syscall.SYS_MPROTECT, 0, 4096, syscall.PROT_EXEC), retKill},
		{"a thread", call(syscall.SYS_CLONE, threadGo), retAllow},
		{"a fork", call(syscall.SYS_CLONE, uint64(syscall.SIGCHLD)), retKill},
		{"a vfork", call(syscall.SYS_CLONE, syscall.CLONE_VM|syscall.CLONE_VFORK), retKill},
		{"a thread in a namespace", call(syscall.SYS_CLONE, threadGo|syscall.CLONE_NEWNET), retKill},
		{"clone3", call(sysClone3), retErrno | uint32(syscall.ENOSYS)},
		{"a signal to a thread", call(syscall.SYS_TGKILL, pid), retAllow},
		{"a signal to another's", call(syscall.SYS_TGKILL, pid+1), retKill},
		{"flags of a descriptor", call(syscall.SYS_FCNTL, 1, syscall.F_GETFL), retAllow},
		{"a duplicate of it", call(syscall.SYS_FCNTL, 1, syscall.F_DUPFD), retKill},
		{"an owner of it", call(syscall.SYS_FCNTL, 1, syscall.F_SETOWN), retKill},
		{"prctl", call(syscall.SYS_PRCTL), retErrno | uint32(syscall.EINVAL)},
		{"read, 32 bits", answer(p, seen{nr: syscall.SYS_READ, arch: 0x40000003}), retKill},
	} {
		require.Equal(t, c.want, c.got, c.name)
	}
}

// Whatever the call, it is let through only by a rule of its number.
func TestFilterIsTheRules(t *testing.T) {
	list := rules(pid)
	p := assemble(list)
	ruled := map[uint32]rule{}
	for _, r := range list {
		require.NotContains(t, ruled, r.nr)
		ruled[r.nr] = r
	}
	for nr := range uint32(1024) {
		r, ok := ruled[nr]
		want := uint32(retKill)
		switch {
		case ok && r.refuse != 0:
			want = retErrno | uint32(r.refuse)
		case ok && len(r.fit) == 0:
			want = retAllow
		case ok: // all ones fit no rule
		}
		const ones = math.MaxUint64
		require.Equal(t, want, answer(p, seen{nr: nr, arch: archX8664, args: [6]uint64{ones, ones, ones, ones, ones, ones}}), nr)
	}
}
