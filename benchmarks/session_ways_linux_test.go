//go:build cgo

package benchmarks

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/benchmarks/internal/graphs"
)

// All ways make sessions that compute the same.
func TestSessionWays(t *testing.T) {
	row := make([]float32, 64)
	for i := range row {
		row[i] = float32(i%7) - 3
	}
	for _, c := range []struct {
		name  string
		graph graphs.Graph
		input input
	}{
		{"MatMul", graphs.MatMuls(4, 64), input{Shape: []int64{1, 64}, Floats: row}},
		{"Gather", graphs.Gathers(4, 256, 64), input{Shape: []int64{4}, Integers: []int64{0, 255, 3, 3}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := served{workload{c.name, "", onlyONNX, made(c.graph)}, c.input}.job(t)
			j.Check, j.Way = true, byPath
			want, err := j.inChild()
			require.NoError(t, err)
			require.NotEmpty(t, want.Output)
			require.True(t, slices.ContainsFunc(want.Output, func(v float32) bool { return v > 0.1 }))
			for _, way := range []string{byPathFirst, gateAndGPU, gateFirst, gpuAlone} {
				j.Way = way
				got, err := j.inChild()
				require.NoError(t, err)
				require.InDeltaSlice(t, want.Output, got.Output, 1e-5)
			}
		})
	}
}
