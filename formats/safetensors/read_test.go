package safetensors_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/inputtest"
	"github.com/weightgate/weightgate/formats/safetensors"
)

func TestRead(t *testing.T) {
	const text = `{"b":{"data_offsets":[2,10],"shape":[1,2],"dtype":"F32"}, "__metadata__":{"k":"v","\u006c":""},` +
		`"a":{"dtype":"I16","shape":[],"data_offsets":[0,2]},"z":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}} `
	h, err := read(file(text, 10))
	require.NoError(t, err)
	require.Equal(t, int64(len(text)), h.Length)
	require.Equal(t, map[string]string{"k": "v", "l": ""}, h.Metadata)

	const name = "dir/m.safetensors"
	place := func(offset, length int64) formats.Range {
		return formats.Range{File: name, Offset: 8 + h.Length + offset, Length: length}
	}
	require.Equal(t, []formats.Tensor{
		{ID: formats.TensorID{File: name, Name: "a"}, DType: formats.I16, Shape: []int64{}, Place: place(0, 2)},
		{ID: formats.TensorID{File: name, Name: "z"}, DType: formats.U8, Shape: []int64{0}, Place: place(2, 0)},
		{ID: formats.TensorID{File: name, Name: "b"}, DType: formats.F32, Shape: []int64{1, 2}, Place: place(2, 8)},
	}, h.Tensors)
}

func TestReadTellsNoMetadataFromEmpty(t *testing.T) {
	h, err := read(file(`{}`, 0))
	require.NoError(t, err)
	require.Nil(t, h.Metadata)
	h, err = read(file(`{"__metadata__":{}}`, 0))
	require.NoError(t, err)
	require.NotNil(t, h.Metadata)
	require.Empty(t, h.Metadata)
}

// Shapes share an array: appending to one must not reach into the next.
func TestReadShapesAreApart(t *testing.T) {
	h, err := read(file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 3))
	require.NoError(t, err)
	_ = append(h.Tensors[0].Shape, 99)
	require.Equal(t, []int64{2}, h.Tensors[1].Shape)
}

// Errors say where: in the header for what it says, in the data for what is
// wrong with its coverage.
func TestReadOffsets(t *testing.T) {
	const entry = `"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}`
	data := int64(8 + len(entry) + 2)
	for _, c := range []struct {
		name   string
		text   string
		n      int
		code   formats.Code
		offset int64
	}{
		{"first byte", `[` + entry + `}`, 4, safetensors.CodeHeader, 8},
		{"second key", `{` + entry + `,` + entry + `}`, 4, safetensors.CodeDuplicate, 8 + 2 + int64(len(entry))},
		{"dtype", `{` + strings.Replace(entry, "U8", "U9", 1) + `}`, 4, safetensors.CodeDType, 8 + 14},
		{"end of header", `{` + entry, 4, safetensors.CodeHeader, data - 1},
		{"an escape at the end", `{"\`, 0, safetensors.CodeHeader, 8 + 2},
		{"a string at the end", `{"\n`, 0, safetensors.CodeHeader, 8 + 4},
		{"last bytes", `{` + entry + `}`, 6, safetensors.CodeTrailing, data + 4},
		{"gap", `{` + strings.Replace(strings.Replace(entry, "[0,", "[1,", 1), "[4]", "[3]", 1) + `}`, 4, safetensors.CodeGap, data},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := read(file(c.text, c.n))
			require.Nil(t, h)
			syntax := requireCode(t, c.code, err)
			require.Equal(t, c.offset, syntax.Offset, "%v", err)
			require.Equal(t, "dir/m.safetensors", syntax.File)
		})
	}
}

func TestReadSmallFiles(t *testing.T) {
	for n := range 8 {
		h, err := read(make([]byte, n))
		requireCode(t, safetensors.CodeHeader, err)
		require.Nil(t, h)
	}
	for _, length := range []int{0, 1} {
		_, err := read(file("{}"[:length], 5))
		requireCode(t, safetensors.CodeHeader, err)
	}
	_, err := read(append(bytes.Repeat([]byte{0xff}, 8), "{}"...))
	requireCode(t, safetensors.CodeHeader, err)
}

// entries are n tensors of one byte each.
func entries(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"model.layers.%d.self_attn.q_proj.weight":{"dtype":"U8","shape":[1],"data_offsets":[%d,%d]}`, i, i, i+1)
	}
	return b.String()
}

func TestReadLimits(t *testing.T) {
	header := `{` + entries(3) + `}`
	for _, c := range []struct {
		name string
		lim  formats.Limits
		ok   bool
	}{
		{"header fits", formats.Limits{MaxHeader: int64(len(header))}, true},
		{"header is one byte longer", formats.Limits{MaxHeader: int64(len(header)) - 1}, false},
		{"tensors fit", formats.Limits{MaxTensors: 3}, true},
		{"one tensor more", formats.Limits{MaxTensors: 2}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := safetensors.Read(context.Background(), input(file(header, 3)), c.lim)
			if c.ok {
				require.NoError(t, err)
				require.Len(t, h.Tensors, 3)
				return
			}
			require.Nil(t, h)
			require.Equal(t, formats.Unverifiable, requireCode(t, safetensors.CodeLimit, err).Class)
		})
	}
}

// A parser stops at the first tensor too many: what follows is not read.
func TestReadStopsAtOneMore(t *testing.T) {
	text := `{` + entries(3) + `,this is no JSON}`
	_, err := safetensors.Read(context.Background(), input(file(text, 3)), formats.Limits{MaxTensors: 2})
	requireCode(t, safetensors.CodeLimit, err)
	_, err = safetensors.Read(context.Background(), input(file(text, 3)), formats.Limits{MaxTensors: 3})
	requireCode(t, safetensors.CodeHeader, err)
}

func metadata(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%d":""`, i)
	}
	return `{"__metadata__":{` + b.String()[1:] + `}}`
}

func TestReadMetadataLimit(t *testing.T) {
	h, err := read(file(metadata(1<<14), 0))
	require.NoError(t, err)
	require.Len(t, h.Metadata, 1<<14)
	_, err = read(file(metadata(1<<14+1), 0))
	requireCode(t, safetensors.CodeLimit, err)
}

func TestReadErrorsAreShort(t *testing.T) {
	long := strings.Repeat("\u202e", 1<<16)
	_, err := read(file(`{"`+long+`":{"dtype":"`+long+`"}}`, 0))
	require.Less(t, len(requireCode(t, safetensors.CodeDType, err).Error()), 1<<10)
	require.NotContains(t, err.Error(), "\u202e")
}

func TestReadFailsWithTheRead(t *testing.T) {
	whole := file(`{`+entries(2)+`}`, 2)
	cause := errors.New("disk")
	for _, n := range []int{0, 7, 8, 50} {
		part := inputtest.Torn{File: input(whole[:n]), Promised: int64(len(whole)), Err: cause}
		h, err := safetensors.Read(context.Background(), part, formats.Limits{})
		require.ErrorIs(t, err, cause, "%d bytes", n)
		require.Nil(t, h)
		part.Err = nil
		h, err = safetensors.Read(context.Background(), part, formats.Limits{})
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "%d bytes", n)
		require.Nil(t, h)
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	data := file(`{`+entries(5000)+`}`, 5000)
	for asked := range 6 {
		h, err := safetensors.Read(inputtest.Countdown(asked), input(data), formats.Limits{})
		require.ErrorIs(t, err, context.Canceled)
		require.Nil(t, h)
	}
	_, err := safetensors.Read(inputtest.Countdown(6), input(data), formats.Limits{})
	require.NoError(t, err)
}

// All that a read allocates, live or not, is bounded by the header's length and
// a constant for the metadata.
func TestReadMemory(t *testing.T) {
	short := func(n int, shape string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"%x":{"dtype":"U8","shape":[%s],"data_offsets":[0,0]}`, i, shape)
		}
		return `{` + b.String()[1:] + `}`
	}
	for name, text := range map[string]string{
		"usual":               `{` + entries(20_000) + `}`,
		"short entries":       short(60_000, "0"),
		"many dimensions":     short(20_000, "0"+strings.Repeat(",1", 63)),
		"braces in a string":  `{"` + strings.Repeat("{", 4<<20) + `":1}`,
		"escapes in a string": `{"` + strings.Repeat(`\n`, 2<<20) + `":1}`,
		"padding":             `{}` + strings.Repeat(" ", 4<<20),
		"metadata":            metadata(1 << 14),
		"one value":           `{"__metadata__":{"a":"` + strings.Repeat("a", 4<<20) + `"}}`,
		"dimensions":          `{"a":{"dtype":"U8","shape":[` + strings.Repeat("1,", 2<<20) + `1]}}`,
		"not an object":       strings.Repeat("[", 4<<20),
	} {
		t.Run(name, func(t *testing.T) {
			in := input(file(text, 20_000))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _ = safetensors.Read(context.Background(), in, formats.Limits{}) // some are refused
			runtime.ReadMemStats(&after)
			allocated := after.TotalAlloc - before.TotalAlloc
			require.Less(t, allocated, uint64(8*len(text)+4<<20), "a header of %d bytes", len(text))
		})
	}
}

// TestNoLaxerThanTheReference holds our verdicts against those that
// testdata/gen.py took from the reference.
func TestNoLaxerThanTheReference(t *testing.T) {
	text, err := os.ReadFile("testdata/verdicts.txt")
	require.NoError(t, err)
	verdicts := map[string]string{}
	for line := range strings.Lines(string(text)) {
		verdict, name, ok := strings.Cut(strings.TrimSpace(line), " ")
		require.True(t, ok, line)
		verdicts[name] = verdict
	}
	stricter := 0
	for name, data := range samples(t) {
		name, isVector := strings.CutPrefix(name, "safetensors/")
		if !isVector {
			continue
		}
		require.Contains(t, verdicts, name, "run testdata/gen.py")
		_, err := read(data)
		if err == nil {
			require.Equal(t, "accepted", verdicts[name], "%s: the reference refuses it", name)
		} else if verdicts[name] == "accepted" {
			stricter++
		}
		delete(verdicts, name)
	}
	require.Empty(t, verdicts, "verdicts on vectors that are gone: run testdata/gen.py")
	require.NotZero(t, stricter, "the package says that it is stricter")
}
