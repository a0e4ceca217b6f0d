package safetensors_test

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/safetensors"
)

// written are the tensors of a file that was read from data, as Write takes them.
func written(h *safetensors.Header, data []byte) []safetensors.Tensor {
	var list []safetensors.Tensor
	for _, t := range h.Tensors {
		list = append(list, safetensors.Tensor{
			Name: t.ID.Name, DType: t.DType, Shape: t.Shape, Data: data[t.Place.Offset:t.Place.End()],
		})
	}
	return list
}

// TestWriteEqualsReference reads files that testdata/gen.py wrote with the
// reference and writes them again.
func TestWriteEqualsReference(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.safetensors")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			h, err := read(want)
			require.NoError(t, err)
			tensors := written(h, want)
			slices.Reverse(tensors)

			var got bytes.Buffer
			require.NoError(t, safetensors.Write(&got, tensors, h.Metadata))
			require.Equal(t, string(want), got.String())
		})
	}
}

func TestEncode(t *testing.T) {
	shape := []int64{3}
	header, placed, err := safetensors.Encode([]safetensors.Tensor{
		{Name: "b", DType: formats.U8, Shape: shape},
		{Name: "c", DType: formats.F64},
		{Name: "a", DType: formats.U8, Shape: []int64{0}},
	}, map[string]string{"z": "", "a": "x"})
	require.NoError(t, err)
	const text = `{"__metadata__":{"a":"x","z":""},"c":{"dtype":"F64","shape":[],"data_offsets":[0,8]},` +
		`"a":{"dtype":"U8","shape":[0],"data_offsets":[8,8]},"b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}}`
	require.Equal(t, text, strings.TrimRight(string(header[8:]), " "))
	require.Zero(t, len(header)%8)

	end := int64(len(header))
	require.Equal(t, []formats.Tensor{
		{ID: formats.TensorID{Name: "c"}, DType: formats.F64, Place: formats.Range{Offset: end, Length: 8}},
		{ID: formats.TensorID{Name: "a"}, DType: formats.U8, Shape: []int64{0}, Place: formats.Range{Offset: end + 8}},
		{ID: formats.TensorID{Name: "b"}, DType: formats.U8, Shape: []int64{3}, Place: formats.Range{Offset: end + 8, Length: 3}},
	}, placed)
	shape[0] = 99
	require.Equal(t, []int64{3}, placed[2].Shape, "the caller keeps its shape")
}

func TestEncodeRefuses(t *testing.T) {
	one := func(name string, d formats.DType, shape ...int64) []safetensors.Tensor {
		return []safetensors.Tensor{{Name: name, DType: d, Shape: shape}}
	}
	var huge []safetensors.Tensor
	for i := range 8 {
		huge = append(huge, one(string(rune('a'+i)), formats.U8, 1<<60)...)
	}
	many := map[string]string{}
	for i := range 1<<14 + 1 {
		many[string(rune(' '+i))] = ""
	}
	for _, c := range []struct {
		name     string
		tensors  []safetensors.Tensor
		metadata map[string]string
		code     formats.Code
	}{
		{"no name", one("", formats.U8), nil, safetensors.CodeName},
		{"NUL", one("a\x00b", formats.U8), nil, safetensors.CodeName},
		{"metadata's name", one("__metadata__", formats.U8), nil, safetensors.CodeDuplicate},
		{"one name, two dtypes", slices.Concat(one("a", formats.U8), one("b", formats.I8), one("a", formats.F64)), nil, safetensors.CodeDuplicate},
		{"name is not UTF-8", one("\xff", formats.U8), nil, safetensors.CodeHeader},
		{"metadata is not UTF-8", nil, map[string]string{"a": "\xff"}, safetensors.CodeHeader},
		{"no dtype", one("a", formats.UnknownDType), nil, safetensors.CodeDType},
		{"dtype of ONNX", one("a", formats.I4, 2), nil, safetensors.CodeDType},
		{"negative dimension", one("a", formats.U8, -1), nil, safetensors.CodeLength},
		{"half a byte", one("a", formats.F4, 3), nil, safetensors.CodeLength},
		{"one tensor beyond 63 bits", one("a", formats.U8, math.MaxInt64, 2), nil, safetensors.CodeLength},
		{"all tensors beyond 63 bits", huge, nil, safetensors.CodeLength},
		{"65 dimensions", one("a", formats.U8, make([]int64, 65)...), nil, safetensors.CodeLimit},
		{"metadata of many entries", nil, many, safetensors.CodeLimit},
		{"a long header", nil, map[string]string{"a": strings.Repeat(" ", 100_000_000)}, safetensors.CodeLimit},
	} {
		t.Run(c.name, func(t *testing.T) {
			header, placed, err := safetensors.Encode(c.tensors, c.metadata)
			requireCode(t, c.code, err)
			require.Nil(t, header)
			require.Nil(t, placed)
			requireCode(t, c.code, safetensors.Write(new(bytes.Buffer), c.tensors, c.metadata))
		})
	}
}

// full is a writer that fails once it holds n bytes.
type full struct{ n int }

var errFull = errors.New("full")

func (w *full) Write(b []byte) (int, error) {
	if w.n -= len(b); w.n < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestWriteFails(t *testing.T) {
	tensors := []safetensors.Tensor{{Name: "a", DType: formats.U8, Shape: []int64{3}, Data: []byte("abc")}}
	var whole bytes.Buffer
	require.NoError(t, safetensors.Write(&whole, tensors, nil))
	for _, n := range []int{0, whole.Len() - 1} {
		require.ErrorIs(t, safetensors.Write(&full{n}, tensors, nil), errFull)
	}
	require.NoError(t, safetensors.Write(&full{whole.Len()}, tensors, nil))

	var none bytes.Buffer
	tensors[0].Data = []byte("ab")
	requireCode(t, safetensors.CodeLength, safetensors.Write(&none, tensors, nil))
	require.Zero(t, none.Len())
}
