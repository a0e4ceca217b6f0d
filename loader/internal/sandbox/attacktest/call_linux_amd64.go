package attacktest

import (
	"syscall"
	"unsafe"
)

func clone(flags uintptr) uintptr

func int80(nr uintptr) uintptr

// call is a raw system call.
func call(nr uintptr, args ...uintptr) (uintptr, syscall.Errno) {
	var a [6]uintptr
	copy(a[:], args)
	r, _, e := syscall.Syscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	return r, e
}

// errno is that of a call of which nothing else matters.
func errno(nr uintptr, args ...uintptr) syscall.Errno {
	_, e := call(nr, args...)
	return e
}

// returned is the error in what a system call left in its register.
func returned(r uintptr) syscall.Errno {
	if n := int64(r); n < 0 && n > -4096 {
		return syscall.Errno(-n)
	}
	return 0
}

// reached is success for calls that are tried with arguments that the kernel
// refuses only after it has asked whether they are allowed.
func reached(e syscall.Errno, behind ...syscall.Errno) syscall.Errno {
	for _, b := range behind {
		if e == b {
			return 0
		}
	}
	return e
}

// kept holds what calls point to.
var kept []any

func text(s string) uintptr {
	b := append([]byte(s), 0)
	kept = append(kept, b)
	return uintptr(unsafe.Pointer(&b[0]))
}

func at[T any](v *T) uintptr {
	kept = append(kept, v)
	return uintptr(unsafe.Pointer(v))
}
