package loader

import (
	"context"
	"sync"

	"github.com/weightgate/weightgate/loader/internal/hashing"
)

// beltSlots is how many chunks of a ring may wait for the chain: 8 MiB.
const beltSlots = 16

// A belt brings chunks that many workers finish in any order to the one
// SHA-256 chain in the order of the files. Where the bytes are not kept it
// owns the buffers, and a worker waits until the chain is done with the one
// that it needs. It cannot lock up: the chunk that the chain waits for always
// has a buffer.
type belt struct {
	mu      sync.Mutex
	changed sync.Cond
	hashed  map[int64][]byte // waiting for the chain
	freed   int64            // jobs that the chain is done with
	slots   [][]byte         // nil: the bytes are kept
	stopped bool
}

func newBelt(ring bool) *belt {
	b := &belt{hashed: map[int64][]byte{}}
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

// put gives the chain the chunk of a job.
func (b *belt) put(job int64, chunk []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hashed[job] = chunk
	b.changed.Broadcast()
}

// ready is the chunk of a job, if it is there.
func (b *belt) ready(job int64) ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	chunk, ok := b.hashed[job]
	delete(b.hashed, job)
	return chunk, ok
}

// take waits for the chunk of a job.
func (b *belt) take(ctx context.Context, job int64) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		if chunk, ok := b.hashed[job]; ok {
			delete(b.hashed, job)
			return chunk, nil
		}
		if b.stopped {
			return nil, ctx.Err()
		}
		b.changed.Wait()
	}
}

// free gives the buffer of a job back. Jobs are freed in their order.
func (b *belt) free(job int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.freed = job + 1
	b.changed.Broadcast()
}

// stop wakes whoever waits, because the context ended.
func (b *belt) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopped = true
	b.changed.Broadcast()
}
