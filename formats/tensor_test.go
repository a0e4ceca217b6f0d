package formats_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
)

func TestDType(t *testing.T) {
	names := map[string]bool{}
	for d := formats.UnknownDType + 1; d <= formats.C128; d++ {
		name := d.String()
		require.False(t, names[name], "%s twice", name)
		names[name] = true
		require.Positive(t, d.Bits(), name)
		back, ok := formats.ParseDType(name)
		require.True(t, ok, name)
		require.Equal(t, d, back)
		text, err := d.MarshalText()
		require.NoError(t, err)
		require.Equal(t, name, string(text))
		var read formats.DType
		require.NoError(t, read.UnmarshalText(text))
		require.Equal(t, d, read)
		require.Error(t, read.UnmarshalText([]byte("UNKNOWN")))
	}
	require.Len(t, names, 27)

	for _, d := range []formats.DType{formats.UnknownDType, formats.C128 + 1, 255} {
		require.Equal(t, "UNKNOWN", d.String())
		require.Zero(t, d.Bits())
	}
	for _, name := range []string{"", "UNKNOWN", "f32", "F32 ", "FLOAT"} {
		d, ok := formats.ParseDType(name)
		require.False(t, ok, name)
		require.Equal(t, formats.UnknownDType, d)
	}
}

// Bits are what the digits of a name say, complex numbers included.
func TestDTypeBits(t *testing.T) {
	for d := formats.U2; d <= formats.C128; d++ {
		var bits int
		_, err := fmt.Sscanf(strings.TrimLeft(d.String(), "BCFIU"), "%d", &bits)
		require.NoError(t, err)
		require.Equal(t, bits, d.Bits(), d.String())
	}
	require.Equal(t, 8, formats.Bool.Bits())
}

func TestByteLen(t *testing.T) {
	const most = math.MaxInt64
	for _, c := range []struct {
		dtype formats.DType
		shape []int64
		want  int64 // -1: none
	}{
		{formats.F32, nil, 4},
		{formats.F32, []int64{}, 4},
		{formats.F32, []int64{2, 3}, 24},
		{formats.C128, []int64{2}, 32},
		{formats.Bool, []int64{5}, 5},
		{formats.F32, []int64{0}, 0},
		{formats.F32, []int64{7, 0, 9}, 0},

		{formats.F4, []int64{2}, 1},
		{formats.F4, []int64{3}, -1},
		{formats.F4, nil, -1},
		{formats.F4, []int64{3, 0}, 0},
		{formats.F6E2M3, []int64{4}, 3},
		{formats.F6E2M3, []int64{5}, -1},
		{formats.U2, []int64{2, 2}, 1},
		{formats.U2, []int64{3}, -1},

		{formats.UnknownDType, []int64{1}, -1},
		{formats.UnknownDType, []int64{0}, -1},
		{formats.C128 + 1, []int64{1}, -1},
		{formats.U8, []int64{-1}, -1},
		{formats.U8, []int64{0, -1}, -1},
		{formats.U8, []int64{math.MinInt64}, -1},

		// The product is taken in bits and in 64 of them: 2 EiB is the most.
		{formats.U8, []int64{1 << 60}, 1 << 60},
		{formats.U8, []int64{1 << 61}, -1},
		{formats.U8, []int64{most}, -1},
		{formats.U8, []int64{1 << 62, 4}, -1},   // 2^64 bytes: 0 in 64 bits
		{formats.U8, []int64{1<<62 + 1, 4}, -1}, // 4 in 64 bits
		{formats.U2, []int64{1 << 62}, 1 << 60}, // 2^63 bits
		{formats.U2, []int64{most, 2}, -1},      // 2^65 - 4 bits
		{formats.F64, []int64{1 << 31, 1 << 31}, -1},
		{formats.U8, []int64{0, most, most}, -1}, // zero in the end, absurd on the way
		{formats.U8, []int64{most, most, 0}, -1},
	} {
		got, ok := formats.ByteLen(c.dtype, c.shape)
		require.Equal(t, c.want >= 0, ok, "%s %v", c.dtype, c.shape)
		require.Equal(t, max(c.want, 0), got, "%s %v", c.dtype, c.shape)
	}
}

func TestShapeString(t *testing.T) {
	require.Equal(t, "[]", formats.ShapeString(nil))
	require.Equal(t, "[2]", formats.ShapeString([]int64{2}))
	require.Equal(t, "[2, 0, 3]", formats.ShapeString([]int64{2, 0, 3}))
}

func TestTensorID(t *testing.T) {
	require.Equal(t, "a/b.onnx:w", formats.TensorID{File: "a/b.onnx", Name: "w"}.String())
}

func TestRange(t *testing.T) {
	require.Equal(t, int64(7), formats.Range{Offset: 3, Length: 4}.End())
	for _, c := range []struct {
		offset, length, size int64
		want                 bool
	}{
		{0, 0, 0, true},
		{0, 4, 4, true},
		{4, 0, 4, true},
		{3, 1, 4, true},
		{3, 2, 4, false},
		{5, 0, 4, false},
		{-1, 2, 4, false},
		{1, -1, 4, false},
		{math.MaxInt64, math.MaxInt64, 4, false},
		{4, math.MaxInt64, math.MaxInt64, false},
		{0, math.MaxInt64, math.MaxInt64, true},
	} {
		r := formats.Range{Offset: c.offset, Length: c.length}
		require.Equal(t, c.want, r.Within(c.size), "%+v in %d", r, c.size)
	}
}
