package grammar_test

import (
	"errors"
	"runtime/metrics"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats/pickle/machine"
	"github.com/weightgate/weightgate/formats/torch/grammar"
)

// seeds are streams of every form that are read to their end.
func seeds() map[grammar.Form][]string {
	model := dict(str("w"), floats("0"), str("tied"), floats("0"), str("p"), call(utils, "_rebuild_parameter", floats("1"), yes, hooks))
	part := call(utils, "_rebuild_tensor", legacyStorage("FloatStorage", "1", 4, tuple(str("2"), num(1), num(2))), num(0), ints(1), ints(1))
	eights := call(utils, "_rebuild_tensor_v3", untyped("8", 4), num(0), ints(2, 2), ints(2, 1), no, hooks, global("torch", "float8_e4m3fn"))
	return map[grammar.Form][]string{
		grammar.Plain: {pickled(dict(str("a"), list(num(1), none))), pickled(model)},
		grammar.Zip: {
			pickled(model),
			pickled(dict(str("epoch"), num(1), str("model"), model, num(0), tuple(floats("3")))),
			pickled(dict(str("w"), eights)),
			pickled(dict(str("q"), call(utils, "_rebuild_qtensor"))),
		},
		grammar.Legacy: {legacyFile(dict(str("w"), part), str("1"))},
	}
}

// check reads a stream and holds a checkpoint against what its readers rely on.
// It reports whether there is one.
func check(t require.TestingT, form grammar.Form, stream string, opt grammar.Options) bool {
	before := allocated()
	c, err := grammar.Read(form, []byte(stream), opt)
	require.Less(t, allocated()-before, uint64(4096*len(stream)+4<<20))
	if err != nil {
		_, ok := errors.AsType[*machine.Error](err)
		require.True(t, ok, "%v", err)
		require.Nil(t, c)
		return false
	}
	require.Equal(t, form, c.Form)
	end := int64(len(stream))
	keys := map[string]grammar.Storage{}
	for _, s := range c.Storages {
		require.NotContains(t, keys, s.Key)
		keys[s.Key] = s
		require.GreaterOrEqual(t, s.Elements, int64(0))
		require.Positive(t, s.DType.Size())
	}
	seen := map[string]bool{}
	for _, tensor := range c.Tensors {
		require.False(t, seen[tensor.Name], tensor.Name)
		seen[tensor.Name] = true
		require.Less(t, tensor.Storage, len(c.Storages))
		require.NotEmpty(t, tensor.DType.String())
		require.Len(t, tensor.Strides, len(tensor.Shape))
		require.LessOrEqual(t, len(tensor.Shape), 64)
		require.GreaterOrEqual(t, tensor.Offset, int64(0))
	}
	for i, f := range c.Findings {
		require.NotEmpty(t, f.Code)
		require.True(t, 0 <= f.Offset && f.Offset <= end, "%+v", f)
		require.True(t, i == 0 || c.Findings[i-1].Offset <= f.Offset)
		require.Less(t, len(f.Detail), 4<<10)
	}
	require.LessOrEqual(t, len(c.Dropped), 10_001)
	if form == grammar.Legacy && len(c.Findings) == 0 {
		require.LessOrEqual(t, c.End, end)
		require.Len(t, c.Keys, len(keys))
		for _, key := range c.Keys {
			require.Contains(t, keys, key)
		}
		again, err := grammar.Read(form, []byte(stream[:c.End]), opt)
		require.NoError(t, err)
		require.Equal(t, c, again, "what lies behind the pickles changes what they say")
	}
	return true
}

func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func FuzzRead(f *testing.F) {
	n := 0
	for form, streams := range seeds() {
		for _, stream := range streams {
			f.Add(uint8(form-1), []byte(stream), false, "")
			f.Add(uint8(form-1), []byte(stream), true, ".")
			n++
		}
	}
	require.Positive(f, n)
	opt := options(f)
	f.Fuzz(func(t *testing.T, form uint8, stream []byte, extract bool, root string) {
		if extract {
			opt.Unknown = machine.Extract
		} else {
			opt.Unknown = machine.Deny
		}
		opt.Root = root
		check(t, grammar.Form(1+form%3), string(stream), opt)
	})
}

// Every prefix of a stream is an error, and every changed byte of it is an error
// or a checkpoint that keeps the rules.
func TestMangled(t *testing.T) {
	opt := options(t)
	opt.Unknown = machine.Extract
	for form, streams := range seeds() {
		read := 0
		for _, stream := range streams {
			require.True(t, check(t, form, stream, opt))
			for n := range stream {
				got, err := grammar.Read(form, []byte(stream[:n]), opt)
				require.Error(t, err, "%d bytes", n)
				require.Nil(t, got)
			}
			for i := range stream {
				changed := []byte(stream)
				for _, by := range []byte{1, 2, 4, 8, 16, 32, 64, 128, 255} {
					changed[i] = stream[i] ^ by
					if check(t, form, string(changed), opt) {
						read++
					}
				}
			}
		}
		require.Positive(t, read)
	}
}
