package formattest

import (
	"context"
	"fmt"
	"maps"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/weightgate/weightgate/formats"
)

// hurried reports whether a test has no time for every mutant.
func hurried() bool { return race || testing.Testing() && testing.Short() }

// A checker is one Check under way.
type checker struct {
	format formats.Format
	terms  Terms
	codes  map[formats.Code]formats.CodeInfo

	calls   atomic.Int64 // begun and ended
	current atomic.Pointer[specimen]

	mu    sync.Mutex
	found []Violation
}

func newChecker(f formats.Format, t Terms) *checker {
	c := &checker{format: f, terms: t, codes: map[formats.Code]formats.CodeInfo{}}
	c.current.Store(&specimen{})
	return c
}

// report notes a violation, or one mutant more of one.
func (c *checker) report(clause Clause, s specimen, detail string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.found {
		if v := &c.found[i]; v.Clause == clause && v.File == s.name {
			if s.mutation != v.Mutation {
				v.More++
			}
			return
		}
	}
	c.found = append(c.found, Violation{Clause: clause, File: s.name, Mutation: s.mutation, Detail: fmt.Sprintf(detail, args...)})
}

func (c *checker) violations() []Violation {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.found)
}

// check holds the format against every clause, the cheap ones first.
func (c *checker) check(files map[string][]byte) {
	c.table()
	if len(files) == 0 {
		c.report(Corpus, specimen{}, "it has no files")
		return
	}
	claimed := false
	for _, name := range slices.Sorted(maps.Keys(files)) {
		s := specimen{name: name, data: files[name], siblings: files}
		base := c.judged(s)
		claimed = claimed || base.claimed
		c.determinism(s, base)
		c.recognition(s)
		c.reads(s)
		c.cancellation(s)
		c.limits(s, base)
		c.judged(specimen{name: name, data: s.data, mutation: "without its siblings"})
		c.mutants(s, base)
	}
	if !claimed {
		c.report(Corpus, specimen{}, "the format claims none of its %d files", len(files))
	}
}

func (c *checker) table() {
	name := c.format.Name()
	if name == "" || name != strings.ToLower(name) {
		c.report(Table, specimen{}, "the name %q is not lower-case", name)
	}
	for _, info := range c.format.Codes() {
		if _, twice := c.codes[info.Code]; twice {
			c.report(Table, specimen{}, "%s is there twice", info.Code)
		}
		if info.Code == "" || info.Advice == "" || info.Severity == 0 || info.Severity > formats.Critical || info.Class > formats.Unverifiable {
			c.report(Table, specimen{}, "%q lacks a class, a severity or an advice", info.Code)
		}
		c.codes[info.Code] = info
	}
	for _, info := range c.terms.Parts.Codes() {
		c.codes[info.Code] = info
	}
}

// guarded is one call of the format: counted, and stopped at its panic.
func (c *checker) guarded(s specimen, call func()) (ok bool) {
	c.current.Store(&s)
	c.calls.Add(1)
	defer c.calls.Add(1)
	defer func() {
		if p := recover(); p != nil {
			c.report(Panic, s, "%v, at %s", p, panicked(debug.Stack()))
			ok = false
		}
	}()
	call()
	return true
}

// panicked is the place in stack that a panic comes from: the first line of
// source behind the last call of panic that is not the runtime's.
func panicked(stack []byte) string {
	_, after, _ := strings.Cut(string(stack), "\npanic(")
	_, after, _ = strings.Cut(after, "\n") // where panic itself stands
	for line := range strings.Lines(after) {
		if place, ok := strings.CutPrefix(line, "\t"); ok && !strings.Contains(place, "/runtime/") {
			place, _, _ = strings.Cut(place, " ")
			return strings.TrimSpace(place)
		}
	}
	return "an unknown place"
}

func (c *checker) watch(s specimen) *watch {
	return &watch{late: func() { c.report(Lifetime, s, "an input is used after the call that it was given to") }}
}

// An outcome is what became of one call of Inspect.
type outcome struct {
	claimed bool
	found   *formats.Inspection
	err     error
	panics  bool
}

func (o outcome) accepted() bool { return !o.panics && o.err == nil && o.found != nil }

// admitted reports whether a policy that refuses findings of high severity
// admits the file.
func (o outcome) admitted() bool {
	high := func(f formats.Finding) bool { return f.Severity.Rank() >= formats.High }
	return o.accepted() && !slices.ContainsFunc(o.found.Findings, high)
}

// String tells two outcomes apart.
func (o outcome) String() string {
	switch {
	case o.panics:
		return "a panic"
	case o.err != nil:
		return o.err.Error()
	case o.found == nil:
		return "nothing"
	}
	return fmt.Sprintf("%+v", *o.found)
}

// inspect is one call of Inspect on s, under w.
func (c *checker) inspect(ctx context.Context, s specimen, w *watch, lim formats.Limits) outcome {
	return c.inspectInput(ctx, s, w, w.open(s), lim)
}

func (c *checker) inspectInput(ctx context.Context, s specimen, w *watch, in formats.Input, lim formats.Limits) (o outcome) {
	o.panics = !c.guarded(s, func() { o.found, o.err = c.format.Inspect(ctx, in, lim) })
	w.end()
	c.whole(s, "Inspect", o.panics, o.found != nil, o.err)
	if w.outside != "" {
		c.report(Bounds, s, "%s", w.outside)
	}
	return o
}

// claims is one call of Claims on in, under w.
func (c *checker) claims(ctx context.Context, s specimen, w *watch, in formats.Input) (claimed bool, err error) {
	ok := c.guarded(s, func() { claimed, err = c.format.Claims(ctx, in) })
	w.end()
	c.whole(s, "Claims", !ok || err == nil, claimed, err)
	if w.outside != "" {
		c.report(Bounds, s, "%s", w.outside)
	}
	return claimed, err
}

// whole holds a result against the error beside it.
func (c *checker) whole(s specimen, call string, silent, result bool, err error) {
	switch {
	case silent:
	case err != nil && result:
		c.report(Partial, s, "%s has a result beside its error: %v", call, err)
	case err == nil && !result:
		c.report(Partial, s, "%s has neither a result nor an error", call)
	}
}

// judged is what the format says of s through reads that succeed, held against
// every clause that one result can break.
func (c *checker) judged(s specimen) (o outcome) {
	w := c.measured(s, "Inspect", func(w *watch) { o = c.inspect(context.Background(), s, w, formats.Limits{}) })
	switch {
	case o.err != nil:
		c.refused(s, w, o.err)
	case o.found != nil:
		c.accepted(s, w, o.found)
	}
	var err error
	c.measured(s, "Claims", func(w *watch) { o.claimed, err = c.claims(context.Background(), s, w, w.open(s)) })
	if err != nil {
		c.report(Errors, s, "Claims fails although every read succeeds: %v", err)
	} else if o.accepted() && !o.claimed {
		c.report(Recognition, s, "Inspect accepts what Claims does not claim")
	}
	return o
}

// measured makes a call and holds what it allocates against its bound. What the
// process allocates beside it is not the format's: the least of three
// measurements counts. The watch is that of the last call.
func (c *checker) measured(s specimen, name string, call func(w *watch)) *watch {
	var w *watch
	least := int64(math.MaxInt64)
	for range 3 {
		w = c.watch(s)
		before := allocated()
		call(w)
		least = min(least, allocated()-before)
		if least <= c.bound(w.reach(s)) {
			return w
		}
	}
	c.report(Memory, s, "%s allocates %d bytes of at most %d", name, least, c.bound(w.reach(s)))
	return w
}

// bound is how much a call may allocate that can read so many bytes.
func (c *checker) bound(bytes int64) int64 { return c.terms.Factor*bytes + c.terms.Constant }

// allocated is the number of bytes that the process has allocated. It may lag
// by the small objects of some pages, and stops no goroutine.
func allocated() int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}
