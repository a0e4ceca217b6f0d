package loader

import (
	"context"
	"runtime"
	"sync/atomic"

	"github.com/weightgate/weightgate/loader/internal/hashing"
	"github.com/weightgate/weightgate/policy/manifest"
)

// A span is what one SHA-256 goes over: a file, or a shard of it.
type span struct {
	file       *stagedFile
	start, end int64            // bytes of the file
	sum        *manifest.Digest // where it goes
}

// spans are those of one kind, in the order of the bytes. In a ring one
// goroutine goes through them; where the bytes are kept several may, each with
// a span of its own.
type spans struct {
	all     []span
	next    atomic.Int64
	readers int
}

// wholes are the files themselves. Their chains are serial, and one core keeps
// up with what storage delivers.
func (s *staged) wholes() *spans {
	w := &spans{readers: 1}
	for _, f := range s.files {
		w.all = append(w.all, span{file: f, end: f.size, sum: &f.sha256})
	}
	return w
}

// shards are pieces of size bytes, the last one of a file shorter. A file of no
// bytes has none.
func (s *staged) shards(size int64) *spans {
	p := &spans{readers: 1}
	if s.space != nil {
		p.readers = runtime.GOMAXPROCS(0)
	}
	for _, f := range s.files {
		f.shards = make([]manifest.Digest, shards(f.size, size))
		for i := range f.shards {
			start := int64(i) * size
			end := f.size
			if end-start > size {
				end = start + size
			}
			p.all = append(p.all, span{file: f, start: start, end: end, sum: &f.shards[i]})
		}
		if s.space == nil && f.size == 0 { // whoever frees jobs in their order frees this one too
			p.all = append(p.all, span{file: f, sum: new(manifest.Digest)})
		}
	}
	return p
}

// shards is how many shards of a size a file has.
func shards(file, size int64) int64 {
	if file <= 0 {
		return 0
	}
	return (file-1)/size + 1
}

// chains goes through spans until none is left.
func (r *stageRun) chains(ctx context.Context, reader int, s *spans) error {
	for {
		n := s.next.Add(1) - 1
		if n >= int64(len(s.all)) {
			return nil
		}
		if err := r.chain(ctx, reader, s.all[n]); err != nil {
			return err
		}
	}
}

// chain is the SHA-256 of one span.
func (r *stageRun) chain(ctx context.Context, reader int, s span) error {
	c := hashing.NewChain(s.end - s.start)
	for i := s.start / hashing.Chunk; i < max(1, hashing.Chunks(s.end)); i++ {
		chunk, err := r.await(ctx, s.file.first+i)
		if err != nil {
			return err
		}
		offset, n := s.file.tree.Bounds(i)
		next := offset + int64(n)
		if chunk != nil {
			c.Write(chunk[max(0, s.start-offset) : min(next, s.end)-offset])
		}
		if next <= s.end { // else the next span begins in it
			r.belt.free(reader, s.file.first+i)
		}
	}
	sum, err := c.Digest()
	if err != nil && s.file.failed.Load() == nil {
		return faultFor(err, s.file.name)
	}
	*s.sum = sum
	return nil
}

// await is the chunk of a job. Where the bytes are kept, a chain takes jobs
// itself while its chunk is not there; in a ring it must not, since a job may
// wait for a buffer that only the chains free.
func (r *stageRun) await(ctx context.Context, job int64) ([]byte, error) {
	for r.s.space != nil {
		if chunk, ok := r.belt.ready(job); ok {
			return chunk, nil
		}
		if more, err := r.step(ctx); err != nil {
			return nil, err
		} else if !more {
			break
		}
	}
	return r.belt.take(ctx, job)
}
