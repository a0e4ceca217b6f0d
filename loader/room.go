package loader

import (
	"errors"
	"math"
	"sync"

	"github.com/weightgate/weightgate/loader/internal/memory"
)

// unknownMemory is what a machine is taken to have that does not say.
const unknownMemory = 1 << 40

// errNoRoom says that the machine and its control group have too little left.
var errNoRoom = errors.New("loader: not enough memory")

// available is what the machine and its control group have left, in bytes.
func available() int64 {
	if have, known := memory.Available(); known {
		return have
	}
	return unknownMemory
}

// A room is the memory of a gate: its arena, and of the rest what loads under
// way were promised. The system sees a load's memory only as it is filled, so
// that two loads would both find it free.
type room struct {
	arena *memory.Arena

	mu       sync.Mutex
	promised int64
}

// A space is where one load's files go.
type space struct {
	layout *memory.Layout
	region *memory.Region
	filled func() // the promise is kept: the system sees the memory; may be called twice
}

func (s *space) release() {
	s.filled()
	s.region.Release()
}

// take is space for files of these sizes, or errNoRoom, or memory.ErrClosed.
func (r *room) take(sizes []int64) (*space, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	have := max(0, available()-r.promised)
	layout, err := memory.Arrange(sizes, max(have, r.arena.Free()))
	if err != nil {
		return nil, errors.Join(errNoRoom, err)
	}
	region, err := r.arena.Alloc(layout.Size)
	if err != nil {
		return nil, err
	}
	s := &space{layout: layout, region: region, filled: func() {}}
	if region.Kept() {
		return s, nil
	}
	if layout.Size > have {
		region.Release()
		return nil, errNoRoom
	}
	r.promised += layout.Size
	s.filled = sync.OnceFunc(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.promised -= layout.Size
	})
	return s, nil
}

func addSaturating(a, b int64) int64 {
	if b > math.MaxInt64-a {
		return math.MaxInt64
	}
	return a + b
}
