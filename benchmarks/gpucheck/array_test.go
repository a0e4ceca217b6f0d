package main

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestArraysKeepTheirValues(t *testing.T) {
	require.Equal(t, []int64{math.MinInt64, -1, 7}, integers("x", []int64{math.MinInt64, -1, 7}, 3).integers())
	require.Equal(t, []float32{-0.5, math.MaxFloat32, 0}, floats("x", []float32{-0.5, math.MaxFloat32, 0}, 3).floats())
}

func TestCompare(t *testing.T) {
	row := func(values ...float32) array { return floats("y", values, int64(len(values))) }
	a, err := compare([]array{row(1, 2), row(-8.5)}, []array{row(1, 2.25), row(-8)})
	require.NoError(t, err)
	require.Equal(t, agreement{Values: 3, Largest: 8, Absolute: 0.5, Relative: 0.0625}, a)

	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name      string
		got, want []array
		says      string
	}{
		{"no output", nil, nil, "0 outputs"},
		{"an output too few", []array{row(1)}, []array{row(1), row(1)}, "1 outputs, not 2"},
		{"another shape", []array{row(1, 2)}, []array{floats("y", []float32{1, 2}, 1, 2)}, "not [1 2] floats"},
		{"fewer values than the shape says", []array{{Shape: []int64{2}, Data: make([]byte, 4)}}, []array{row(1, 2)}, "not [2] floats"},
		{"integers", []array{integers("y", []int64{1}, 1)}, []array{integers("y", []int64{1}, 1)}, "floats"},
		{"not a number", []array{row(nan, 2)}, []array{row(1, 2)}, "NaN where 1 is expected, at 0"},
		{"not a number in both", []array{row(nan)}, []array{row(nan)}, "NaN"},
		{"infinity", []array{row(1, inf)}, []array{row(1, 2)}, "+Inf where 2"},
		{"infinity in both", []array{row(inf)}, []array{row(inf)}, "+Inf"},
		{"zeros, as lost weights give", []array{row(0, 0)}, []array{row(0, 0)}, "all of 2 values are zero"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := compare(c.got, c.want)
			require.ErrorContains(t, err, c.says)
			require.Zero(t, a)
		})
	}
}

// What the rounds gave is held against the reference, the farthest of them.
func TestComparison(t *testing.T) {
	took := func(seconds float64, value float32) answer {
		return answer{Start: 1, Seconds: seconds, Peak: int64(seconds), Outputs: []array{floats("y", []float32{value}, 1)}}
	}
	want := took(0, 2).Outputs
	for _, c := range []struct {
		name  string
		path  float32 // in the second round
		gate  []answer
		fails string
	}{
		{"close", 2, []answer{took(2, 2.001), took(4, 2)}, ""},
		{"one round is off", 2, []answer{took(2, 2), took(4, 2.1)}, "differ by 0.05 of the largest, which may be 0.01"},
		{"one round by path is off", 2.5, []answer{took(2, 2), took(4, 2)}, "differ by 0.2 of the largest, which may be 0.01"},
		{"no number by path", float32(math.NaN()), []answer{took(2, 2), took(4, 2)}, "against the way by path"},
		{"no number", 2, []answer{took(2, float32(math.NaN())), took(4, 2)}, "NaN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := comparison{Tolerance: 0.01}
			found.add(want, []answer{took(1, 2), took(8, c.path)}, c.gate)
			if c.fails != "" {
				require.Contains(t, found.Failure, c.fails)
				return
			}
			require.Empty(t, found.Failure)
			require.InDelta(t, 0.001, found.FromCPU.Absolute, 1e-6)
			require.Equal(t, 1.25, found.Ratio.Median, "½ and 2")
			require.Equal(t, 3.0, found.Gate.Seconds.Median)
			require.Equal(t, int64(8), found.Path.Peak)
		})
	}
}
