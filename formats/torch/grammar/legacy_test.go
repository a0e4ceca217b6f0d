package grammar_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats/torch/grammar"
)

func TestLegacy(t *testing.T) {
	whole := vector(legacyStorage("FloatStorage", "12", 4, none), 4)
	part := call(utils, "_rebuild_tensor", legacyStorage("FloatStorage", "12", 4, tuple(str("13"), num(1), num(2))), num(1), ints(1), ints(1))
	unused := legacyStorage("ByteStorage", "14", 3, none)
	stream := legacyFile(dict(str("whole"), whole, str("part"), part, str("unused"), list(unused)), str("14"), str("12"))
	got := read(t, grammar.Legacy, stream+"\x04\x00\x00", options(t))
	require.Empty(t, got.Findings)
	require.Equal(t, int64(len(stream)), got.End)
	require.Equal(t, []string{"14", "12"}, got.Keys)
	require.False(t, got.BigEndian)
	require.Equal(t, []grammar.Storage{{"12", grammar.F32, 4}, {"14", grammar.U8, 3}}, got.Storages)
	require.Equal(t, []grammar.Tensor{
		{Name: "whole", DType: grammar.F32, Shape: []int64{4}, Strides: []int64{1}},
		{Name: "part", DType: grammar.F32, Shape: []int64{1}, Strides: []int64{1}, Offset: 2},
	}, got.Tensors)
	require.Equal(t, []grammar.Dropped{{Path: "unused", What: "list of 1"}}, got.Dropped)
}

func TestLegacyIsOfEitherByteOrder(t *testing.T) {
	stream := strings.Replace(legacyFile(dict(str("w"), vector(legacyStorage("FloatStorage", "1", 4, none), 4)), str("1")), info(yes), info(no), 1)
	require.True(t, read(t, grammar.Legacy, stream, options(t)).BigEndian)
}

func TestLegacyRefusals(t *testing.T) {
	w := dict(str("w"), vector(legacyStorage("FloatStorage", "1", 4, none), 4))
	view := func(v code, size, stride, offset int) code {
		return dict(str("w"), call(utils, "_rebuild_tensor", legacyStorage("FloatStorage", "1", 4, v), num(offset), ints(size), ints(stride)))
	}
	good := legacyFile(w, str("1"))
	for _, c := range []struct{ name, code, stream string }{
		{"another number", grammar.CodeLegacy, strings.Replace(good, "\x6c\xfc", "\x6d\xfc", 1)},
		{"a number that is computed", grammar.CodeLegacy, strings.Replace(good, magic, pickled(call("builtins", "int", str("119547037146038801333356"))), 1)},
		{"another version", grammar.CodeLegacy, strings.Replace(good, "M\xe9\x03", "M\xea\x03", 1)},
		{"no byte order", grammar.CodeLegacy, strings.Replace(good, info(yes), pickled(dict(str("protocol_version"), num(1001))), 1)},
		{"a byte order that is a number", grammar.CodeLegacy, strings.Replace(good, info(yes), info(num(1)), 1)},
		{"another version of the writer", grammar.CodeLegacy, strings.Replace(good, info(yes), pickled(dict(str("protocol_version"), num(1), str("little_endian"), yes)), 1)},
		{"no dict", grammar.CodeLegacy, strings.Replace(good, info(yes), pickled(none), 1)},
		{"keys that are a tuple", grammar.CodeLegacy, strings.Replace(good, pickled(list(str("1"))), pickled(tuple(str("1"))), 1)},
		{"a key that is a number", grammar.CodeLegacy, legacyFile(w, num(1))},
		{"a key twice", grammar.CodeLegacy, legacyFile(w, str("1"), str("1"))},
		{"a key that nothing mentions", grammar.CodeLegacy, legacyFile(w, str("1"), str("2"))},
		{"a key that is missing", grammar.CodeLegacy, legacyFile(w)},
		{"a storage of five fields", grammar.CodeStorage, legacyFile(dict(str("w"), floats("1")), str("1"))},
		{"a view that is longer than its storage", grammar.CodeStorage, legacyFile(view(tuple(str("2"), num(1), num(4)), 1, 1, 0), str("1"))},
		{"a view that begins behind its storage", grammar.CodeStorage, legacyFile(view(tuple(str("2"), num(5), num(0)), 0, 1, 0), str("1"))},
		{"a view of negative length", grammar.CodeStorage, legacyFile(view(tuple(str("2"), num(1), num(-1)), 1, 1, 0), str("1"))},
		{"a view of two fields", grammar.CodeStorage, legacyFile(view(tuple(str("2"), num(1)), 1, 1, 0), str("1"))},
		{"a tensor that leaves its view", grammar.CodeTensor, legacyFile(view(tuple(str("2"), num(1), num(2)), 3, 1, 0), str("1"))},
		{"a tensor that leaves its view by its stride", grammar.CodeTensor, legacyFile(view(tuple(str("2"), num(1), num(2)), 2, 2, 0), str("1"))},
		{"a tensor that leaves its view by its offset", grammar.CodeTensor, legacyFile(view(tuple(str("2"), num(1), num(2)), 1, 1, 2), str("1"))},
		{"a module", grammar.CodeModule, legacyFile(tuple(str("module"), global("a", "B"), str("a.py"), str("class B: pass"))+"Q)\x81", code(""))},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := read(t, grammar.Legacy, c.stream, options(t))
			require.True(t, slices.Contains(codesOf(got.Findings), c.code), "%v", got.Findings)
			if c.code != grammar.CodeLegacy {
				require.Empty(t, got.Tensors)
			}
		})
	}
}
