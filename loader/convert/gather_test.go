package convert

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/formats/torch"
	"github.com/weightgate/weightgate/formats/torch/grammar"
)

// elements are the values of a tensor, taken one by one from the storage.
func elements(s *scene, t grammar.Tensor) []byte {
	place := s.from.Storages[s.cp.Storages[t.Storage].Key]
	size := int64(t.DType.Size())
	var out []byte
	if slices.Contains(t.Shape, 0) {
		return nil
	}
	var walk func(depth int, at int64)
	walk = func(depth int, at int64) {
		if depth < len(t.Shape) {
			for i := range t.Shape[depth] {
				walk(depth+1, at+i*t.Strides[depth])
			}
			return
		}
		b := slices.Clone(s.data[place.Offset+at*size:][:size])
		out = append(out, valueOf(b, t, s.from.BigEndian)...)
	}
	walk(0, t.Offset)
	return out
}

// valueOf is what torch makes of an element: little-endian, negated,
// conjugated.
func valueOf(b []byte, t grammar.Tensor, bigEndian bool) []byte {
	parts := [][]byte{b}
	if t.DType == grammar.C64 {
		parts = [][]byte{b[:4], b[4:]}
	}
	for i, p := range parts {
		if bigEndian {
			slices.Reverse(p)
		}
		if t.Neg != (t.Conj && i == 1) {
			negate(p, t.DType)
		}
	}
	return b
}

func negate(b []byte, d grammar.DType) {
	switch len(b) {
	case 2: // float16 and bfloat16 have their sign in the same place
		binary.LittleEndian.PutUint16(b, binary.LittleEndian.Uint16(b)^0x8000)
	case 4:
		binary.LittleEndian.PutUint32(b, math.Float32bits(-math.Float32frombits(binary.LittleEndian.Uint32(b))))
	case 8:
		binary.LittleEndian.PutUint64(b, math.Float64bits(-math.Float64frombits(binary.LittleEndian.Uint64(b))))
	}
}

// headerOf reads a derived file with the normal reader.
func headerOf(t require.TestingT, out []byte) *safetensors.Header {
	h, err := safetensors.Read(context.Background(), newFile("model.safetensors", out), formats.Limits{})
	require.NoError(t, err)
	return h
}

// requireSame requires that a derived file holds the tensors of a scene and
// nothing else, and reports how many there are.
func requireSame(t require.TestingT, s *scene, out []byte) int {
	h := headerOf(t, out)
	require.Equal(t, "pt", h.Metadata["format"])
	held := map[string]formats.Tensor{}
	for _, tensor := range h.Tensors {
		held[tensor.ID.Name] = tensor
	}
	seen := 0
	for _, want := range s.cp.Tensors {
		got, there := held[want.Name]
		if !there {
			require.Contains(t, held, h.Metadata[want.Name], "%s is lost", want.Name)
			continue
		}
		seen++
		shape := slices.Clone(want.Shape)
		if want.DType == grammar.F4E2M1FNx2 {
			shape[len(shape)-1] *= 2
		}
		require.True(t, slices.Equal(shape, got.Shape), "%v is no %v", shape, got.Shape)
		d, ok := torch.DType(want.DType)
		require.True(t, ok)
		require.Equal(t, d, got.DType)
		require.Equal(t, elements(s, want), append([]byte(nil), out[got.Place.Offset:got.Place.End()]...), "tensor %s", want.Name)
	}
	require.Len(t, held, seen)
	return seen
}

// single is a scene with one storage of random elements and one tensor.
func single(d grammar.DType, n int64, offset int64, shape, strides []int64) *scene {
	const before = 3
	length := n * int64(d.Size())
	random := rand.New(rand.NewPCG(1, uint64(n)))
	s := &scene{data: make([]byte, before+length)}
	for i := range s.data {
		s.data[i] = byte(random.Uint32())
		if d == grammar.Bool {
			s.data[i] &= 1
		}
	}
	s.from = torch.Container{Form: grammar.Zip, Storages: map[string]formats.Range{"0": {File: "m.pt", Offset: before, Length: length}}}
	s.cp = grammar.Checkpoint{
		Form:     grammar.Zip,
		Storages: []grammar.Storage{{Key: "0", DType: d, Elements: n}},
		Tensors:  []grammar.Tensor{{Name: "t", DType: d, Offset: offset, Shape: shape, Strides: strides}},
	}
	return s
}

func TestGather(t *testing.T) {
	for _, c := range []struct {
		name           string
		n, offset      int64
		shape, strides []int64
	}{
		{"as it lies", 6, 0, []int64{2, 3}, []int64{3, 1}},
		{"a part", 9, 3, []int64{2, 3}, []int64{3, 1}},
		{"a scalar", 3, 2, nil, nil},
		{"nothing", 3, 3, []int64{4, 0, 7}, []int64{9, 9, 9}},
		{"transposed", 6, 0, []int64{3, 2}, []int64{1, 3}},
		{"a column", 6, 1, []int64{2}, []int64{3}},
		{"dimensions of one", 6, 0, []int64{1, 2, 1, 3}, []int64{77, 3, 99, 1}},
		{"expanded", 3, 0, []int64{4, 3}, []int64{0, 1}},
		{"expanded within", 3, 0, []int64{3, 4}, []int64{1, 0}},
		{"one for all", 1, 0, []int64{5, 5}, []int64{0, 0}},
		{"channels last", 24, 0, []int64{1, 2, 3, 4}, []int64{24, 1, 8, 2}},
		{"windows", 8, 0, []int64{6, 3}, []int64{1, 1}},
		{"tangled", 6, 0, []int64{2, 2}, []int64{3, 2}},
		{"longer than a chunk, transposed", 3 * chunk / 16, 0, []int64{3, chunk / 16}, []int64{1, 3}},
		{"longer than a chunk, by columns", 3 * chunk / 16, 1, []int64{chunk / 64, 3, 3}, []int64{3 * 4, 1, 3}},
		{"longer than a chunk, expanded", chunk / 4, 0, []int64{2, chunk / 4}, []int64{0, 1}},
	} {
		for d := grammar.F64; d <= grammar.F4E2M1FNx2; d++ {
			if d == grammar.F4E2M1FNx2 && len(c.shape) == 0 {
				continue // half a byte has no place
			}
			if c.n > 1<<10 && d != grammar.U8 && d != grammar.C64 {
				continue // one of a size is enough
			}
			s := single(d, c.n, c.offset, c.shape, c.strides)
			for _, bigEndian := range []bool{false, true} {
				s.from.BigEndian = bigEndian
				out, findings := s.derive(t)
				require.Empty(t, findings, "%s of %s", c.name, d)
				require.Equal(t, 1, requireSame(t, s, out))
			}
		}
	}
}

func BenchmarkGather(b *testing.B) {
	for name, strides := range map[string][]int64{"transposed": {1, 2048}, "rows": {2048, 1}, "expanded": {0, 1}} {
		b.Run(name, func(b *testing.B) {
			s := single(grammar.F32, 2048*2048, 0, []int64{2048, 2048}, strides)
			s.cp.Tensors[0].Neg = true // so that it is copied
			dst := make([]byte, 4*2048*2048)
			in := newFile("m.pt", s.data)
			c := &checker{file: "m.pt", size: int64(len(s.data))}
			l, err := c.lay(b.Context(), in, &s.from, &s.cp, 1)
			require.NoError(b, err)
			b.SetBytes(int64(len(dst)))
			for b.Loop() {
				_, err := c.gather(b.Context(), in, l, false, func(int64) ([]byte, error) { return dst, nil })
				require.NoError(b, err)
			}
		})
	}
}

func TestLazyBits(t *testing.T) {
	for _, d := range []grammar.DType{grammar.F64, grammar.F32, grammar.F16, grammar.BF16, grammar.C64} {
		for _, strides := range [][]int64{{3, 1}, {1, 2}} {
			s := single(d, 6, 0, []int64{2, 3}, strides)
			for bits := range 8 {
				tensor := &s.cp.Tensors[0]
				tensor.Conj, tensor.Neg, s.from.BigEndian = bits&1 != 0 && d == grammar.C64, bits&2 != 0, bits&4 != 0
				out, findings := s.derive(t)
				require.Empty(t, findings)
				require.Equal(t, 1, requireSame(t, s, out))
			}
		}
	}
}

// What can be used where it lies is not copied; what cannot is copied once.
func TestCopied(t *testing.T) {
	lay := func(s *scene) *layout {
		c := &checker{file: "m.pt", size: int64(len(s.data))}
		l, err := c.lay(t.Context(), newFile("m.pt", s.data), &s.from, &s.cp, 1)
		require.NoError(t, err)
		return l
	}
	s := single(grammar.F32, 6, 0, []int64{2, 3}, []int64{3, 1})
	require.Zero(t, lay(s).copied)
	s.from.BigEndian = true
	require.EqualValues(t, 24, lay(s).copied)
	s.from.BigEndian = false
	s.cp.Tensors[0].Strides = []int64{0, 1}
	require.EqualValues(t, 24, lay(s).copied)
	bytes := single(grammar.U8, 6, 0, []int64{2, 3}, []int64{3, 1})
	bytes.from.BigEndian = true
	require.Zero(t, lay(bytes).copied)
}

func TestGatherFails(t *testing.T) {
	s := single(grammar.Bool, 6, 0, []int64{3, 2}, []int64{1, 3})
	in := newFile("m.pt", s.data)
	c := &checker{file: "m.pt", size: int64(len(s.data))}
	l, err := c.lay(t.Context(), in, &s.from, &s.cp, 1)
	require.NoError(t, err)
	none := errors.New("no memory")
	_, err = c.gather(t.Context(), in, l, false, func(int64) ([]byte, error) { return nil, none })
	require.ErrorIs(t, err, none)
	_, err = c.gather(t.Context(), in, l, false, func(int64) ([]byte, error) { return make([]byte, 5), nil })
	require.EqualError(t, err, "5 bytes of memory where 6 were asked for")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	alloc := func(n int64) ([]byte, error) { return make([]byte, n), nil }
	_, err = c.gather(ended, in, l, false, alloc)
	require.ErrorIs(t, err, context.Canceled)
	_, err = c.gather(t.Context(), newFile("m.pt", s.data[:8]), l, false, alloc)
	require.EqualError(t, err, "m.pt: unexpected EOF")
}

// FuzzLay lays out what a recipe makes a child say of whatever file: what comes
// of it lies within the file and its budget, reads back, and holds the values of
// the tensors that were named.
func FuzzLay(f *testing.F) {
	seeds := []string{
		"\x02\x01\x02\x06\x01a\x00\x02\x00\x02\x02\x03\x03\x01\x00",                                      // a matrix
		"\x02\x01\x02\x06\x01a\x00\x02\x00\x02\x03\x02\x01\x03\x00",                                      // transposed
		"\x02\x01\x0e\x04\x02a\x00\x0e\x00\x01\x04\x01\x00b\x00\x0e\x00\x01\x04\x01\x00",                 // complex, tied
		"\x02\x02\x07\x08\x0c\x08\x02a\x00\x07\x00\x01\x08\x01\x00b\x01\x0c\x02\x02\x03\x02\x01\x00\x00", // two storages, one expanded
		"\x03\x01\x0c\x40\x01a\x00\x0c\x00\x01\x08\x01\x00",                                              // legacy
	}
	require.NotEmpty(f, seeds)
	data := append(binary.LittleEndian.AppendUint64(nil, 64), make([]byte, 64)...)
	for _, seed := range seeds {
		out, findings := cooked([]byte(seed), data, false).derive(f)
		require.NotEmpty(f, out, "%v", findings)
		f.Add([]byte(seed), data, false)
		f.Add([]byte(seed), data, true)
	}
	f.Fuzz(func(t *testing.T, recipe, data []byte, bigEndian bool) {
		s := cooked(recipe, data, bigEndian)
		out, findings := s.derive(t)
		require.LessOrEqual(t, len(findings), maxFindings)
		if len(out) > 0 {
			require.LessOrEqual(t, int64(len(out)), amplification*int64(len(data))+headroom+1<<20)
			require.LessOrEqual(t, requireSame(t, s, out), len(s.cp.Tensors))
		}
	})
}

// cooked is the scene of a recipe.
func cooked(recipe, data []byte, bigEndian bool) *scene {
	r := cursor(recipe)
	s := &scene{data: data, cp: r.checkpoint()}
	s.from = torch.Container{Form: s.cp.Form, Storages: map[string]formats.Range{}}
	s.place(bigEndian)
	return s
}

// A cursor takes small numbers off a recipe, and zeros behind its end.
type cursor []byte

func (c *cursor) next() int64 {
	if len(*c) == 0 {
		return 0
	}
	b := (*c)[0]
	*c = (*c)[1:]
	if b >= 0xf8 { // the edges of numbers
		return []int64{-1, math.MinInt64, math.MaxInt64, 1 << 62, 1 << 32, 1 << 31, 1 << 20, 1 << 16}[b-0xf8]
	}
	return int64(b)
}

func (c *cursor) checkpoint() grammar.Checkpoint {
	cp := grammar.Checkpoint{Form: grammar.Form(c.next())}
	for i := range c.next() % 5 {
		key := string(rune('0' + i))
		cp.Storages = append(cp.Storages, grammar.Storage{Key: key, DType: grammar.DType(c.next()), Elements: c.next()})
		cp.Keys = append(cp.Keys, key)
	}
	for range c.next() % 9 {
		t := grammar.Tensor{Name: string(rune(c.next())), Storage: int(c.next()), DType: grammar.DType(c.next()), Offset: c.next()}
		for range c.next() % 5 {
			t.Shape = append(t.Shape, c.next())
		}
		for range t.Shape {
			t.Strides = append(t.Strides, c.next())
		}
		bits := c.next()
		t.Conj, t.Neg = bits&1 != 0, bits&2 != 0
		cp.Tensors = append(cp.Tensors, t)
	}
	return cp
}

// place puts the storages of a checkpoint one behind the other, or where a
// legacy file has them.
func (s *scene) place(bigEndian bool) {
	next := int64(0)
	place := func(storage grammar.Storage) {
		if n, ok := bytesOf(storage); ok && next <= int64(len(s.data)) && n <= int64(len(s.data))-next {
			s.from.Storages[storage.Key] = formats.Range{File: "m.pt", Offset: next, Length: n}
			next += n
		}
	}
	if s.cp.Form != grammar.Legacy {
		s.from.BigEndian = bigEndian
		for _, storage := range s.cp.Storages {
			place(storage)
		}
		return
	}
	next = s.cp.End
	for _, key := range s.cp.Keys {
		i := slices.IndexFunc(s.cp.Storages, func(storage grammar.Storage) bool { return storage.Key == key })
		if i < 0 || next > int64(len(s.data)) {
			return
		}
		next += 8
		place(s.cp.Storages[i])
	}
}
