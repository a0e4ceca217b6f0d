//go:build cgo && linux

package gpu

import (
	"context"
	"errors"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
)

func openGraph(t testing.TB, model []byte) (*loader.Model, *Session) {
	t.Helper()
	m := admit(t, fstest.MapFS{"model.onnx": file(model)}, terms{})
	return m, openSession(t, m)
}

func TestInputsAndOutputs(t *testing.T) {
	_, s := openGraph(t, branches())
	require.Equal(t, []Value{{Name: "x", DType: formats.F32, Shape: []int64{-1, side}}, {Name: "which", DType: formats.Bool, Shape: []int64{}}}, s.Inputs())
	require.Equal(t, []Value{{Name: "y", DType: formats.F32, Shape: []int64{-1, side}}}, s.Outputs())
}

func TestRunChecksTensorsFirst(t *testing.T) {
	_, s := openGraph(t, matMul())
	x, y := noise(t, 2, side), noise(t, 2, side)
	none := make([]Tensor, 1)
	for _, c := range []struct {
		name            string
		inputs, outputs []Tensor
	}{
		{"no input", nil, none},
		{"an input too many", []Tensor{x, x}, none},
		{"no output", []Tensor{x}, nil},
		{"an output too many", []Tensor{x}, make([]Tensor, 2)},
		{"an input without memory", []Tensor{{}}, none},
		{"an input of another dtype", []Tensor{tensor(t, make([]float64, side), 1, side)}, none},
		{"an input of another rank", []Tensor{noise(t, side)}, none},
		{"an input of another width", []Tensor{noise(t, side, 2)}, none},
		{"an output of another dtype", []Tensor{x}, []Tensor{tensor(t, make([]int32, 2*side), 2, side)}},
		{"an output of another rank", []Tensor{x}, []Tensor{noise(t, 2*side)}},
		{"an output of another width", []Tensor{x}, []Tensor{noise(t, 2*side, 1)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.ErrorIs(t, s.Run(t.Context(), c.inputs, c.outputs), ErrMismatch)
		})
	}
	err := s.Run(t.Context(), []Tensor{x}, []Tensor{noise(t, 3, side)})
	require.Error(t, err, "only the runtime can know that there are two rows")
	require.NotErrorIs(t, err, ErrMismatch)
	require.NoError(t, s.Run(t.Context(), []Tensor{x}, []Tensor{y}))
}

func TestRunInTheCallersMemory(t *testing.T) {
	_, s := openGraph(t, matMul())
	inputs := []Tensor{noise(t, 2, side)}
	allocated := make([]Tensor, 1)
	require.NoError(t, s.Run(t.Context(), inputs, allocated))
	require.Equal(t, []int64{2, side}, allocated[0].Shape())
	want, err := Data[float32](allocated[0])
	require.NoError(t, err)

	mine := make([]float32, 2*side)
	outputs := []Tensor{tensor(t, mine, 2, side)}
	require.NoError(t, s.Run(t.Context(), inputs, outputs))
	require.Equal(t, want, mine)

	for _, c := range []struct {
		name string
		ctx  context.Context
		most float64
	}{
		{"without an end", context.Background(), 1},
		{"with one", t.Context(), 8},
	} {
		allocations := testing.AllocsPerRun(100, func() {
			if err := s.Run(c.ctx, inputs, outputs); err != nil {
				panic(err)
			}
		})
		require.LessOrEqual(t, allocations, c.most, c.name)
	}
}

func TestRunOfNothing(t *testing.T) {
	_, s := openGraph(t, matMul())
	none := tensor(t, []float32{}, 0, side)
	for _, outputs := range [][]Tensor{make([]Tensor, 1), {tensor(t, []float32{}, 0, side)}} {
		require.NoError(t, s.Run(t.Context(), []Tensor{none}, outputs))
		require.Equal(t, formats.F32, outputs[0].DType())
		require.Equal(t, []int64{0, side}, outputs[0].Shape())
		require.Empty(t, outputs[0].Bytes())
	}
}

func TestRunWithEveryDType(t *testing.T) {
	bytes := []byte{1, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1}
	for elementType, dtype := range map[int]formats.DType{
		1: formats.F32, 2: formats.U8, 3: formats.I8, 4: formats.U16, 5: formats.I16, 6: formats.I32, 7: formats.I64,
		9: formats.Bool, 10: formats.F16, 11: formats.F64, 12: formats.U32, 13: formats.U64, 16: formats.BF16,
		17: formats.F8E4M3, 18: formats.F8E4M3FNUZ, 19: formats.F8E5M2, 20: formats.F8E5M2FNUZ,
	} {
		t.Run(dtype.String(), func(t *testing.T) {
			_, s := openGraph(t, same(elementType))
			x, err := RawTensor(dtype, bytes, int64(8*len(bytes)/dtype.Bits()))
			require.NoError(t, err)
			outputs := make([]Tensor, 1)
			require.NoError(t, s.Run(t.Context(), []Tensor{x}, outputs))
			require.Equal(t, x, outputs[0])
		})
	}
}

func TestRunConcurrently(t *testing.T) {
	_, s := openGraph(t, gather())
	var group sync.WaitGroup
	for worker := range int64(8) {
		group.Go(func() {
			for round := range int64(20) {
				id := (31*worker + round) % side
				x, _ := NewTensor([]int64{id}, 1)
				outputs := make([]Tensor, 1)
				if err := s.Run(t.Context(), []Tensor{x}, outputs); err != nil {
					t.Error(err)
					return
				}
				y, err := Data[float32](outputs[0])
				if err != nil || y[1] != wave(int(id*side+1))/8 {
					t.Errorf("row %d: %v, %v", id, y[1], err)
				}
			}
		})
	}
	group.Wait()
}

// endless is a run of s, a counter, that ends only with its context.
func endless(ctx context.Context, s *Session) error {
	n, _ := NewTensor([]int64{math.MaxInt64})
	x, _ := NewTensor([]float32{1}, 1)
	return s.Run(ctx, []Tensor{n, x}, make([]Tensor, 1))
}

// running begins a run that ends with ctx only, and waits until it is under way:
// its lock is not to be had, so that until then to look for it may keep a run out.
func running(ctx context.Context, s *Session) (ended chan error) {
	ended = make(chan error, 1)
	begin := func() { ended <- endless(ctx, s) }
	go begin()
	for {
		select {
		case err := <-ended:
			if !errors.Is(err, ErrClosed) {
				ended <- err
				return ended
			}
			go begin()
		default:
			if !s.impl.mu.TryLock() {
				return ended
			}
			s.impl.mu.Unlock()
			runtime.Gosched()
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	_, s := openGraph(t, counter())
	ctx, cancel := context.WithCancel(t.Context())
	ended := running(ctx, s)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.ErrorIs(t, endless(ctx, s), context.Canceled)

	outputs := make([]Tensor, 1)
	require.NoError(t, s.Run(t.Context(), []Tensor{tensor(t, []int64{3}), tensor(t, []float32{1}, 1)}, outputs))
	y, err := Data[float32](outputs[0])
	require.NoError(t, err)
	require.Equal(t, []float32{8}, y)
}

func TestCloseWaitsForRuns(t *testing.T) {
	m, s := openGraph(t, counter())
	ctx, cancel := context.WithCancel(t.Context())
	closed := make(chan error)
	var stopped atomic.Bool
	ended := running(ctx, s)
	go func() {
		err := s.Close()
		if !stopped.Load() {
			t.Error("the session was closed under a run")
		}
		closed <- err
	}()
	require.NoError(t, m.Close())
	short := []Tensor{tensor(t, []int64{3}), tensor(t, []float32{1}, 1)}
	require.Eventually(t, func() bool { // while the other run goes on: nobody waits behind Close
		return errors.Is(s.Run(t.Context(), short, make([]Tensor, 1)), ErrClosed)
	}, time.Minute, time.Millisecond)
	stopped.Store(true)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.NoError(t, <-closed)
	require.ErrorIs(t, endless(t.Context(), s), ErrClosed)
}

func TestCloseInAnyOrderAndTwice(t *testing.T) {
	for _, modelFirst := range []bool{true, false} {
		m, s := openGraph(t, gather())
		if modelFirst {
			require.NoError(t, m.Close())
			runsLike(t, gather(), s, tensor(t, []int64{5}, 1))
		}
		require.NoError(t, s.Close())
		require.NoError(t, s.Close())
		require.NoError(t, m.Close())
		require.ErrorIs(t, s.Run(t.Context(), []Tensor{tensor(t, []int64{5}, 1)}, make([]Tensor, 1)), ErrClosed)
	}
	var zero Session
	require.ErrorIs(t, zero.Run(t.Context(), nil, nil), ErrClosed)
	require.ErrorIs(t, zero.Run(t.Context(), []Tensor{tensor(t, []int64{5}, 1)}, nil), ErrClosed)
	require.NoError(t, zero.Close())
}
