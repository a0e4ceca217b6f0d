package loader

import (
	"context"
	"slices"
	"sync"

	"github.com/weightgate/weightgate/loader/internal/hashing"
)

// beltSlots is how many chunks of a ring may wait for the chain: 8 MiB.
const beltSlots = 16

// A belt brings chunks that many workers finish in any order to SHA-256 chains,
// which take them in the order of the files. Where the bytes are not kept it
// owns the buffers, and a worker waits until every reader is done with the one
// that it needs. It cannot lock up: the chunk that the last reader waits for
// always has a buffer.
type belt struct {
	mu      sync.Mutex
	changed sync.Cond
	hashed  map[int64][]byte // chunks by their job, until they are freed
	done    []int64          // jobs that each reader is done with
	freed   int64            // jobs that all are done with
	slots   [][]byte         // nil: the bytes are kept, and nothing is freed
	stopped bool
}

func newBelt(ring bool, readers int) *belt {
	b := &belt{hashed: map[int64][]byte{}, done: make([]int64, readers)}
	b.changed.L = &b.mu
	if ring {
		b.slots = make([][]byte, beltSlots)
	}
	return b
}

// slot waits for the buffer of a job.
func (b *belt) slot(ctx context.Context, job int64) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for job >= b.freed+beltSlots && !b.stopped {
		b.changed.Wait()
	}
	if b.stopped {
		return nil, ctx.Err()
	}
	s := &b.slots[job%beltSlots]
	if *s == nil {
		*s = make([]byte, hashing.Chunk)
	}
	return *s, nil
}

// put gives the readers the chunk of a job; nil says that there will be none.
func (b *belt) put(job int64, chunk []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if job < b.freed {
		return
	}
	b.hashed[job] = chunk
	b.changed.Broadcast()
}

// ready is the chunk of a job, if it is there.
func (b *belt) ready(job int64) ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	chunk, ok := b.hashed[job]
	return chunk, ok
}

// take waits for the chunk of a job.
func (b *belt) take(ctx context.Context, job int64) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		if chunk, ok := b.hashed[job]; ok {
			return chunk, nil
		}
		if b.stopped {
			return nil, ctx.Err()
		}
		b.changed.Wait()
	}
}

// free says that a reader is done with a job, and gives the buffer back if all
// are. A reader of a ring frees jobs in their order.
func (b *belt) free(reader int, job int64) {
	if b.slots == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done[reader] = job + 1
	for ; b.freed < slices.Min(b.done); b.freed++ {
		delete(b.hashed, b.freed)
	}
	b.changed.Broadcast()
}

// stop wakes whoever waits, because the context ended.
func (b *belt) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopped = true
	b.changed.Broadcast()
}
