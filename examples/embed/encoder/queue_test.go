package encoder

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"testing/synctest"

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
	desked(t, Limits{BatchTexts: 1}, func(t *testing.T, d *desk, ask func(context.Context, ...int) chan answer, q *queue) {
		large, small := ask(t.Context(), 5, 5, 5), ask(t.Context(), 7)
		d.serve(3, nil)
		require.NoError(t, (<-small).err)
		d.serve(2, nil)
		require.NoError(t, (<-large).err)
		require.Equal(t, [][]int{{1}, {5}, {7}, {5}, {5}}, d.batches)
	})
}

func TestQueueIsBounded(t *testing.T) {
	desked(t, Limits{QueueTokens: 10}, func(t *testing.T, d *desk, ask func(context.Context, ...int) chan answer, q *queue) {
		larger := ask(t.Context(), 8, 8) // nothing waits: it may be more than fits
		require.ErrorIs(t, (<-ask(t.Context(), 1)).err, ErrBusy)
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
		a, b := ask(t.Context(), 5, 5), ask(t.Context(), 5)
		d.serve(1, nil)
		d.serve(1, broken)
		d.serve(2, nil)
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
