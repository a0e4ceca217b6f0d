package formattest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMutations(t *testing.T) {
	for _, c := range []struct{ file, has string }{
		{"a", ""},
		{"abc", "ab"},
		{"a", "\x60"}, {"a", "\xe1"}, {"a", "\x9e"}, // one bit, and all
		{"a", "b"}, {"\x00", "\xff"}, {"\xff", "\x00"}, // u8
		{"\xff\x01", "\x00\x02"}, {"\x00\x01", "\xff\x00"}, // u16, little-endian
		{"\x01\xff", "\x02\x00"}, {"\x01\x00", "\x00\xff"}, // u16, big-endian
		{"x\x00\x00\x00\x01", "x\xff\xff\xff\x00"}, // u32, unaligned
		{"x\x01\x00\x00\x00", "x\x00\xff\xff\xff"},
		{"\xff\xff\xff\xff\xff\xff\xff\x0f", "\x00\x00\x00\x00\x00\x00\x00\x10"},
		{"\x0f\xff\xff\xff\xff\xff\xff\xff", "\x10\x00\x00\x00\x00\x00\x00\x00"},
	} {
		file := []byte(c.file)
		seen := map[string]bool{}
		for _, m := range mutations(file) {
			seen[string(m.apply(nil, file))] = true
			require.NotEqual(t, c.file, string(m.apply(nil, file)), "%s", m)
			require.Equal(t, c.file, string(file), "%s", m)
		}
		require.True(t, seen[c.has], "%q of %q", c.has, c.file)
	}
}

func TestMutationString(t *testing.T) {
	require.Equal(t, "cut to 3 bytes", mutation{at: 3}.String())
	require.Equal(t, "byte 3 ^ 0x80", mutation{at: 3, flip: 0x80}.String())
	require.Equal(t, "u16 at 3 +1, little-endian", mutation{at: 3, delta: 1, width: 2}.String())
	require.Equal(t, "u64 at 3 -1, big-endian", mutation{at: 3, delta: -1, width: 8, big: true}.String())
}

// What is not tried of a file is left out evenly.
func TestChosen(t *testing.T) {
	small, large := make([]byte, 64), make([]byte, exhaustive+1)
	for i := range large {
		large[i] = byte(i)
	}
	require.Len(t, Terms{Mutants: 5}.chosen(small), 5)
	n := hasty
	if !hurried() {
		n = sampled
		require.Equal(t, mutations(small), Terms{}.chosen(small))
	}
	some := Terms{}.chosen(large)
	require.Len(t, some, n)

	require.Less(t, some[0].at, 64)
	require.Greater(t, some[len(some)-1].at, exhaustive-64)
}

func TestStretched(t *testing.T) {
	s := stretched{data: []byte("abcd"), at: 2, zeros: 3}
	b := make([]byte, 9)
	n, err := s.ReadAt(b, 1)
	require.EqualError(t, err, "EOF")
	require.Equal(t, "b\x00\x00\x00cd", string(b[:n]))
	require.Equal(t, int64(7), s.size())
}
