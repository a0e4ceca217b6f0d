//go:build !linux

package memory

// A Folder is nothing here: there is no sealed memory to stand in it.
type Folder struct{}

// NewFolder answers ErrUnsupported.
func NewFolder() (*Folder, error) { return nil, ErrUnsupported }

func (*Folder) Put(string, *Sealed) (string, error) { return "", ErrUnsupported }
func (*Folder) Clear(...string) error               { return nil }
func (*Folder) Remove() error                       { return nil }
