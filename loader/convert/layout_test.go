package convert

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/torch"
	"github.com/weightgate/weightgate/formats/torch/grammar"
)

// row is a scene of vectors of so many bytes, one behind the other in one
// storage or each in its own, that the derived file has in the order of names.
func row(size int64, names []int, apart bool) *scene {
	s := &scene{
		data: make([]byte, size*int64(len(names))),
		from: torch.Container{Form: grammar.Zip, Storages: map[string]formats.Range{}},
		cp:   grammar.Checkpoint{Form: grammar.Zip},
	}
	for i := range s.data {
		s.data[i] = byte(int64(i)/size + int64(i)%251)
	}
	store := func(at, n int64) {
		key := fmt.Sprint(len(s.cp.Storages))
		s.from.Storages[key] = formats.Range{File: "m.pt", Offset: at, Length: n}
		s.cp.Storages = append(s.cp.Storages, grammar.Storage{Key: key, DType: grammar.U8, Elements: n})
	}
	if !apart {
		store(0, int64(len(s.data)))
	}
	for i, name := range names {
		at := size * int64(i)
		t := grammar.Tensor{Name: fmt.Sprintf("%06d", name), DType: grammar.U8, Shape: []int64{size}, Strides: []int64{1}, Offset: at}
		if apart {
			store(at, size)
			t.Storage, t.Offset = i, 0
		}
		s.cp.Tensors = append(s.cp.Tensors, t)
	}
	return s
}

// blocks is a file of which whole blocks are fetched, and the last eight kept.
type blocks struct {
	formats.Input
	kept    []int64
	fetched int64
}

func (b *blocks) ReadAt(p []byte, offset int64) (int, error) {
	for i := offset / block; i*block < offset+int64(len(p)); i++ {
		if at := slices.Index(b.kept, i); at >= 0 {
			b.kept = slices.Delete(b.kept, at, at+1)
		} else {
			b.fetched += block
		}
		b.kept = append(b.kept, i)
		b.kept = b.kept[max(0, len(b.kept)-8):]
	}
	return b.Input.ReadAt(p, offset)
}

// A derived file is read in few passes over its source, in whatever order its
// tensors lie there; what is large, or lies in that order, is lent.
func TestFetched(t *testing.T) {
	inOrder := func(n int) []int {
		names := make([]int, n)
		for i := range names {
			names[i] = i
		}
		return names
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name   string
		size   int64
		names  []int
		apart  bool
		copied bool
	}{
		{"in order", 256, inOrder(40_000), false, false},
		{"shuffled", 256, random.Perm(40_000), false, true},
		{"in order, of storages of their own", 256, inOrder(40_000), true, false},
		{"shuffled, of storages of their own", 256, random.Perm(40_000), true, true},
		{"large and shuffled", small, random.Perm(40), false, false},
		{"few and shuffled", 256, random.Perm(1_000), false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := row(c.size, c.names, c.apart)
			size := int64(len(s.data))
			in := &blocks{Input: newFile("m.pt", s.data)}
			check := &checker{file: "m.pt", size: size}
			l, err := check.lay(t.Context(), in, &s.from, &s.cp, len(c.names))
			require.NoError(t, err)
			parts, err := check.gather(t.Context(), in, l, false, func(n int64) ([]byte, error) { return make([]byte, n), nil })
			require.NoError(t, err)
			out := join(t, in, parts)
			require.LessOrEqual(t, in.fetched, 3*max(size, block))
			require.Equal(t, len(c.names), requireSame(t, s, out))
			want := int64(0)
			if c.copied {
				want = size
			}
			require.Equal(t, want, l.copied)
		})
	}
}

// Views that are kept overlap in what is all of a storage only, so copies are at
// most twice the file.
func TestCopiesAreBounded(t *testing.T) {
	const each, n = 32 << 10, 128
	s := row(each, rand.New(rand.NewPCG(3, 4)).Perm(n), true)
	for i := range s.cp.Tensors {
		whole := s.cp.Tensors[i]
		first, rest := whole, whole
		first.Name, first.Offset, first.Shape = whole.Name+" first", 1, []int64{1}
		rest.Name, rest.Offset, rest.Shape = whole.Name+" rest", 2, []int64{each - 2}
		s.cp.Tensors = append(s.cp.Tensors, first, rest)
	}
	c := &checker{file: "m.pt", size: int64(len(s.data))}
	l, err := c.lay(t.Context(), newFile("m.pt", s.data), &s.from, &s.cp, 3*n)
	require.NoError(t, err)
	require.Equal(t, int64(n*(each+each-2)), l.copied)
	out, findings := s.derive(t)
	require.Equal(t, []formats.Code{CodeMerged}, codesOf(findings))
	require.Equal(t, 2*n, requireSame(t, s, out))
}

// All copies lie in one allocation of exactly their length, in the order of the
// file, and nothing else is kept but the header.
func TestOneAllocation(t *testing.T) {
	s := row(256, rand.New(rand.NewPCG(5, 6)).Perm(10_000), false)
	for i := range 100 {
		s.cp.Tensors = append(s.cp.Tensors, grammar.Tensor{Name: fmt.Sprint("expanded ", i), DType: grammar.U8, Shape: []int64{3, 2}, Strides: []int64{0, 5}, Offset: int64(i)})
	}
	in := newFile("m.pt", s.data)
	c := &checker{file: "m.pt", size: int64(len(s.data))}
	l, err := c.lay(t.Context(), in, &s.from, &s.cp, len(s.cp.Tensors))
	require.NoError(t, err)
	var memory []byte
	parts, err := c.gather(t.Context(), in, l, false, func(n int64) ([]byte, error) {
		require.Nil(t, memory, "a second allocation")
		memory = make([]byte, n)
		return memory, nil
	})
	require.NoError(t, err)
	require.Len(t, memory, len(s.data)+100*6)
	next := int64(0)
	for _, p := range parts[1:] {
		require.NotNil(t, p.Bytes)
		require.Same(t, &memory[next], &p.Bytes[0])
		require.Equal(t, len(p.Bytes), cap(p.Bytes))
		next += p.Len()
	}
	require.Len(t, memory, int(next))
	require.Equal(t, 10_100, requireSame(t, s, join(t, in, parts)))
}
