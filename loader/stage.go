package loader

import (
	"context"
	"runtime"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader/internal/hashing"
	"github.com/weightgate/weightgate/loader/internal/memory"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

// staged is stage 2: every byte copied once and hashed where it then lay. A
// load keeps the copy; a ring keeps the hashes, and believes a byte that it
// reads again only if its chunk still has them.
type staged struct {
	files []*stagedFile // sorted bytewise by name
	space *space        // nil: a ring
	guard *memory.Guard // protects what is final; nil: a ring
	ring  *ringReader   // nil: the bytes are kept
	facts policy.DigestFacts

	gathered []*space // what conversions copied, beside the files
}

func (s *staged) addTo(f *policy.Facts) { f.Digest = &s.facts }

func (s *staged) release() {
	if s.space != nil {
		s.space.release()
	}
	for _, s := range s.gathered {
		s.release()
	}
	if s.ring != nil {
		s.ring.close()
	}
}

// owns reports whether bytes lie in what a conversion was given.
func (s *staged) owns(b []byte) bool {
	return slices.ContainsFunc(s.gathered, func(g *space) bool { return g.region.Holds(b) })
}

// protect makes what a conversion has filled read-only.
func (s *staged) protect() error {
	for _, g := range s.gathered {
		g.filled()
		if err := g.region.Protect(0, g.layout.Size); err != nil {
			return err
		}
	}
	return nil
}

// failed is the first read of a ring that did.
func (s *staged) failed() error {
	if s.ring == nil {
		return nil
	}
	return s.ring.err()
}

// find is the file of that name.
func (s *staged) find(name string) (*stagedFile, bool) {
	i := sort.Search(len(s.files), func(i int) bool { return s.files[i].name >= name })
	if i == len(s.files) || s.files[i].name != name {
		return nil, false
	}
	return s.files[i], true
}

// A stagedFile is one file of it, and the Input that parsers get.
type stagedFile struct {
	set   *staged
	name  string
	size  int64
	bytes []byte // the verified copy; nil in a ring
	place int64  // where in the region it lies
	tree  *hashing.Tree
	seals *hashing.Seals // of the chunks of a ring; else nil

	// While the file is copied.
	first   int64 // number of its first job in the whole load
	opening sync.Once
	source  chunkReader
	openErr error
	left    atomic.Int64 // jobs to go
	closed  bool         // by whoever did the last one
	failed  atomic.Pointer[fault]
	sha256  manifest.Digest
	shards  []manifest.Digest // SHA-256 of each; none: no rule asks
}

// jobs is how many jobs a file makes: one for each chunk, and one for the
// empty file, which is opened and looked at like any other.
func (f *stagedFile) jobs() int64 { return max(1, hashing.Chunks(f.size)) }

// stage copies and hashes all files of l on all cores.
func (a *admission) stage(ctx context.Context, l *listing) (*staged, error) {
	defer a.timed("copy and hash")()
	s := a.layOut(l.stat.Files)
	a.staged = s // released with the admission, also when the copy fails
	run := a.newRun(s)
	if err := run.run(ctx); err != nil {
		return nil, faultFor(err, "")
	}
	if s.space != nil {
		s.space.filled()
	}
	a.at(pauseProtected, "", 0)
	if a.shardSize > 0 {
		s.facts.Shards = make(map[string][]manifest.Digest, len(s.files))
	}
	s.files = slices.DeleteFunc(s.files, func(f *stagedFile) bool {
		failed := f.failed.Load()
		if failed != nil {
			s.facts.Findings = append(s.facts.Findings, failed.Finding)
		}
		return failed != nil
	})
	for _, f := range s.files {
		verity, err := f.tree.Digest()
		if err != nil {
			return nil, faultFor(err, f.name)
		}
		s.facts.Manifest = append(s.facts.Manifest, manifest.Entry{Name: f.name, Size: f.size, Verity: verity, SHA256: f.sha256})
		if a.shardSize > 0 {
			s.facts.Shards[f.name] = f.shards
		}
		a.report.Bytes += f.size
	}
	return s, nil
}

// layOut gives each file its tree, its place in memory and its jobs.
func (a *admission) layOut(files []policy.File) *staged {
	s := &staged{}
	jobs := int64(0)
	for _, f := range files {
		sf := &stagedFile{set: s, name: f.Name, size: f.Size, tree: hashing.NewTree(f.Size), first: jobs}
		sf.left.Store(sf.jobs())
		jobs += sf.jobs()
		s.files = append(s.files, sf)
	}
	if a.space == nil {
		s.ring = newRingReader(a.tree)
		for _, f := range s.files {
			f.seals = hashing.NewSeals(f.size)
		}
		return s
	}
	s.space, a.space = a.space, nil
	s.guard = memory.NewGuard(s.space.region, s.space.layout)
	kept := s.space.region.Bytes()
	for i, f := range s.files {
		f.place = s.space.layout.Offsets[i]
		f.bytes = kept[f.place : f.place+f.size : f.place+f.size]
	}
	return s
}

// A stageRun is the copy under way.
type stageRun struct {
	a     *admission
	s     *staged
	jobs  int64
	next  atomic.Int64
	spans []*spans  // that SHA-256 goes over; none: no rule asks
	belt  *belt     // hands chunks to the readers of the spans, in their order; nil: there are none
	spare sync.Pool // chunk buffers of a ring without a belt
}

func (a *admission) newRun(s *staged) *stageRun {
	r := &stageRun{a: a, s: s, spare: sync.Pool{New: func() any { return new([hashing.Chunk]byte) }}}
	for _, f := range s.files {
		r.jobs += f.jobs()
		a.progress.total += f.size
	}
	if a.sha256 {
		r.spans = append(r.spans, s.wholes())
	}
	if a.shardSize > 0 {
		r.spans = append(r.spans, s.shards(a.shardSize))
	}
	if len(r.spans) > 0 {
		r.belt = newBelt(s.space == nil, len(r.spans))
	}
	return r
}

func (r *stageRun) run(ctx context.Context) error {
	workers := runtime.GOMAXPROCS(0)
	group, ctx := errgroup.WithContext(ctx)
	if r.belt != nil {
		stop := context.AfterFunc(ctx, r.belt.stop)
		defer stop()
		for reader, s := range r.spans {
			for range s.readers {
				group.Go(func() error { return r.chains(ctx, reader, s) })
			}
		}
		workers = max(1, workers-1) // a chain gets a core of its own: sharing one costs it a third
	}
	for range workers {
		group.Go(func() error { return r.work(ctx) })
	}
	err := group.Wait()
	for _, f := range r.s.files {
		if f.source != nil && !f.closed {
			f.source.close() // what an error left open
		}
	}
	r.a.progress.end()
	return err
}

// work takes jobs in their order until none is left.
func (r *stageRun) work(ctx context.Context) error {
	for {
		if more, err := r.step(ctx); err != nil || !more {
			return err
		}
	}
}

// step takes one job; it is false if none is left.
func (r *stageRun) step(ctx context.Context) (more bool, err error) {
	n := r.next.Add(1) - 1
	if n >= r.jobs {
		return false, nil
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	f := r.fileOf(n)
	if err := r.job(ctx, f, n-f.first); err != nil && (!r.a.tolerant || ctx.Err() != nil) {
		return false, faultFor(err, f.name)
	}
	return true, nil
}

// fileOf is the file that job n belongs to.
func (r *stageRun) fileOf(n int64) *stagedFile {
	files := r.s.files
	return files[sort.Search(len(files), func(i int) bool { return files[i].first > n })-1]
}

// job copies and hashes chunk i of f. A file that can only be read from front
// to end is read whole by whoever has its first chunk.
func (r *stageRun) job(ctx context.Context, f *stagedFile, i int64) error {
	f.opening.Do(func() { f.source, f.openErr = r.a.open(ctx, f) })
	if f.openErr != nil {
		return r.fail(f, i, i+1, f.openErr)
	}
	if !f.source.sequential() {
		if err := r.chunk(ctx, f, i); err != nil {
			return r.fail(f, i, i+1, err)
		}
		return nil
	}
	if i > 0 {
		return nil
	}
	for i := range f.jobs() {
		err := ctx.Err()
		if err == nil {
			err = r.chunk(ctx, f, i)
		}
		if err != nil {
			return r.fail(f, i, f.jobs(), err)
		}
	}
	return nil
}

// fail keeps what is wrong with f, and then tells the chains not to wait for
// these chunks.
func (r *stageRun) fail(f *stagedFile, from, to int64, err error) error {
	f.failed.CompareAndSwap(nil, faultFor(err, f.name))
	for i := from; i < to; i++ {
		r.handOn(f.first+i, nil)
	}
	return err
}

func (r *stageRun) chunk(ctx context.Context, f *stagedFile, i int64) error {
	offset, n := f.tree.Bounds(i)
	dst, done, err := r.buffer(ctx, f, i, offset, n)
	if err != nil {
		return err
	}
	if err := f.source.read(dst, offset); err != nil {
		return err
	}
	r.a.at(pauseCopied, f.name, i)
	f.tree.Hash(i, dst) // of the copy: the file may be another one by now
	if f.seals != nil {
		f.seals.Seal(i, dst)
	}
	r.a.at(pauseHashed, f.name, i)
	if r.s.guard != nil {
		if err := r.s.guard.Final(f.place+offset, int64(n)); err != nil {
			return err
		}
	}
	done()
	r.a.progress.add(int64(n))
	if f.left.Add(-1) > 0 {
		return nil
	}
	f.closed = true
	return f.source.close()
}

// buffer is where chunk i of f is copied to, and what to call when it was
// hashed.
func (r *stageRun) buffer(ctx context.Context, f *stagedFile, i, offset int64, n int) ([]byte, func(), error) {
	job := f.first + i
	switch {
	case r.s.space != nil:
		dst := f.bytes[offset:][:n]
		return dst, func() { r.handOn(job, dst) }, nil
	case r.belt != nil:
		slot, err := r.belt.slot(ctx, job)
		if err != nil {
			return nil, nil, err
		}
		return slot[:n], func() { r.handOn(job, slot[:n]) }, nil
	}
	buf := r.spare.Get().(*[hashing.Chunk]byte)
	return buf[:n], func() { r.spare.Put(buf) }, nil
}

// handOn gives the chains a chunk, if a rule asks for any.
func (r *stageRun) handOn(job int64, chunk []byte) {
	if r.belt != nil {
		r.belt.put(job, chunk)
	}
}

// A pausePoint is where a test may change the world: between copying, hashing,
// protecting and using.
type pausePoint uint8

const (
	pauseOpened pausePoint = iota
	pauseCopied
	pauseHashed
	pauseProtected
)

func (a *admission) at(p pausePoint, file string, chunk int64) {
	if a.pause != nil {
		a.pause(p, file, chunk)
	}
}

var _ formats.Input = (*stagedFile)(nil)
