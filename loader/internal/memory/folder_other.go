//go:build !linux

package memory

// A Folder is nothing here: there is no sealed memory to stand in it.
type Folder struct{}

// A Named is sealed memory and the name that it stands under.
type Named struct {
	Name   string
	Memory *Sealed
}

// Fill answers ErrUnsupported.
func (*Folder) Fill(...Named) ([]string, error) { return nil, ErrUnsupported }
func (*Folder) Clear() error                    { return nil }
