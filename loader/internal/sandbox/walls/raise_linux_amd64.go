package walls

import (
	"syscall"
	"unsafe"
)

// Enter puts up what one thread can carry through an execution: no privileges
// and a Landlock domain, whose error it returns. Other threads have neither, so
// the process must execute itself [Again] before anything else. It keeps the
// domain the child's own, and works with threads that cgo or the race detector
// started.
func Enter(s Set) (landlock syscall.Errno) {
	if s.Has(Privileges) {
		noNewPrivileges()
		dropCapabilities()
	}
	if !s.Has(Landlock) {
		return 0
	}
	return restrict()
}

// Again executes this program from its start, with one variable of its
// environment changed. It returns only an error.
func Again(argv0, key, value string) error {
	env := syscall.Environ()
	for i, v := range env {
		if len(v) > len(key) && v[:len(key)] == key && v[len(key)] == '=' {
			env[i] = key + "=" + value
		}
	}
	return syscall.Exec("/proc/self/exe", []string{argv0}, env)
}

// Raise puts up the other walls, around all threads. The order is part of it:
// a timer needs descriptors, the filter forbids all that comes before it.
func Raise(o Order, s Set) (r Report) {
	for w := range r.Errno {
		r.Errno[w] = Absent
	}
	if s.Has(Limits) {
		r.Errno[Limits] = uint32(limit(o))
	}
	if s.Has(Privileges) {
		r.Errno[Privileges] = uint32(renounce())
	}
	if s.Has(Pages) {
		_, e := prctl(prSetMDWE, mdweRefuseExecGain)
		r.Errno[Pages] = uint32(e)
	}
	if s.Has(Landlock) {
		r.ABI = uint32(abi())
		r.Errno[Landlock] = uint32(domain(syscall.Errno(o.Landlock)))
	}
	closed := closeDescriptors()
	startTimers()
	if s.Has(Limits) {
		r.Errno[Limits] = first(r.Errno[Limits], uint32(closed), uint32(limitDescriptors()))
	}
	if s.Has(Seccomp) {
		r.Errno[Seccomp] = uint32(filter())
	}
	return r
}

func first(errnos ...uint32) uint32 {
	for _, e := range errnos {
		if e != 0 {
			return e
		}
	}
	return 0
}

// call is a system call that the scheduler does not know of: none here blocks.
// What is pointed to stays where it is meanwhile.
//
//go:uintptrescapes
func call(nr uintptr, args ...uintptr) (uintptr, syscall.Errno) {
	var a [6]uintptr
	copy(a[:], args)
	r, _, e := syscall.RawSyscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	return r, e
}

func text(s string) (unsafe.Pointer, syscall.Errno) {
	p, err := syscall.BytePtrFromString(s)
	if err != nil {
		return nil, syscall.EINVAL
	}
	return unsafe.Pointer(p), 0
}
