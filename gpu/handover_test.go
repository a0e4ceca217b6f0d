//go:build cgo && linux

package gpu

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"github.com/weightgate/weightgate/gpu/internal/ort"
)

// handed is what the runtime would be given of a model, with the runtime open.
func handed(t *testing.T, files fstest.MapFS, d Device) *handover {
	t.Helper()
	m := admit(t, files, terms{})
	openSession(t, m)
	h, err := handOver(t.Context(), m, Config{Graph: "model.onnx", Device: d})
	require.NoError(t, err)
	return h
}

func lent(w ort.Weight) bool { return w.Lend }

func TestWeightsAreLentWhereEveryKernelAllows(t *testing.T) {
	for _, c := range []struct {
		name  string
		model []byte
		want  []bool
	}{
		{"MatMul", matMul(), []bool{true}},
		{"Gather", gather(), []bool{true}},
		{"Conv", conv(), []bool{false}},
		{"branches", branches(), []bool{true, true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := fstest.MapFS{"model.onnx": file(c.model)}
			h := handed(t, files, CPU)
			defer h.holds.release()
			var got []bool
			for _, w := range h.weights {
				got = append(got, w.Lend)
			}
			require.Equal(t, c.want, got)
			require.Less(t, len(h.graph), 4096, "no weight lies in the graph")

			onCUDA := handed(t, files, CUDA(0))
			defer onCUDA.holds.release()
			require.False(t, slices.ContainsFunc(onCUDA.weights, lent), "host memory is not lent to CUDA")
		})
	}
}

func TestAWeightThatIsNotSuppliedFails(t *testing.T) {
	for _, model := range [][]byte{matMul(), gather(), conv(), negated(), branches()} {
		for _, vouched := range []bool{true, false} {
			h := handed(t, fstest.MapFS{"model.onnx": file(model)}, CPU)
			h.weights[0], h.weights = h.weights[len(h.weights)-1], h.weights[:len(h.weights)-1]
			s, err := h.session(t.Context(), cpu(t), vouched)
			require.ErrorContains(t, err, "/dev/null")
			require.Nil(t, s)
		}
	}
}

// Constant folding meets the placeholder of a lent weight; copied, it is read.
// Without optimizers nothing reads it but the kernel.
func TestAPlaceholderThatIsMetIsRetried(t *testing.T) {
	for _, vouched := range []bool{true, false} {
		h := handed(t, fstest.MapFS{"model.onnx": file(negated())}, CPU)
		for i := range h.weights {
			h.weights[i].Lend = true
		}
		s, err := h.session(t.Context(), cpu(t), vouched)
		require.NoError(t, err)
		defer s.Close()
		require.Equal(t, !vouched, slices.ContainsFunc(h.weights, lent))
		runsLike(t, negated(), s, noise(t, 2, side))
	}
}

func TestSessionHoldsWhatItBorrows(t *testing.T) {
	for _, c := range []struct {
		name        string
		model       []byte
		open, after int
	}{
		{"lent", matMul(), 0, 1},
		{"copied", conv(), 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := handed(t, fstest.MapFS{"model.onnx": file(c.model)}, CPU)
			released := map[string]bool{}
			for i, w := range h.weights {
				release := h.holds[i]
				h.holds[i] = func() { released[w.Name] = true; release() }
			}
			s, err := h.session(t.Context(), cpu(t), true)
			require.NoError(t, err)
			require.Len(t, released, c.open)
			require.NoError(t, s.Close())
			require.Len(t, released, c.after)
		})
	}
}

func TestParseMaps(t *testing.T) {
	require.Equal(t, []string{"/lib/b c.so", "/memfd:a (deleted)"}, parseMaps(""+
		"7f0000001000-7f0000002000 r-xp 00000000 00:01 7                          /memfd:a (deleted)\n"+
		"7f0000002000-7f0000003000 rw-p 00000000 00:01 7                          /data.so\n"+
		"7f0000003000-7f0000004000 r-xp 00000000 08:01 9                          /lib/b c.so\n"+
		"7f0000004000-7f0000005000 r-xp 00001000 08:01 9                          /lib/b c.so\n"+
		"7f0000005000-7f0000006000 r-xp 00000000 00:00 0                          [vdso]\n"+
		"7f0000006000-7f0000007000 r-xp 00000000 00:00 0 \n"))
	require.Empty(t, parseMaps("what is this\n"))

	mapped, err := mappedCode()
	require.NoError(t, err)
	require.NotEmpty(t, mapped)
}
