package convert

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/weightgate/weightgate/formats"
)

const (
	// chunk is how much of a file is read at a time.
	chunk = 1 << 20

	// maxPasses is how often a file may be gone over for all views together:
	// views with holes may cover much and hold little.
	maxPasses = 1 << 10

	// maxTangle is how many bytes all views may cover whose dimensions run into
	// each other: those are kept until they are complete.
	maxTangle = 16 << 20
)

// gather makes the parts of a derived file. Views that are not lent are copied
// into memory of alloc, all of one storage while it is read once. The parts are
// nil if a finding stands against them; the error is that of a read, of alloc,
// or ctx's.
func (c *checker) gather(ctx context.Context, in formats.Input, l *layout, swapped bool, alloc func(int64) ([]byte, error)) ([]formats.Part, error) {
	if !c.passable(l) {
		return nil, nil
	}
	memory, err := room(l.copied, alloc)
	if err != nil {
		return nil, err
	}
	parts, visits := l.parts(memory)
	g := gatherer{ctx: ctx, in: in}
	for _, storage := range visits {
		if err := g.storage(storage); err != nil {
			return nil, err
		}
		for _, v := range storage {
			if !v.finish(swapped) {
				c.find(CodeBool, v.view.source().Offset, "tensor %s holds a truth value other than 0 and 1", quote(v.view.name))
				return nil, nil
			}
		}
	}
	return parts, nil
}

// parts are those of the derived file, and the visits of each storage that fill
// them, in the order of the file.
func (l *layout) parts(memory []byte) ([]formats.Part, [][]*visit) {
	parts := []formats.Part{{Bytes: l.header}}
	storages := map[int][]*visit{}
	for i, v := range l.views {
		if v.length == 0 {
			continue
		}
		if l.lent[i] {
			parts = append(parts, formats.Part{Source: v.source()})
			if v.dtype == formats.Bool {
				storages[v.storage] = append(storages[v.storage], &visit{view: v})
			}
			continue
		}
		dst := memory[:v.length:v.length]
		memory = memory[v.length:]
		parts = append(parts, formats.Part{Bytes: dst})
		storages[v.storage] = append(storages[v.storage], newVisit(v, dst))
	}
	return parts, slices.SortedFunc(maps.Values(storages), func(a, b []*visit) int {
		return cmp.Compare(a[0].view.place.Offset, b[0].view.place.Offset)
	})
}

// passable reports whether the views can be copied in a bounded number of passes.
func (c *checker) passable(l *layout) bool {
	passes, tangled := int64(0), int64(0) // in bytes
	for i, v := range l.views {
		if l.lent[i] || v.length == 0 {
			continue
		}
		passes += min(v.span, 1<<40) // of at most 2^20 views
		if !newWalk(v, nil).nested() {
			tangled += min(v.span, 1<<40)
		}
		if tangled > maxTangle || passes/maxPasses > c.size+headroom {
			c.find(CodeStride, v.source().Offset, "tensor %s: %s of %d bytes strewn over %d", quote(v.name), formats.ShapeString(v.shape), v.length, v.span)
			return false
		}
	}
	return true
}

// room is n bytes of alloc.
func room(n int64, alloc func(int64) ([]byte, error)) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	memory, err := alloc(n)
	if err == nil && int64(len(memory)) != n {
		err = fmt.Errorf("%d bytes of memory where %d were asked for", len(memory), n)
	}
	return memory, err
}

// A visit is what is done for a view while its storage is read.
type visit struct {
	view   *view
	walk   *walk  // nil: the view is used where it lies, and only looked at
	whole  []byte // collects what a walk cannot take in chunks
	untrue bool   // it has a truth value that is none
}

func newVisit(v *view, dst []byte) *visit {
	t := &visit{view: v, walk: newWalk(v, dst)}
	if !t.walk.nested() {
		t.whole = make([]byte, v.span)
	}
	return t
}

// see is shown the bytes that lie at a place in the storage.
func (t *visit) see(at int64, b []byte) {
	begin, end := t.view.begin, t.view.begin+t.view.span
	from, to := max(at, begin), min(at+int64(len(b)), end)
	if from >= to {
		return
	}
	b = b[from-at : to-at]
	switch {
	case t.walk == nil:
		t.judge(b)
	case t.whole != nil:
		copy(t.whole[from-begin:], b)
	default:
		t.walk.copy(from-begin, b)
	}
}

// finish is called once all was seen; it is false for truth values that are none.
func (t *visit) finish(swapped bool) bool {
	if t.walk == nil {
		return !t.untrue
	}
	if t.whole != nil {
		t.walk.copy(0, t.whole)
		t.whole = nil
	}
	t.judge(t.walk.dst)
	t.view.resolve(t.walk.dst, swapped)
	return !t.untrue
}

// judge looks for bytes that are no truth value.
func (t *visit) judge(b []byte) {
	t.untrue = t.untrue || t.view.dtype == formats.Bool && slices.ContainsFunc(b, func(v byte) bool { return v > 1 })
}

// A gatherer reads storages.
type gatherer struct {
	ctx    context.Context
	in     formats.Input
	buffer []byte
}

// storage reads what the visits need of one storage, forwards. Every view begins
// at a multiple of its element's size, which divides a chunk.
func (g *gatherer) storage(visits []*visit) error {
	slices.SortStableFunc(visits, func(a, b *visit) int { return cmp.Compare(a.view.begin, b.view.begin) })
	place := visits[0].view.place
	waiting, open := visits, []*visit(nil)
	for at := int64(0); len(waiting) > 0 || len(open) > 0; {
		if err := g.ctx.Err(); err != nil {
			return err
		}
		if len(open) == 0 {
			at = max(at, waiting[0].view.begin/chunk*chunk)
		}
		n := min(chunk, place.Length-at)
		for len(waiting) > 0 && waiting[0].view.begin < at+n {
			open, waiting = append(open, waiting[0]), waiting[1:]
		}
		if err := formats.ReadFull(g.in, g.room(n), place.Offset+at); err != nil {
			return err
		}
		for _, v := range open {
			v.see(at, g.buffer)
		}
		at += n
		open = slices.DeleteFunc(open, func(v *visit) bool { return v.view.begin+v.view.span <= at })
	}
	return nil
}

// room makes the buffer n bytes long.
func (g *gatherer) room(n int64) []byte {
	if int64(cap(g.buffer)) < n {
		g.buffer = make([]byte, n)
	}
	g.buffer = g.buffer[:n]
	return g.buffer
}

// reverse turns the bytes of each unit around.
func reverse(b []byte, unit int) {
	if unit == 1 {
		return
	}
	for i := 0; i < len(b); i += unit {
		slices.Reverse(b[i : i+unit])
	}
}

// resolve turns elements as they lie into what they are: little-endian, and
// negated, all or the imaginary parts, where torch left that to whoever reads.
func (v *view) resolve(b []byte, swapped bool) {
	n := unit(v.dtype)
	if swapped {
		reverse(b, n)
	}
	if !v.lazy() {
		return
	}
	for i := n - 1; i < len(b); i += n { // the byte with the sign
		imaginary := v.size > int64(n) && i/n%2 == 1
		if v.neg != (v.conj && imaginary) {
			b[i] ^= 0x80
		}
	}
}
