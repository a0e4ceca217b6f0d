//go:build unix

package loader

import (
	"os"
	"syscall"
)

// openLibrary follows links and waits for no FIFO.
func openLibrary(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
}
