//go:build !unix

package memory

import (
	"errors"
	"fmt"
	"os"
)

func mapFile(*os.File, int) ([]byte, error) {
	return nil, fmt.Errorf("memory: mapping a file: %w", errors.ErrUnsupported)
}

func unmapFile([]byte) error { return nil }
