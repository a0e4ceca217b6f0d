//go:build unix

package memory

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

func mapFile(f *os.File, size int) (b []byte, err error) {
	raw, err := f.SyscallConn() // f.Fd would make f blocking
	if err != nil {
		return nil, err
	}
	if ctl := raw.Control(func(fd uintptr) {
		b, err = unix.Mmap(int(fd), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	}); ctl != nil {
		return nil, ctl
	}
	if err != nil {
		return nil, fmt.Errorf("memory: mapping %d bytes of a file: %w", size, err)
	}
	return b, nil
}

func unmapFile(b []byte) error {
	if err := unix.Munmap(b); err != nil {
		return fmt.Errorf("memory: unmapping %d bytes of a file: %w", len(b), err)
	}
	return nil
}
