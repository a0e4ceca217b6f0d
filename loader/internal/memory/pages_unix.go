//go:build unix

package memory

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

type protection int

const (
	noAccess  protection = unix.PROT_NONE
	readOnly  protection = unix.PROT_READ
	readWrite protection = unix.PROT_READ | unix.PROT_WRITE
)

// pages is an anonymous private mapping. Its bytes start at a border of Piece,
// so that huge pages fit; the mapping around them is one Piece longer, which is
// never touched.
type pages struct {
	bytes []byte
	all   []byte
}

func mapPages(n int) (*pages, error) {
	all, err := unix.Mmap(-1, 0, n+Piece, int(readWrite), unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("memory: mapping %d bytes: %w", n, err)
	}
	at := int(-uintptr(unsafe.Pointer(unsafe.SliceData(all))) % Piece)
	p := &pages{bytes: all[at : at+n : at+n], all: all}
	preferHuge(p.bytes)
	return p, nil
}

func (p *pages) unmap() error {
	if err := unix.Munmap(p.all); err != nil {
		return fmt.Errorf("memory: unmapping %d bytes: %w", len(p.all), err)
	}
	return nil
}

func protect(b []byte, p protection) error {
	if err := unix.Mprotect(b, int(p)); err != nil {
		return fmt.Errorf("memory: protecting %d bytes: %w", len(b), err)
	}
	return nil
}

// touch writes to every page of b.
func touch(b []byte) {
	for i := 0; i < len(b); i += unix.Getpagesize() {
		b[i] = 0
	}
}
