package walls

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOrder(t *testing.T) {
	for _, o := range []Order{{CPU: 1}, {CPU: 1<<32 - 1, Alone: true, User: 1<<32 - 1}, {CPU: 30, Inside: true, Landlock: 38}} {
		got, ok := ParseOrder(o.String())
		require.True(t, ok)
		require.Equal(t, o, got)
	}
	for _, s := range []string{"", "1", "1.0.0.0", "1.0.0.0.0.0", "1.0.0.0.", "-1.0.0.0.0", "4294967296.0.0.0.0", "0.0.0.0.0", "1.0.0.0.0 ", "a.b.c.d.e"} {
		_, ok := ParseOrder(s)
		require.False(t, ok, s)
	}
}

func TestReport(t *testing.T) {
	r := Report{ABI: 7, Errno: [Count]uint32{Landlock: 38, Pages: Absent}}
	b := r.Append(nil)
	require.Len(t, b, ReportSize)
	got, ok := ParseReport(b)
	require.True(t, ok)
	require.Equal(t, r, got)
	require.True(t, got.Stands(Limits, Privileges, Seccomp))
	require.False(t, got.Stands(Limits, Landlock))
	for _, bad := range [][]byte{nil, b[:ReportSize-1], append(b[:ReportSize:ReportSize], 0), append([]byte{'W'}, b[1:]...)} {
		_, ok := ParseReport(bad)
		require.False(t, ok)
	}
}

func TestSet(t *testing.T) {
	names := map[string]bool{}
	for w := range Wall(Count) {
		require.True(t, All.Has(w))
		require.True(t, Of(w).Has(w))
		require.False(t, (All &^ Of(w)).Has(w))
		names[w.String()] = true
	}
	require.Len(t, names, Count)
}
