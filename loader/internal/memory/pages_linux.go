package memory

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// preferHuge asks for huge pages; a kernel without them serves small ones.
func preferHuge(b []byte) { _ = unix.Madvise(b, unix.MADV_HUGEPAGE) }

// populate makes every page of b resident, or fails where touching would kill
// the process. Kernels before 5.14 know no such call.
func populate(b []byte) error {
	err := unix.Madvise(b, unix.MADV_POPULATE_WRITE)
	if errors.Is(err, unix.EINVAL) {
		touch(b)
		return nil
	}
	if err != nil {
		return fmt.Errorf("memory: populating %d bytes: %w", len(b), err)
	}
	return nil
}
