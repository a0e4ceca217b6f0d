package formattest

import (
	"context"
	"errors"
	"path"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/weightgate/weightgate/formats"
)

// same reports whether two calls had one result.
func same(a, b outcome) bool {
	if a.err != nil && b.err != nil {
		x, _ := errors.AsType[*formats.SyntaxError](a.err)
		y, _ := errors.AsType[*formats.SyntaxError](b.err)
		return a.err.Error() == b.err.Error() && (x == nil) == (y == nil) && (x == nil || x.Finding == y.Finding)
	}
	return a.panics == b.panics && a.err == nil && b.err == nil && reflect.DeepEqual(a.found, b.found)
}

// repeated is how often a file is inspected in turn, and then at once. A choice
// that is left to chance between two results shows in all but one of 2^15 checks.
const repeated = 8

func (c *checker) determinism(s specimen, base outcome) {
	for range repeated {
		if again := c.inspect(context.Background(), s, c.watch(s), formats.Limits{}); !same(base, again) {
			c.report(Determinism, s, "once %s, and once %s", base, again)
			return
		}
	}
	w := c.watch(s)
	shared := w.open(s)
	var results [repeated]outcome
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() {
			results[i].panics = !c.guarded(s, func() {
				results[i].found, results[i].err = c.format.Inspect(context.Background(), shared, formats.Limits{})
			})
		})
	}
	wg.Wait()
	w.end()
	for _, o := range results {
		if !same(base, o) {
			c.report(Determinism, s, "alone %s, and at the same time as others %s", base, o)
			return
		}
	}
}

// renames are names that a file may have, whatever it is.
var renames = []string{"x", "model.safetensors", "model.onnx", "pytorch_model.bin"}

// stretch is how many zeros a file is stretched by to see what Claims reads of it.
const stretch = 1 << 30

func (c *checker) recognition(s specimen) {
	w := c.watch(s)
	claimed, _ := c.claims(context.Background(), s, w, w.open(s))
	for _, name := range renames {
		w := c.watch(s)
		in := w.open(s)
		in.name = path.Join(path.Dir(s.name), name)
		if other, _ := c.claims(context.Background(), s, w, in); other != claimed {
			c.report(Recognition, s, "Claims is %t for the name %s and %t for %s", claimed, s.name, other, in.name)
		}
	}
	for mutation, at := range map[string]int{
		"with zeros before it": 0, "with zeros in its middle": len(s.data) / 2, "with zeros behind it": len(s.data),
	} {
		long := s
		long.mutation = mutation
		w := c.watch(long)
		w.most = c.terms.Recognition
		in := w.open(s)
		content := stretched{data: s.data, at: at, zeros: stretch}
		in.content, in.size = content, content.size()
		before := allocated()
		c.claims(context.Background(), long, w, in)
		n := allocated() - before
		if w.bytes > c.terms.Recognition {
			c.report(Recognition, long, "Claims reads more than %d bytes of a gigabyte", c.terms.Recognition)
		}
		if bound := c.bound(c.terms.Recognition); n > bound {
			c.report(Memory, long, "Claims allocates %d bytes of at most %d", n, bound)
		}
	}
}

// faulted is how many of a call's reads are made to fail, evenly spread.
const faulted = 1 << 10

// reads lets each read of each call go wrong in each way.
func (c *checker) reads(s specimen) {
	w := c.watch(s)
	inspection := c.inspect(context.Background(), s, w, formats.Limits{})
	for _, nth := range spread(upTo(w.reads), faulted) {
		for _, how := range []fault{failed, torn, short} {
			w := c.watch(s)
			w.nth, w.fault = nth, how
			o := c.inspect(context.Background(), s, w, formats.Limits{})
			c.surfaced(s, "Inspect", w, o.err, o.panics || how == short && inspection.err != nil)
		}
	}
	w = c.watch(s)
	c.claims(context.Background(), s, w, w.open(s))
	for _, nth := range spread(upTo(w.reads), faulted) {
		for _, how := range []fault{failed, torn} {
			w := c.watch(s)
			w.nth, w.fault = nth, how
			_, err := c.claims(context.Background(), s, w, w.open(s))
			c.surfaced(s, "Claims", w, err, false)
		}
	}
}

// surfaced holds what became of a call whose read went wrong against that read.
func (c *checker) surfaced(s specimen, call string, w *watch, err error, refusedAnyhow bool) {
	_, syntax := errors.AsType[*formats.SyntaxError](err)
	switch {
	case refusedAnyhow || !w.broke:
	case w.fault == short && err == nil:
		c.report(Reads, s, "read %d of %s finds the file shorter than its size, and nothing becomes of it", w.nth, call)
	case w.fault == short:
	case !errors.Is(err, errRead):
		c.report(Reads, s, "read %d of %s fails, and its error is %v", w.nth, call, err)
	case syntax:
		c.report(Reads, s, "read %d of %s fails, and is called a fault of the file: %v", w.nth, call, err)
	}
}

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// countdown is a context that ends when it is asked for the n-th time.
type countdown struct {
	context.Context
	cancel context.CancelFunc
	left   atomic.Int64
	asked  atomic.Int64
}

func newCountdown(n int) *countdown {
	ctx, cancel := context.WithCancel(context.Background())
	c := &countdown{Context: ctx, cancel: cancel}
	c.left.Store(int64(n))
	return c
}

func (c *countdown) ask() {
	c.asked.Add(1)
	if c.left.Add(-1) <= 0 {
		c.cancel()
	}
}

func (c *countdown) Err() error {
	c.ask()
	return c.Context.Err()
}

func (c *countdown) Done() <-chan struct{} {
	c.ask()
	return c.Context.Done()
}

// never is more often than a context is asked.
const never = 1 << 30

func (c *checker) cancellation(s specimen) {
	clean := newCountdown(never)
	defer clean.cancel()
	c.inspect(clean, s, c.watch(s), formats.Limits{})
	asked := int(clean.asked.Load())
	if asked == 0 {
		c.report(Cancellation, s, "Inspect does not ask its context")
	}
	for _, n := range spread(upTo(asked), faulted) {
		ctx := newCountdown(n + 1)
		o := c.inspect(ctx, s, c.watch(s), formats.Limits{})
		ctx.cancel()
		if !o.panics && !errors.Is(o.err, context.Canceled) {
			c.report(Cancellation, s, "the context ends when it is asked for the %d. time, and the error is %v", n+1, o.err)
		}
	}
	done := newCountdown(1)
	done.cancel()
	w := c.watch(s)
	if o := c.inspect(done, s, w, formats.Limits{}); !o.panics && (!errors.Is(o.err, context.Canceled) || w.reads > 0) {
		c.report(Cancellation, s, "the context has ended before, and after %d reads the error is %v", w.reads, o.err)
	}
}

// limits inspects s with each limit at one, and with room for one tensor too few.
func (c *checker) limits(s specimen, base outcome) {
	for i := range reflect.TypeFor[formats.Limits]().NumField() {
		var lim formats.Limits
		reflect.ValueOf(&lim).Elem().Field(i).SetInt(1)
		o := c.inspect(context.Background(), s, c.watch(s), lim)
		if o.panics || unverifiable(o.err) || base.err != nil && o.err != nil {
			continue // a file that is refused anyhow may be refused for another reason
		}
		if !same(base, o) {
			c.report(Limits, s, "%s of 1 turns %s into %s", reflect.TypeFor[formats.Limits]().Field(i).Name, base, o)
		}
	}
	if !base.accepted() || len(base.found.Tensors) < 2 {
		return
	}
	lim := formats.Limits{MaxTensors: len(base.found.Tensors) - 1}
	if o := c.inspect(context.Background(), s, c.watch(s), lim); !o.panics && !unverifiable(o.err) {
		c.report(Limits, s, "MaxTensors of %d with %d tensors: %s", lim.MaxTensors, len(base.found.Tensors), o)
	}
}

func unverifiable(err error) bool {
	syntax, ok := errors.AsType[*formats.SyntaxError](err)
	return ok && syntax.Class == formats.Unverifiable
}
