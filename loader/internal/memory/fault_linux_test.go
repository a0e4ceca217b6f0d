package memory

import (
	"bufio"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// faults reports whether f ends in a memory fault, at an address within b.
func faults(b []byte, f func()) (inside bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if cause := recover(); cause != nil {
			if _, inside = faultIn(b, cause); !inside {
				panic(cause)
			}
		}
	}()
	f()
	return false
}

func faultsOnRead(b []byte) bool {
	var sink byte
	return faults(b, func() { sink += b[0] + b[len(b)-1] })
}

func faultsOnWrite(b []byte) bool { return faults(b, func() { b[len(b)-1]++ }) }

// maps are the lines of /proc/self/maps.
func maps(t *testing.T) (all []string) {
	f, err := os.Open("/proc/self/maps")
	require.NoError(t, err)
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		all = append(all, s.Text())
	}
	require.NoError(t, s.Err())
	require.NotEmpty(t, all)
	return all
}

// mapped reports whether the first byte of b lies in any mapping.
func mapped(t *testing.T, b []byte) bool {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	for _, line := range maps(t) {
		var from, to uintptr
		_, err := fmt.Sscanf(line, "%x-%x", &from, &to)
		require.NoError(t, err)
		if from <= at && at < to {
			return true
		}
	}
	return false
}

func mappedByName(t *testing.T, name string) bool {
	for _, line := range maps(t) {
		if strings.Contains(line, name) {
			return true
		}
	}
	return false
}
