package memory

import (
	"errors"
	"fmt"
	"sync"
)

// ErrUnsupported says that this system has no sealed memory. It wraps
// errors.ErrUnsupported.
var ErrUnsupported = fmt.Errorf("memory: no sealed memory here: %w", errors.ErrUnsupported)

// Sealed is memory behind a descriptor that nobody can change any more, its
// owner included: it can be given to another process, or opened by path. It is
// safe for concurrent use.
type Sealed struct {
	fd    int
	bytes []byte
	close sync.Once
}

// Bytes is the content, read-only, until Close. It was mapped after the seals
// were set: what is hashed here is what every reader of the descriptor gets.
func (s *Sealed) Bytes() []byte { return s.bytes }

// Fd is the descriptor, open until Close.
func (s *Sealed) Fd() uintptr { return uintptr(s.fd) }

// Path opens the content within this process, until Close.
func (s *Sealed) Path() string { return fmt.Sprintf("/proc/self/fd/%d", s.fd) }
