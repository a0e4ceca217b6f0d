//go:build !linux

package memory

// NewSealed is ErrUnsupported.
func NewSealed(string, int64, func(dst []byte) error) (*Sealed, error) { return nil, ErrUnsupported }

// Reachable is ErrUnsupported.
func (s *Sealed) Reachable() error { return ErrUnsupported }

// Close does nothing: there is no Sealed.
func (s *Sealed) Close() error { return nil }
