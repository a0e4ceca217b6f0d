package onnx

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	o "github.com/weightgate/weightgate/formats/onnx/onnxtest"
)

// fuzzLimits keep what a small file may stand for small.
var fuzzLimits = formats.Limits{MaxNodes: 2000, MaxTensors: 1000}

// seeds are models that are read.
func seeds(f *testing.F) [][]byte {
	names, err := filepath.Glob("testdata/*.onnx")
	require.NoError(f, err)
	var list [][]byte
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(f, err)
		list = append(list, data)
	}
	require.Greater(f, len(list), 15, "the fixtures are missing")
	list = append(list, branched(), o.Standard(x, y,
		o.Initializer(o.Head("w", f32, 4), o.External("location", "w.bin", "offset", "0", "length", "16")), o.Node("Add", "x w", "y")))
	for _, seed := range list {
		_, err := Read(f.Context(), open(f, tree(seed, "w.bin", "0123456789abcdef"), "model.onnx"), fuzzLimits)
		require.NoError(f, err)
	}
	return list
}

// FuzzRead: what is read is encoded, and what was encoded, its weights
// supplied, is the same model; all places lie in the files; what is refused is
// refused with a code of the table; memory stays in proportion.
func FuzzRead(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		files := tree(data, "w.bin", "0123456789abcdef")
		in := open(t, files, "model.onnx")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := Read(context.Background(), in, fuzzLimits)
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16<<20+512*len(data)))
		if err != nil {
			require.Nil(t, m)
			syntax, ok := errors.AsType[*formats.SyntaxError](err)
			require.True(t, ok, "%v", err)
			require.True(t, slices.ContainsFunc(codes, func(c formats.CodeInfo) bool { return c.Code == syntax.Code }))
			return
		}
		found := m.Inspection()
		inline := false
		for _, tensor := range found.Tensors {
			inline = inline || tensor.Inline
			if tensor.Inline {
				require.Zero(t, tensor.Place)
				continue
			}
			require.True(t, tensor.Place.Within(open(t, files, tensor.Place.File).Size()))
			length, ok := formats.ByteLen(tensor.DType, tensor.Shape)
			require.True(t, ok)
			require.Equal(t, length, tensor.Place.Length)
		}
		for _, c := range found.Claims {
			require.True(t, c.Within(open(t, files, c.File).Size()))
		}
		encoded := encode(t, m)
		require.Equal(t, encoded, encode(t, m))
		names := map[string]bool{}
		for _, n := range m.Nodes() {
			require.False(t, n.Name == "" || strings.ContainsAny(n.Name, "[]") || names[n.Name], "%q tells nodes apart", n.Name)
			names[n.Name] = true
		}

		again, err := Read(context.Background(), open(t, tree(supplied(t, m, files)), "model.onnx"), fuzzLimits)
		require.NoError(t, err, "what we wrote is read")
		require.Equal(t, m.Inputs(), again.Inputs())
		require.Equal(t, m.Outputs(), again.Outputs())
		if inline {
			return // typed data became raw_data, and so weights
		}
		require.Equal(t, encoded, encode(t, again))
		require.Equal(t, m.Nodes(), again.Nodes())
		require.Len(t, again.Weights(), len(m.Weights()))
		for i, w := range again.Weights() {
			want := m.Weights()[i]
			require.Equal(t, want.Initializer, w.Initializer)
			require.Equal(t, want.Tensor.DType, w.Tensor.DType)
			require.Equal(t, want.Tensor.Shape, w.Tensor.Shape)
			require.Equal(t, want.Borrow, w.Borrow)
		}
	})
}

// FuzzClaims: what is read is claimed, and what is claimed ends where it says.
func FuzzClaims(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		claimed, err := Format().Claims(context.Background(), open(t, tree(data), "model.onnx"))
		require.NoError(t, err)
		if !claimed {
			_, err := Read(context.Background(), open(t, tree(data), "model.onnx"), fuzzLimits)
			if err == nil {
				require.Fail(t, "a model that is read is not claimed")
			}
			return
		}
		grown, err := Format().Claims(context.Background(), open(t, tree(append(slices.Clone(data), 0)), "model.onnx"))
		require.NoError(t, err)
		require.False(t, grown, "a byte more is no model")
	})
}
