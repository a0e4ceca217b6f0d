package machine_test

import (
	"errors"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats/pickle/machine"
)

// seeds are streams of all protocols and tricks.
func seeds(t testing.TB) (streams [][]byte) {
	for _, file := range []string{"values.golden", "python2.golden", "texts.golden"} {
		for _, line := range golden(t, file) {
			if len(line[1]) <= 1<<10 {
				streams = append(streams, []byte(line[1]))
			}
		}
	}
	for _, stream := range checkpoints(t) {
		streams = append(streams, stream)
	}
	streams = append(streams,
		asm(PROTO, u8(2), tensor("0", 4), STOP),
		asm(system, STOP),
		asm(bin(string(asm(PROTO, u8(2), system, STOP))), STOP),
		asm(EMPTY_LIST, MEMOIZE, BINGET, u8(0), APPEND, STOP),
		asm(NEXT_BUFFER, READONLY_BUFFER, EXT1, u8(1), PERSID, "a\n", TUPLE3, STOP),
		asm(PROTO, u8(4), FRAME, u64(20), str("torch"), str("os.system"), STACK_GLOBAL, STOP),
		asm(MARK, str("id"), INST, "os\nsystem\n", MARK, global("m", "C"), OBJ, TUPLE2, STOP),
		asm(global("m", "C"), EMPTY_TUPLE, EMPTY_DICT, NEWOBJ_EX, NONE, BUILD, STOP),
		asm(EMPTY_SET, MARK, NONE, ADDITEMS, MARK, num(1), FROZENSET, TUPLE2, STOP),
	)
	require.NotEmpty(t, streams)
	return streams
}

// run reads a stream as a host would, and checks what holds for each: a result
// or an error, budgets kept, findings in order and within the stream.
func run(t testing.TB, stream []byte, r *machine.Rules) *machine.Result {
	const ops = 200_000
	got, err := machine.Run(stream, machine.Options{Rules: r, Limits: machine.Limits{Ops: ops}})
	findings, uses := []machine.Finding(nil), []machine.Use(nil)
	if err != nil {
		require.Nil(t, got)
		e, ok := errors.AsType[*machine.Error](err)
		require.True(t, ok)
		require.LessOrEqual(t, e.Offset, int64(len(stream)))
		require.NotEmpty(t, e.Code)
		findings, uses = e.Findings, e.Uses
	} else {
		require.LessOrEqual(t, got.Ops, min(ops, len(stream)))
		require.True(t, 0 < got.End && got.End <= int64(len(stream)))
		require.Equal(t, byte('.'), stream[got.End-1])
		findings, uses = got.Findings, got.Uses
	}
	require.LessOrEqual(t, len(findings), 1001)
	require.True(t, slices.IsSortedFunc(findings, func(a, b machine.Finding) int { return int(a.Offset - b.Offset) }))
	for _, f := range findings {
		require.True(t, 0 <= f.Offset && f.Offset < int64(len(stream)))
		require.Less(t, len(f.Detail), 1000)
		require.False(t, strings.ContainsFunc(f.Detail, func(r rune) bool { return r < ' ' || r == 0x7f }), "%q", f.Detail)
	}
	for _, u := range uses {
		require.True(t, 0 <= u.Offset && u.Offset < int64(len(stream)))
	}
	return got
}

// No prefix of a stream is one, and no flipped byte is more than an error.
func TestPrefixesAndFlips(t *testing.T) {
	r := plain(t)
	for _, stream := range seeds(t) {
		whole := run(t, stream, r)
		for n := range stream {
			if part := run(t, stream[:n:n], r); part != nil {
				require.NotNil(t, whole)
				require.LessOrEqual(t, part.End, whole.End)
			}
		}
		flipped := slices.Clone(stream)
		for i := range flipped {
			mask := []byte{0x01, 0x80, 0xff}[i%3]
			flipped[i] ^= mask
			run(t, flipped, r)
			flipped[i] ^= mask
		}
	}
}

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// What Run allocates, all told, per byte of the stream and besides.
const (
	perByte = 256
	besides = 1 << 20
)

// Memory follows the stream's length, whatever it is made of.
func TestMemory(t *testing.T) {
	const size = 1 << 20
	fill := func(head, unit string) []byte {
		return asm(head, strings.Repeat(unit, (size-len(head)-1)/len(unit)), STOP)
	}
	long := strings.Repeat("x", size/4)
	pairs := EMPTY_DICT + MARK + strings.Repeat(BININT2+"ab"+NONE, size/8) + SETITEMS + MEMOIZE
	memo := str("m") + BINPUT + u8(1) + POP
	for name, stream := range map[string][]byte{
		"None":         fill("", NONE),
		"lists":        fill("", EMPTY_LIST),
		"dicts":        fill("", EMPTY_DICT),
		"sets":         fill("", EMPTY_SET),
		"marks":        fill("", MARK),
		"memoized":     fill(NONE, MEMOIZE),
		"sparse memo":  fill(NONE, PUT+"1\n"),
		"huge indices": fill(NONE, LONG_BINPUT+"abcd"),
		"small dicts":  fill(NONE, EMPTY_DICT+NONE+NONE+SETITEM+POP),
		"doubling":     fill(NONE, DUP+TUPLE2),
		"popped":       fill("", NONE+POP),
		"long key":     fill(EMPTY_DICT+str(long)+MEMOIZE+POP, BINGET+u8(0)+NONE+SETITEM),
		"long name":    fill(str(long)+MEMOIZE+POP, BINGET+u8(0)+DUP+STACK_GLOBAL+POP),
		"calls":        fill(global("m", "f")+MEMOIZE+POP, BINGET+u8(0)+EMPTY_TUPLE+REDUCE+POP),
		"objects":      fill(global("m", "f")+MEMOIZE+POP, MARK+BINGET+u8(0)+OBJ+POP),
		"shared arguments": fill(MARK+strings.Repeat(NONE, size/4)+TUPLE+MEMOIZE+POP+global("m", "f")+BINPUT+u8(1)+POP+EMPTY_LIST,
			BINGET+u8(1)+BINGET+u8(0)+REDUCE+APPEND),
		"counters":        fill(pairs+POP+global("collections", "Counter")+BINPUT+u8(1)+POP, BINGET+u8(1)+BINGET+u8(0)+TUPLE1+REDUCE+POP),
		"persistent":      fill("", NONE+BINPERSID+POP),
		"extensions":      fill("", EXT1+"a"+POP),
		"globals":         fill("", GLOBAL+"m\nf\n"+POP),
		"names":           fill(memo, BINGET+u8(1)+BINGET+u8(1)+STACK_GLOBAL+POP),
		"nested":          fill("", bin(PROTO+u8(2)+NONE+STOP)+POP),
		"nearly nested":   fill("", SHORT_BINSTRING+u8(3)+"N\n."+POP),
		"deep":            fill(NONE, TUPLE1),
		"text escapes":    fill("", UNICODE+strings.Repeat("\xff", 1000)+`\u20ac`+"\n"+POP),
		"string escapes":  fill("", STRING+`'`+strings.Repeat(`\n`, 500)+"'\n"+POP),
		"digits":          fill("", LONG+strings.Repeat("9", 4300)+"\n"+POP),
		"longs":           fill("", LONG1+u8(255)+strings.Repeat("\x7f", 255)+POP),
		"surrogates":      fill("", SHORT_BINUNICODE+u8(240)+strings.Repeat("\xed\xa0\x80", 80)+POP),
		"one long string": asm(bin(strings.Repeat("y", size)), STOP),
		"pickle in text":  asm(str("\u0080\u0002"+strings.Repeat("N0", size/2)+"N."), STOP),
	} {
		lim := machine.Limits{Stack: 10 << 20, Memo: 10 << 20, Depth: 10 << 20}
		for _, unknown := range []machine.Unknown{machine.Deny, machine.Extract} {
			opt := machine.Options{Rules: rules("weights"), Unknown: unknown, Limits: lim}
			got := allocated(func() { machine.Run(stream, opt) })
			require.Less(t, got, uint64(perByte*len(stream)+besides), name)
		}
	}
}

func FuzzRun(f *testing.F) {
	n := 0
	for _, stream := range seeds(f) {
		f.Add(stream)
		n++
	}
	require.Positive(f, n)
	r, err := machine.NewRules(machine.Packs()...)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, stream []byte) {
		var got *machine.Result
		spent := allocated(func() { got = run(t, stream, r) })
		require.Less(t, spent, uint64(perByte*len(stream)+8*besides))
		if got == nil {
			return
		}
		// What stands behind STOP changes nothing but a frame that reaches there.
		exact := stream[:got.End:got.End]
		again := run(t, exact, r)
		require.NotNil(t, again)
		require.Equal(t, got.End, again.End)
		require.Equal(t, got.Uses, again.Uses)
		noFrames := func(findings []machine.Finding) []machine.Finding {
			return slices.DeleteFunc(slices.Clone(findings), func(f machine.Finding) bool { return f.Code == machine.CodeFrame })
		}
		require.Equal(t, noFrames(got.Findings), noFrames(again.Findings))
	})
}

func BenchmarkRun(b *testing.B) {
	var stream strings.Builder
	stream.WriteString(PROTO + u8(2) + EMPTY_DICT + MARK)
	for i := range 10_000 {
		key := strconv.Itoa(i)
		stream.WriteString(str("model.layers."+key+".weight") + tensor(key, 4096))
	}
	stream.WriteString(SETITEMS + STOP)
	in := asm(stream.String())
	opt := machine.Options{Rules: rules("weights")}
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		got, err := machine.Run(in, opt)
		require.NoError(b, err)
		require.Empty(b, got.Findings)
	}
}
