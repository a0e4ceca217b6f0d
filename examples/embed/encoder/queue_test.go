package encoder

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A desk computes only when it is told to, and notes the lengths of each batch.
type desk struct {
	batches [][]int
	open    chan error // what the next batch ends with
	ended   []error    // contexts' errors, of batches that nobody waited for
}

func (d *desk) compute(ctx context.Context, texts [][]int64, into [][]float32) error {
	var lengths []int
	for i, ids := range texts {
		lengths = append(lengths, len(ids))
		into[i][0] = float32(len(ids))
	}
	d.batches = append(d.batches, lengths)
	select {
	case <-ctx.Done():
		d.ended = append(d.ended, ctx.Err())
		return ctx.Err()
	case err := <-d.open:
		return err
	}
}

func texts(lengths ...int) [][]int64 {
	out := make([][]int64, len(lengths))
	for i, n := range lengths {
		out[i] = make([]int64, n)
	}
	return out
}

type answer struct {
	vectors [][]float32
	err     error
}

// desked runs f with a queue whose first batch, a text of one token, is under way.
func desked(t *testing.T, limits Limits, f func(t *testing.T, d *desk, ask func(ctx context.Context, lengths ...int) chan answer, q *queue)) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{open: make(chan error)}
		q := newQueue(limits.withDefaults(), d.compute)
		ask := func(ctx context.Context, lengths ...int) chan answer {
			out := make(chan answer, 1)
			go func() {
				vectors, err := q.embed(ctx, texts(lengths...), 1)
				out <- answer{vectors, err}
			}()
			synctest.Wait()
			return out
		}
		first := ask(t.Context(), 1)
		f(t, d, ask, q)
		q.close()
		synctest.Wait()
		select {
		case <-first:
		default:
			t.Fatal("the first call was forgotten")
		}
		_, err := q.embed(t.Context(), texts(1), 1)
		require.ErrorIs(t, err, ErrClosed)
	})
}

func (d *desk) serve(batches int, err error) {
	for range batches {
		d.open <- err
		synctest.Wait()
	}
}

func TestQueueGathersWhileItIsBusy(t *testing.T) {
	desked(t, Limits{}, func(t *testing.T, d *desk, ask func(context.Context, ...int) chan answer, q *queue) {
		a, b := ask(t.Context(), 10, 9), ask(t.Context(), 10)
		d.serve(2, nil)
		require.Equal(t, [][]int{{1}, {10, 10, 9}}, d.batches)
		require.Equal(t, answer{[][]float32{{10}, {9}}, nil}, <-a)
		require.Equal(t, answer{[][]float32{{10}}, nil}, <-b)
		require.Zero(t, q.tokens)
	})
}

func TestQueueBatches(t *testing.T) {
	for _, c := range []struct {
		name    string
		limits  Limits
		waiting []int
		want    [][]int
	}{
		{"texts", Limits{BatchTexts: 2}, []int{5, 5, 5}, [][]int{{5, 5}, {5}}},
		{"tokens", Limits{BatchTokens: 11}, []int{5, 5, 5}, [][]int{{5, 5}, {5}}},
		{"one that is larger", Limits{BatchTokens: 4}, []int{5, 5}, [][]int{{5}, {5}}},
		{"padding", Limits{}, []int{10, 100, 9, 99}, [][]int{{10, 9}, {100, 99}}},
		{"padded tokens", Limits{BatchTokens: 29}, []int{9, 10, 9}, [][]int{{9, 9}, {10}}},
		{"the nearest first", Limits{BatchTexts: 3}, []int{10, 12, 11, 9}, [][]int{{10, 11, 9}, {12}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			desked(t, c.limits, func(t *testing.T, d *desk, ask func(context.Context, ...int) chan answer, q *queue) {
				got := ask(t.Context(), c.waiting...)
				d.serve(1+len(c.want), nil)
				require.Equal(t, c.want, d.batches[1:])
				require.NoError(t, (<-got).err)
			})
		})
	}
}

func TestQueueTakesTurns(t *testing.T) {
	for _, c := range []struct {
		name  string
		calls [][]int
		want  []int
	}{
		{"a small one overtakes a large one", [][]int{{5, 5, 5}, {7}}, []int{7, 5, 5, 5}},
		{"equal ones are in order", [][]int{{5, 5}, {4, 6}, {6, 4}}, []int{5, 5, 4, 6, 6, 4}},
		{"a batch begins with its own call", [][]int{{5, 9}, {5, 10}}, []int{5, 9, 5, 10}},
	} {
		t.Run(c.name, func(t *testing.T) {
			desked(t, Limits{BatchTexts: 1}, func(t *testing.T, d *desk, ask func(context.Context, ...int) chan answer, q *queue) {
				want := [][]int{{1}}
				for _, lengths := range c.calls {
					ask(t.Context(), lengths...)
				}
				for _, n := range c.want {
					want = append(want, []int{n})
				}
				d.serve(len(want), nil)
				require.Equal(t, want, d.batches)
			})
		})
	}
}

// Small calls overtake a large one until they brought as much as it has.
func TestQueueStarvesNobody(t *testing.T) {
	desked(t, Limits{BatchTexts: 1}, func(t *testing.T, d *desk, ask func(context.Context, ...int) chan answer, q *queue) {
		large := ask(t.Context(), 20, 20)
		for range 6 {
			ask(t.Context(), 10)
			d.serve(1, nil)
		}
		require.Equal(t, [][]int{{1}, {10}, {10}, {10}, {20}, {20}}, d.batches[:6])
		d.serve(len(q.calls)+1, nil)
		require.NoError(t, (<-large).err)
	})
}

// paced runs f with a queue that computes a token in a second, a batch of ten.
func paced(t *testing.T, limits Limits, f func(t *testing.T, ask func(in time.Duration, lengths ...int) chan answer, q *queue)) {
	synctest.Test(t, func(t *testing.T) {
		limits.BatchTokens, limits.BatchTexts = 10, 10
		q := newQueue(limits.withDefaults(), func(ctx context.Context, texts [][]int64, _ [][]float32) error {
			n := 0
			for _, ids := range texts {
				n += len(ids)
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Duration(n) * time.Second):
				return nil
			}
		})
		defer q.close()
		ask := func(in time.Duration, lengths ...int) chan answer {
			out := make(chan answer, 1)
			ctx, cancel := context.WithTimeout(t.Context(), in)
			go func() {
				defer cancel()
				vectors, err := q.embed(ctx, texts(lengths...), 1)
				out <- answer{vectors, err}
			}()
			synctest.Wait()
			return out
		}
		require.NoError(t, (<-ask(time.Minute, 10)).err)
		require.Equal(t, 10*time.Second, q.pace.of(10))
		f(t, ask, q)
	})
}

// after is what a *BusyError says.
func after(t *testing.T, a answer) time.Duration {
	require.Nil(t, a.vectors)
	busy, ok := errors.AsType[*BusyError](a.err)
	require.True(t, ok, "%v", a.err)
	require.ErrorContains(t, busy, busy.After.String())
	return busy.After
}

// Of equal calls at once as many are taken as can be computed, and those are.
func TestQueueFinishesWhatItTakes(t *testing.T) {
	paced(t, Limits{}, func(t *testing.T, ask func(time.Duration, ...int) chan answer, q *queue) {
		var calls []chan answer
		for range 10 {
			calls = append(calls, ask(40*time.Second, 10))
		}
		for i, c := range calls {
			a := <-c
			if i < 3 {
				require.NoError(t, a.err)
			} else {
				require.Equal(t, 10*time.Second, after(t, a))
			}
		}
	})
}

// Retry-After is true: by then there is room.
func TestQueueHasRoomAfter(t *testing.T) {
	paced(t, Limits{}, func(t *testing.T, ask func(time.Duration, ...int) chan answer, q *queue) {
		for range 3 {
			ask(40*time.Second, 10)
		}
		wait := after(t, <-ask(40*time.Second, 10))
		require.Equal(t, 10*time.Second, wait)
		time.Sleep(wait - time.Second)
		require.Equal(t, time.Second, after(t, <-ask(40*time.Second, 10)))
		time.Sleep(time.Second)
		require.NoError(t, (<-ask(40*time.Second, 10)).err)
	})
}

// Who overtakes makes nobody late.
func TestQueueKeepsItsWord(t *testing.T) {
	paced(t, Limits{}, func(t *testing.T, ask func(time.Duration, ...int) chan answer, q *queue) {
		first, large := ask(40*time.Second, 10), ask(40*time.Second, 10, 10)
		require.Equal(t, 30*time.Second, after(t, <-ask(time.Hour, 5, 6)))
		small := ask(time.Hour, 5, 4)
		for _, c := range []chan answer{first, small, large} {
			require.NoError(t, (<-c).err)
		}
	})
}

// Alone, a call is computed for as long as it has.
func TestQueueTriesWhoComesAlone(t *testing.T) {
	paced(t, Limits{}, func(t *testing.T, ask func(time.Duration, ...int) chan answer, q *queue) {
		require.NoError(t, (<-ask(25*time.Second, 10, 10)).err)
		require.ErrorIs(t, (<-ask(15*time.Second, 10, 10)).err, context.DeadlineExceeded)
		synctest.Wait() // until its batch has ended too
		require.NoError(t, (<-ask(11*time.Second, 10)).err)
	})
}

// What only a wrong pace has no hope for is computed alone, and the pace is
// corrected by that.
func TestQueueLearnsFromWhoComesAlone(t *testing.T) {
	paced(t, Limits{}, func(t *testing.T, ask func(time.Duration, ...int) chan answer, q *queue) {
		q.pace.token = 100 // as if the machine had been busy
		large := ask(40*time.Second, 10, 10, 10)
		require.Equal(t, 50*time.Minute, after(t, <-ask(40*time.Second, 10)), "until it is alone")
		require.NoError(t, (<-large).err)
		require.InDelta(t, 1+99./8, q.pace.token, 0.01)
		require.NoError(t, (<-ask(40*time.Second, 10, 10, 10)).err)
		require.InDelta(t, 1+99./64, q.pace.token, 0.01)
		first, second := ask(2*time.Minute, 10), ask(2*time.Minute, 10)
		require.NoError(t, (<-first).err)
		require.NoError(t, (<-second).err)
	})
}

// A batch that takes longer than it should is still in the way.
func TestQueueIsNotAloneWithALateBatch(t *testing.T) {
	paced(t, Limits{}, func(t *testing.T, ask func(time.Duration, ...int) chan answer, q *queue) {
		first := ask(time.Hour, 10)
		q.pace.token = 0.5
		time.Sleep(9 * time.Second)
		require.Zero(t, after(t, <-ask(6*time.Second, 10)), "nobody knows when it ends")
		require.NoError(t, (<-first).err)
	})
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pace{telling: 10}
		batch := func(tokens int, took time.Duration, computed bool) {
			p.begin(tokens)
			require.Equal(t, p.of(tokens), p.rest())
			time.Sleep(took)
			p.end(computed)
			require.Zero(t, p.rest())
		}
		require.Zero(t, p.of(10))
		batch(1, 9*time.Second, true)
		require.Zero(t, p.of(10), "it is small")
		batch(10, 20*time.Second, false)
		require.Zero(t, p.of(10), "it failed")
		batch(10, 20*time.Second, true)
		require.Equal(t, 20*time.Second, p.of(10))
		batch(10, 40*time.Second, true)
		require.Equal(t, 30*time.Second, p.of(10))
		batch(1, 9*time.Second, true)
		require.Equal(t, 30*time.Second, p.of(10))
		batch(1, time.Second, true)
		require.Equal(t, 20*time.Second, p.of(10), "even a small one is faster")
		p.begin(10)
		time.Sleep(5 * time.Second)
		require.Equal(t, 15*time.Second, p.rest())
		time.Sleep(time.Hour)
		require.Zero(t, p.rest())
	})
}

func TestQueueIsBounded(t *testing.T) {
	desked(t, Limits{QueueTokens: 10}, func(t *testing.T, d *desk, ask func(context.Context, ...int) chan answer, q *queue) {
		larger := ask(t.Context(), 8, 8) // nothing waits: it may be more than fits
		after(t, <-ask(t.Context(), 1))
		d.serve(2, nil)
		require.NoError(t, (<-larger).err)
		again := ask(t.Context(), 1)
		d.serve(1, nil)
		require.NoError(t, (<-again).err)
	})
}

func TestQueueForgets(t *testing.T) {
	desked(t, Limits{BatchTexts: 2}, func(t *testing.T, d *desk, ask func(context.Context, ...int) chan answer, q *queue) {
		ctx, leave := context.WithCancel(t.Context())
		leaves, stays := ask(ctx, 5, 5, 5), ask(t.Context(), 5)
		leave()
		synctest.Wait()
		require.ErrorIs(t, (<-leaves).err, context.Canceled)
		require.Equal(t, 5, q.tokens)
		d.serve(2, nil)
		require.NoError(t, (<-stays).err)
		require.Equal(t, [][]int{{1}, {5}}, d.batches)
	})
}

func TestQueueEndsABatchOnlyForEverybody(t *testing.T) {
	desked(t, Limits{}, func(t *testing.T, d *desk, ask func(context.Context, ...int) chan answer, q *queue) {
		ctx, leave := context.WithCancel(t.Context())
		later, leaveLater := context.WithCancel(t.Context())
		a, b := ask(ctx, 5), ask(later, 5)
		d.serve(1, nil)
		require.Equal(t, [][]int{{1}, {5, 5}}, d.batches)
		leave()
		synctest.Wait()
		require.ErrorIs(t, (<-a).err, context.Canceled)
		require.Empty(t, d.ended)
		leaveLater()
		synctest.Wait()
		require.ErrorIs(t, (<-b).err, context.Canceled)
		require.Equal(t, []error{context.Canceled}, d.ended)
	})
}

func TestQueueTellsTheErrorOfABatch(t *testing.T) {
	broken := errors.New("no memory")
	desked(t, Limits{BatchTexts: 1}, func(t *testing.T, d *desk, ask func(context.Context, ...int) chan answer, q *queue) {
		a, b := ask(t.Context(), 5, 5), ask(t.Context(), 5, 5)
		d.serve(1, nil)
		d.serve(1, broken)
		d.serve(3, nil)
		require.ErrorIs(t, (<-a).err, broken)
		require.NoError(t, (<-b).err)
	})
}

func TestQueueClosesOnWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{open: make(chan error)}
		q := newQueue(Limits{}.withDefaults(), d.compute)
		errs := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := q.embed(t.Context(), texts(3), 1)
				errs <- err
			}()
			synctest.Wait()
		}
		q.close()
		require.ErrorIs(t, <-errs, ErrClosed)
		require.ErrorIs(t, <-errs, ErrClosed)
		require.Equal(t, [][]int{{3}}, d.batches)
	})
}

func TestQueueRefusesWhatIsNotFinite(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		q := newQueue(Limits{}.withDefaults(), func(_ context.Context, _ [][]int64, into [][]float32) error {
			into[0][1] = float32(v)
			return nil
		})
		got, err := q.embed(t.Context(), texts(2), 2)
		require.ErrorIs(t, err, ErrNotFinite)
		require.Nil(t, got)
		q.close()
	}
}

func TestQueueOfNothing(t *testing.T) {
	q := newQueue(Limits{}.withDefaults(), func(context.Context, [][]int64, [][]float32) error { return nil })
	defer q.close()
	got, err := q.embed(t.Context(), nil, 1)
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestLimits(t *testing.T) {
	set := Limits{BatchTokens: 1, BatchTexts: 2, QueueTokens: 3}
	require.Equal(t, set, set.withDefaults())
	require.False(t, slices.Contains([]int{Limits{}.withDefaults().BatchTokens, Limits{}.withDefaults().BatchTexts, Limits{}.withDefaults().QueueTokens}, 0))
}
