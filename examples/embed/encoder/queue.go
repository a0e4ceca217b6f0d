package encoder

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

var (
	// ErrBusy says that too much is waiting already.
	ErrBusy = errors.New("encoder: too much is waiting")

	// ErrClosed says that the Encoder was closed.
	ErrClosed = errors.New("encoder: closed")

	// ErrNotFinite says that an embedding has an element that is no number.
	ErrNotFinite = errors.New("encoder: an embedding is not finite")
)

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
type queue struct {
	limits  Limits
	compute func(ctx context.Context, texts [][]int64, into [][]float32) error
	ctx     context.Context // ends with close
	end     context.CancelFunc
	stopped chan struct{} // closed when the last batch is done

	mu      sync.Mutex
	arrived sync.Cond
	calls   []*call // with texts that wait; the first is next
	tokens  int     // that wait
}

// A call is what one caller waits for.
type call struct {
	ctx     context.Context
	waiting []*text
	done    chan struct{} // closed when every text is, or one failed
	left    int           // texts that are not done; of the computing goroutine
	err     error         // of the computing goroutine until done
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
	go q.work()
	return q
}

func (q *queue) embed(ctx context.Context, texts [][]int64, width int) ([][]float32, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	c := &call{ctx: ctx, left: len(texts), done: make(chan struct{})}
	flat := make([]float32, len(texts)*width)
	embeddings := make([][]float32, len(texts))
	for i, ids := range texts {
		embeddings[i] = flat[i*width : (i+1)*width : (i+1)*width]
		c.waiting = append(c.waiting, &text{ids: ids, into: embeddings[i], call: c})
	}
	if err := q.add(c); err != nil {
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
	if slices.ContainsFunc(flat, func(v float32) bool { return math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) }) {
		return nil, ErrNotFinite
	}
	return embeddings, nil
}

func (q *queue) add(c *call) error {
	tokens := c.tokens()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ctx.Err() != nil {
		return ErrClosed
	}
	if q.tokens > 0 && q.tokens+tokens > q.limits.QueueTokens {
		return ErrBusy
	}
	q.tokens += tokens
	q.calls = append(q.calls, c)
	q.arrived.Signal()
	return nil
}

// forget takes out what still waits of a call whose caller is gone.
func (q *queue) forget(c *call) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tokens -= c.tokens()
	q.calls = slices.DeleteFunc(q.calls, func(other *call) bool { return other == c })
}

func (c *call) tokens() int {
	n := 0
	for _, t := range c.waiting {
		n += len(t.ids)
	}
	return n
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
	first := q.calls[0]
	batch := q.choose(first.waiting[0])
	taken := make(map[*text]bool, len(batch))
	for _, t := range batch {
		taken[t] = true
		q.tokens -= len(t.ids)
	}
	for _, c := range q.calls {
		c.waiting = slices.DeleteFunc(c.waiting, func(t *text) bool { return taken[t] })
	}
	// Whoever had its turn goes to the back, so that a large call delays a small
	// one by a batch and not by all of its own.
	q.calls = append(q.calls[1:], first)
	q.calls = slices.DeleteFunc(q.calls, func(c *call) bool { return len(c.waiting) == 0 })
	return batch
}

// choose takes the texts next to first in length, as long as they fit and not
// more than a quarter of it is padding.
func (q *queue) choose(first *text) []*text {
	near := q.window()
	distance := func(t *text) int { return max(len(t.ids)-len(first.ids), len(first.ids)-len(t.ids)) }
	slices.SortStableFunc(near, func(a, b *text) int { return cmp.Compare(distance(a), distance(b)) })

	batch, longest, sum := []*text{first}, len(first.ids), len(first.ids)
	for _, t := range near {
		if t == first {
			continue
		}
		longest, sum = max(longest, len(t.ids)), sum+len(t.ids)
		padded := longest * (len(batch) + 1)
		if len(batch) == q.limits.BatchTexts || padded > q.limits.BatchTokens || padded > sum+sum/4 {
			break
		}
		batch = append(batch, t)
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
