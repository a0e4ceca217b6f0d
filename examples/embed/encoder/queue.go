package encoder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrClosed says that the Encoder was closed.
	ErrClosed = errors.New("encoder: closed")

	// ErrNotFinite says that an embedding has an element that is no number.
	ErrNotFinite = errors.New("encoder: an embedding is not finite")
)

// A BusyError says that too much is waiting already.
type BusyError struct {
	After time.Duration // in which there is room again, if nothing else comes
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("encoder: too much is waiting for the next %v", e.After)
}

// Limits bound what is computed at once and what waits. Zero fields mean their
// defaults.
type Limits struct {
	BatchTokens int // of one batch, padding included: 4096
	BatchTexts  int // of one batch: 64
	QueueTokens int // that wait: 300,000. One call may bring more if nothing waits
}

func (l Limits) withDefaults() Limits {
	return Limits{
		BatchTokens: cmp.Or(l.BatchTokens, 4096),
		BatchTexts:  cmp.Or(l.BatchTexts, 64),
		QueueTokens: cmp.Or(l.QueueTokens, 300_000),
	}
}

// A queue makes batches of texts from several calls. While one batch is
// computed, the next gathers: an idle queue makes nobody wait.
//
// The next is the call with the least turn: the tokens that were computed before
// it came, and its own. So a small call overtakes a large one, equal ones are
// computed in the order in which they came, and nobody is overtaken by more than
// what it brought itself.
type queue struct {
	limits  Limits
	compute func(ctx context.Context, texts [][]int64, into [][]float32) error
	ctx     context.Context // ends with close
	end     context.CancelFunc
	stopped chan struct{} // closed when the last batch is done

	mu      sync.Mutex
	arrived sync.Cond
	calls   []*call // with texts that wait, by their turns
	tokens  int     // that wait
	begun   int     // tokens of all batches so far
	pace    pace
}

// A call is what one caller waits for.
type call struct {
	ctx     context.Context
	turn    int
	tokens  int // that wait
	waiting []*text

	embeddings [][]float32
	done       chan struct{} // closed when every text is
	left       int           // texts that are not done; of the computing goroutine
	err        error         // of the computing goroutine until done
}

type text struct {
	ids  []int64
	into []float32
	call *call
}

func newQueue(limits Limits, compute func(context.Context, [][]int64, [][]float32) error) *queue {
	q := &queue{limits: limits, compute: compute, stopped: make(chan struct{})}
	q.ctx, q.end = context.WithCancel(context.Background())
	q.arrived.L = &q.mu
	q.pace.telling = limits.BatchTokens / 8
	go q.work()
	return q
}

func (q *queue) embed(ctx context.Context, texts [][]int64, width int) ([][]float32, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	c := &call{ctx: ctx, left: len(texts), done: make(chan struct{})}
	for _, ids := range texts {
		c.tokens += len(ids)
	}
	if err := q.add(c, texts, width); err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		q.forget(c)
		return nil, ctx.Err()
	case <-q.ctx.Done():
		return nil, ErrClosed
	case <-c.done:
	}
	if c.err != nil {
		return nil, c.err
	}
	for _, embedding := range c.embeddings {
		if slices.ContainsFunc(embedding, func(v float32) bool { return math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) }) {
			return nil, ErrNotFinite
		}
	}
	return c.embeddings, nil
}

// add takes a call, if there is hope for it.
func (q *queue) add(c *call, texts [][]int64, width int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ctx.Err() != nil {
		return ErrClosed
	}
	c.turn = q.begun + c.tokens
	at := 0
	for at < len(q.calls) && q.calls[at].turn <= c.turn {
		at++
	}
	if err := q.hope(c, at); err != nil {
		return err
	}
	flat := make([]float32, len(texts)*width)
	for i, ids := range texts {
		embedding := flat[i*width : (i+1)*width : (i+1)*width]
		c.embeddings = append(c.embeddings, embedding)
		c.waiting = append(c.waiting, &text{ids: ids, into: embedding, call: c})
	}
	q.tokens += c.tokens
	q.calls = slices.Insert(q.calls, at, c)
	q.arrived.Signal()
	return nil
}

// hope refuses a call for the place at of the queue that would not be computed
// in time, or for which another one would not be. Who comes alone is not refused:
// if the pace is wrong, that corrects it.
func (q *queue) hope(c *call, at int) error {
	if len(q.calls) == 0 && q.pace.tokens == 0 {
		return nil
	}
	end, own := q.pace.rest(), q.pace.of(c.tokens)
	for _, before := range q.calls[:at] {
		end += q.pace.of(before.tokens)
	}
	switch late := end + own - careful(remaining(c.ctx)); {
	case late > end: // whatever is before it: it has to come alone
		return &BusyError{After: q.pace.rest() + q.pace.of(q.tokens)}
	case late > 0:
		return &BusyError{After: late}
	}
	for _, behind := range q.calls[at:] {
		end += q.pace.of(behind.tokens)
		if left := remaining(behind.ctx); end <= left && end+own > left {
			return &BusyError{After: end}
		}
	}
	if more := q.tokens + c.tokens - q.limits.QueueTokens; q.tokens > 0 && more > 0 {
		return &BusyError{After: q.pace.of(more)}
	}
	return nil
}

// careful is the time that is counted on: estimates err, and others overtake.
func careful(left time.Duration) time.Duration { return left - left/4 }

func remaining(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline)
	}
	return math.MaxInt64
}

// forget takes out what still waits of a call whose caller is gone.
func (q *queue) forget(c *call) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tokens -= c.tokens
	c.tokens, c.waiting = 0, nil
	q.calls = slices.DeleteFunc(q.calls, func(other *call) bool { return other == c })
}

func (q *queue) work() {
	defer close(q.stopped)
	for {
		batch := q.next()
		if batch == nil {
			return
		}
		q.run(batch)
	}
}

// next waits for texts and takes those of one batch. It is nil once the queue
// is closed.
func (q *queue) next() []*text {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.calls) == 0 || q.ctx.Err() != nil {
		if q.ctx.Err() != nil {
			return nil
		}
		q.arrived.Wait()
	}
	batch := q.choose(q.calls[0].waiting[0])
	taken := make(map[*text]bool, len(batch))
	tokens := 0
	for _, t := range batch {
		taken[t] = true
		tokens += len(t.ids)
		t.call.tokens -= len(t.ids)
	}
	for _, c := range q.calls {
		c.waiting = slices.DeleteFunc(c.waiting, func(t *text) bool { return taken[t] })
	}
	q.calls = slices.DeleteFunc(q.calls, func(c *call) bool { return len(c.waiting) == 0 })
	q.tokens -= tokens
	q.begun += tokens
	q.pace.begin(tokens)
	return batch
}

// choose takes texts of the same call, then of others, those next to first in
// length, as long as they fit and not more than a quarter of it is padding.
func (q *queue) choose(first *text) []*text {
	near := q.window()
	distance := func(t *text) int { return max(len(t.ids)-len(first.ids), len(first.ids)-len(t.ids)) }
	other := func(t *text) int {
		if t.call == first.call {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(near, func(a, b *text) int {
		return cmp.Or(cmp.Compare(other(a), other(b)), cmp.Compare(distance(a), distance(b)))
	})

	batch, longest, sum := []*text{first}, len(first.ids), len(first.ids)
	for _, t := range near {
		if len(batch) == q.limits.BatchTexts {
			break
		}
		long, all := max(longest, len(t.ids)), sum+len(t.ids)
		padded := long * (len(batch) + 1)
		if t == first || padded > q.limits.BatchTokens || padded > all+all/4 {
			continue
		}
		batch, longest, sum = append(batch, t), long, all
	}
	return batch
}

// window is what a batch is chosen from: a few batches of what waits.
func (q *queue) window() []*text {
	var near []*text
	for _, c := range q.calls {
		room := 4*q.limits.BatchTexts - len(near)
		near = append(near, c.waiting[:min(room, len(c.waiting))]...)
	}
	return near
}

// run computes a batch and ends early only if nobody waits for it any more.
func (q *queue) run(batch []*text) {
	ctx, cancel := context.WithCancel(q.ctx)
	defer cancel()
	var callers atomic.Int64
	texts, into := make([][]int64, len(batch)), make([][]float32, len(batch))
	seen := make(map[*call]bool, len(batch))
	for _, t := range batch {
		seen[t.call] = true
	}
	callers.Store(int64(len(seen)))
	for c := range seen {
		stop := context.AfterFunc(c.ctx, func() {
			if callers.Add(-1) == 0 {
				cancel()
			}
		})
		defer stop()
	}
	for i, t := range batch {
		texts[i], into[i] = t.ids, t.into
	}
	err := q.compute(ctx, texts, into)
	q.mu.Lock()
	q.pace.end(err == nil)
	q.mu.Unlock()
	for _, t := range batch {
		t.call.finish(err)
	}
}

func (c *call) finish(err error) {
	c.err = cmp.Or(c.err, err)
	if c.left--; c.left == 0 {
		close(c.done)
	}
}

// close ends the batch that is computed and waits for it.
func (q *queue) close() {
	q.mu.Lock()
	q.end()
	q.arrived.Signal()
	q.mu.Unlock()
	<-q.stopped
}
