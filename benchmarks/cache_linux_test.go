package benchmarks

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// errNotCold says that a file cannot be dropped from the page cache here: its
// file system is the memory itself, or the kernel keeps it.
var errNotCold = errors.New("the page cache keeps the file, so no read of it is cold")

// cool drops a file from the page cache, and makes sure that it is gone.
func cool(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for try := range 5 { // a page that another core is about to file cannot go yet
		time.Sleep(time.Duration(try) * 20 * time.Millisecond)
		if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
			return err
		}
		in, of, err := cached(f)
		if err != nil || in <= of/1000 {
			return err
		}
	}
	return fmt.Errorf("%w: %s", errNotCold, filepath.Base(path))
}

// warm reads a file until the page cache has it: the kernel may take a page
// back at any time.
func warm(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for range 3 {
		if _, err := io.Copy(io.Discard, io.NewSectionReader(f, 0, math.MaxInt64)); err != nil {
			return err
		}
		in, of, err := cached(f)
		if err != nil || of-in <= of/1000 {
			return err
		}
	}
	return fmt.Errorf("%s does not stay in the page cache", path)
}

// cached is how many of a file's pages are in the page cache.
func cached(f *os.File) (in, of int, err error) {
	b, err := mapping(f)
	if err != nil || len(b) == 0 {
		return 0, 0, err
	}
	defer unix.Munmap(b)
	page := os.Getpagesize()
	state := make([]byte, (len(b)+page-1)/page)
	_, _, errno := unix.Syscall(unix.SYS_MINCORE,
		uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), uintptr(unsafe.Pointer(&state[0])))
	if errno != 0 {
		return 0, 0, fmt.Errorf("mincore: %w", errno)
	}
	for _, s := range state {
		in += int(s & 1)
	}
	return in, len(state), nil
}

// mapping maps a file for reading; none of it is touched.
func mapping(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return nil, err
	}
	return unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
}
