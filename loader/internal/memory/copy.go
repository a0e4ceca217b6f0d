package memory

import (
	"errors"
	"fmt"
	"runtime/debug"
	"unsafe"
)

// ErrFault says that a mapped file had fewer bytes than its mapping.
var ErrFault = errors.New("memory: the file ended before its mapping")

// FaultError is an ErrFault with its place.
type FaultError struct {
	Offset int64 // in the bytes that were to be copied
}

func (e *FaultError) Error() string { return fmt.Sprintf("%v, at byte %d", ErrFault, e.Offset) }

func (e *FaultError) Unwrap() error { return ErrFault }

// Copy copies src, which lies in a file's mapping, into dst, which is at least
// as long. If the file was cut short under the mapping the error is a
// *FaultError, and dst holds anything. A fault at any other address panics as
// it does without Copy.
//
// The last page of a file that was cut short reads as zeros, without a fault:
// the caller asks for the file's size once more when all is copied.
func Copy(dst, src []byte) (err error) {
	if len(src) == 0 {
		return nil
	}
	old := debug.SetPanicOnFault(true) // of this goroutine alone
	defer debug.SetPanicOnFault(old)
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		offset, inside := faultIn(src, cause)
		if !inside {
			panic(cause)
		}
		err = &FaultError{Offset: offset}
	}()
	copy(dst[:len(src)], src)
	return nil
}

// faultIn is where in b the memory fault of a recovered panic lies.
func faultIn(b []byte, cause any) (offset int64, inside bool) {
	fault, ok := cause.(interface{ Addr() uintptr })
	if !ok {
		return 0, false
	}
	at := fault.Addr() - uintptr(unsafe.Pointer(unsafe.SliceData(b))) // wraps below b
	return int64(at), at < uintptr(len(b))
}
