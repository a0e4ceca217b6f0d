package memory

import (
	"fmt"
	"math"
	"os"
	"sync"
)

// A Mapping shows a file read-only. It follows the file: its bytes change when
// the file's do, and fault when the file is cut short. They are only ever read
// through Copy.
type Mapping struct {
	bytes []byte
	unmap sync.Once
}

// MapFile maps the first size bytes of f, which may be closed afterwards. Where
// files cannot be mapped the error is an errors.ErrUnsupported.
func MapFile(f *os.File, size int64) (*Mapping, error) {
	if size < 0 || size > math.MaxInt {
		return nil, fmt.Errorf("%w: mapping %d bytes", ErrRange, size)
	}
	if size == 0 {
		return &Mapping{}, nil
	}
	b, err := mapFile(f, int(size))
	if err != nil {
		return nil, err
	}
	return &Mapping{bytes: b}, nil
}

// Bytes is the file as it is at each moment, until Unmap.
func (m *Mapping) Bytes() []byte { return m.bytes }

// Unmap ends the mapping; no slice of it may be in use. Further calls do nothing.
func (m *Mapping) Unmap() (err error) {
	m.unmap.Do(func() {
		if len(m.bytes) > 0 {
			err = unmapFile(m.bytes)
		}
		m.bytes = nil
	})
	return err
}
