package plan

import (
	"errors"
	"fmt"
	"math"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats/pickle/machine"
	"github.com/weightgate/weightgate/formats/torch/grammar"
	"github.com/weightgate/weightgate/formats/torch/torchtest"
)

const allTensors = 1 << 17

func samples() []*grammar.Checkpoint {
	return []*grammar.Checkpoint{
		{Form: grammar.Plain},
		{
			Form:     grammar.Zip,
			Protocol: 2,
			Root:     "state_dict",
			Storages: []grammar.Storage{{Key: "0", DType: grammar.F32, Elements: 6}, {Key: "1", DType: grammar.C64, Elements: 2}},
			Tensors: []grammar.Tensor{
				{Name: "weight", DType: grammar.F32, Shape: []int64{2, 3}, Strides: []int64{3, 1}},
				{Name: "scalar", Storage: 1, DType: grammar.C64, Offset: 1, Conj: true, Neg: true},
			},
			Dropped:  []grammar.Dropped{{Path: "epoch", What: "int", Offset: 17}},
			Uses:     []machine.Use{{Name: "collections.OrderedDict", Offset: 2, Call: true, Known: true}, {Name: "os.system"}},
			Findings: []machine.Finding{{Code: "pickle.global.denied", Offset: 4, Detail: "os.system"}},
		},
		{
			Form:      grammar.Legacy,
			Protocol:  5,
			Storages:  []grammar.Storage{{Key: "94", DType: grammar.U8}},
			Keys:      []string{"94"},
			End:       math.MaxInt64,
			BigEndian: true,
		},
	}
}

func encoded(t require.TestingT, c *grammar.Checkpoint) []byte {
	frames, ok := Encode(c)
	require.True(t, ok)
	return frames
}

func TestRoundTrip(t *testing.T) {
	for _, c := range samples() {
		got, err := Read(encoded(t, c), allTensors)
		require.NoError(t, err)
		require.Equal(t, c, got)
	}
}

// A stream that broke off still says what stood before the break.
func TestFailureRoundTrip(t *testing.T) {
	said := &machine.Error{
		Code: "pickle.opcode", Offset: 9, Op: 0xff, Detail: "no opcode",
		Uses:     []machine.Use{{Name: "os.system", Call: true}},
		Findings: []machine.Finding{{Code: "pickle.global.dangerous", Offset: 1, Detail: "os.system"}},
	}
	c, err := Read(EncodeError(said), allTensors)
	require.Nil(t, c)
	require.Equal(t, said, err)
}

// What people read is cut, and its UTF-8 stays whole; names are not cut.
func TestTextIsCut(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{strings.Repeat("a", MaxText+1), strings.Repeat("a", MaxText)},
		{strings.Repeat("a", MaxText-1) + "é", strings.Repeat("a", MaxText-1)},
		{strings.Repeat("é", MaxText/2), strings.Repeat("é", MaxText/2)},
		{"a\xffb", "a"},
		{"a\ufffdb", "a\ufffdb"},
	} {
		got, err := Read(encoded(t, &grammar.Checkpoint{Form: grammar.Plain, Dropped: []grammar.Dropped{{Path: c.text, What: c.text}}}), allTensors)
		require.NoError(t, err)
		require.Equal(t, []grammar.Dropped{{Path: c.want, What: c.want}}, got.Dropped)
	}
	_, ok := Encode(&grammar.Checkpoint{Form: grammar.Zip, Keys: []string{strings.Repeat("k", MaxName+1)}})
	require.False(t, ok)
}

// What is beyond the budgets is not written, and a failure says the least.
func TestBudgets(t *testing.T) {
	for name, c := range map[string]*grammar.Checkpoint{
		"entries":  {Form: grammar.Legacy, Keys: make([]string, MaxEntries)},
		"output":   {Form: grammar.Legacy, Keys: slices.Repeat([]string{strings.Repeat("k", MaxName)}, MaxOutput/MaxName)},
		"uses":     {Form: grammar.Plain, Uses: make([]machine.Use, MaxUses+1)},
		"findings": {Form: grammar.Plain, Findings: make([]machine.Finding, MaxFindings+1)},
		"dropped":  {Form: grammar.Plain, Dropped: make([]grammar.Dropped, MaxDropped+1)},
		"rank":     {Form: grammar.Zip, Tensors: []grammar.Tensor{{Shape: make([]int64, MaxRank+1), Strides: make([]int64, MaxRank+1)}}},
		"strides":  {Form: grammar.Zip, Tensors: []grammar.Tensor{{Shape: []int64{1}}}},
	} {
		frames, ok := Encode(c)
		require.False(t, ok, name)
		require.Nil(t, frames, name)
	}
	_, err := Read(EncodeError(&machine.Error{Code: "pickle.opcode", Uses: make([]machine.Use, MaxUses+1)}), allTensors)
	require.Equal(t, &machine.Error{Code: "pickle.opcode"}, err)

	full := &grammar.Checkpoint{
		Form: grammar.Plain, Uses: make([]machine.Use, MaxUses), Findings: make([]machine.Finding, MaxFindings), Dropped: make([]grammar.Dropped, MaxDropped),
	}
	got, err := Read(encoded(t, full), allTensors)
	require.NoError(t, err)
	require.Equal(t, full, got)
}

// An honest child has room for all that the machine lists of the five pickles
// of a legacy file.
func TestHonestFits(t *testing.T) {
	listed := func(pickle string, n int) string {
		var b strings.Builder
		b.WriteString(pickle[:2])
		for i := range n {
			fmt.Fprintf(&b, "cmodule\nN%d\n0", i)
		}
		return b.String() + pickle[2:]
	}
	const each = 10_000
	stream := listed(torchtest.Magic, each) + listed(torchtest.Version, each) + listed(torchtest.SysInfo(torchtest.True), each) +
		listed(torchtest.Pickle(torchtest.Dict()), each)
	last := torchtest.Pickle(torchtest.List())
	c, err := answered(t, append(Job{Form: grammar.Legacy}.Append(nil), stream+listed(last, each)...))
	require.NoError(t, err)
	require.Len(t, c.Uses, each) // of the same names
	require.Greater(t, len(c.Findings), 5*1_000)
	require.LessOrEqual(t, len(c.Findings), MaxFindings)

	_, err = answered(t, append(Job{Form: grammar.Legacy}.Append(nil), stream+listed(last, each+1)...))
	said, ok := errors.AsType[*machine.Error](err)
	require.True(t, ok)
	require.Equal(t, machine.CodeLimits, said.Code)
	require.NotEmpty(t, said.Uses)
	require.LessOrEqual(t, 5*each, MaxUses)
}

// frames are frames of a type and its fields each.
func frames(list ...[]byte) []byte {
	var w writer
	for _, f := range list {
		w.u32(uint32(len(f)))
		w = append(w, f...)
	}
	return w
}

func frame(kind uint8, fill ...func(*writer)) []byte {
	w := writer{kind}
	for _, f := range fill {
		f(&w)
	}
	return w
}

func head(w *writer) { // of a zip file's checkpoint
	w.u8(uint8(grammar.Zip))
	w.u32(2)
	w.str("")
	w.i64(0)
	w.u8(0)
}

func total(counts ...uint32) func(*writer) {
	return func(w *writer) {
		for i := range frameDone - frameStorage {
			w.u32(append(counts, make([]uint32, frameDone)...)[i])
		}
	}
}

func word(s string) func(*writer) { return func(w *writer) { w.str(s) } }

// Each lie of a child about the form of its plan.
func TestRead(t *testing.T) {
	tensor := func(storage uint32, flags, rank uint8, fields int) func(*writer) {
		return func(w *writer) {
			w.str("t")
			w.u32(storage)
			w.u8(uint8(grammar.F32))
			w.u8(flags)
			w.i64(0)
			w.u8(rank)
			for range fields {
				w.i64(1)
			}
		}
	}
	storage := frame(frameStorage, word("0"), func(w *writer) { w.u8(1); w.i64(1) })
	begin, done := frame(frameCheckpoint, head), frame(frameDone, total())
	for _, c := range []struct {
		name, want string
		output     []byte
	}{
		{"nothing", "it ends without a last frame", nil},
		{"half a length", "it ends without a last frame", []byte{1, 0}},
		{"endless", "it ends without a last frame", frames(begin)},
		{"an empty frame", "a frame of no or too many bytes", frames(nil)},
		{"a frame that is too long", "a frame of no or too many bytes", frames(make([]byte, MaxFrame+1))},
		{"a frame of 4 GiB", "a frame of no or too many bytes", []byte{255, 255, 255, 255, 1}},
		{"a short frame", "it ends within a frame", frames(begin)[:9]},
		{"type 0", "a frame of no known type", frames([]byte{0})},
		{"type 10", "a frame of no known type", frames([]byte{frameError + 1})},
		{"no checkpoint", "no checkpoint ahead of what it holds", frames(done)},
		{"a key ahead", "no checkpoint ahead of what it holds", frames(frame(frameKey, word("k")), begin, done)},
		{"two checkpoints", "a second checkpoint", frames(begin, begin, done)},
		{"out of order", "a frame out of order", frames(begin, frame(frameKey, word("k")), storage, done)},
		{"an error behind a checkpoint", "an error behind a checkpoint", frames(begin, frame(frameError))},
		{"bytes behind", "bytes behind the last frame", append(frames(begin, done), 0)},
		{"a second end", "bytes behind the last frame", frames(begin, done, done)},
		{"a wrong count", "a frame that is not well formed", frames(begin, frame(frameDone, total(1)))},
		{"a count that is left out", "a frame that is not well formed", frames(begin, storage, done)},
		{"bytes in a frame", "a frame that is not well formed", frames(append(begin, 0), done)},
		{"form 0", "a frame that is not well formed", frames(frame(frameCheckpoint, func(w *writer) { head(w); (*w)[1] = 0 }), done)},
		{"protocol 6", "a frame that is not well formed", frames(frame(frameCheckpoint, func(w *writer) { head(w); (*w)[2] = 6 }), done)},
		{"an end before the beginning", "a frame that is not well formed", frames(frame(frameCheckpoint, func(w *writer) { head(w); (*w)[len(*w)-2] = 0x80 }), done)},
		{"a long string", "a frame that is not well formed", frames(begin, frame(frameKey, word(strings.Repeat("k", MaxName+1))), done)},
		{"a string beyond its frame", "a frame that is not well formed", frames(begin, frame(frameKey, func(w *writer) { w.u32(5) }), done)},
		{"a text that is not UTF-8", "a frame that is not well formed", frames(begin, frame(frameUse, word("\xff"), func(w *writer) { w.i64(0); w.u8(0) }), done)},
		{"a flag", "a frame that is not well formed", frames(begin, storage, frame(frameTensor, tensor(0, 4, 0, 0)), done)},
		{"a tensor in no storage", "a frame that is not well formed", frames(begin, storage, frame(frameTensor, tensor(1, 0, 0, 0)), done)},
		{"rank 65", "a frame that is not well formed", frames(begin, storage, frame(frameTensor, tensor(0, 0, 65, 130)), done)},
		{"fewer dimensions than the rank", "a frame that is not well formed", frames(begin, storage, frame(frameTensor, tensor(0, 0, 2, 3)), done)},
	} {
		got, err := Read(c.output, 2)
		require.Nil(t, got, c.name)
		wrong, ok := errors.AsType[*Error](err)
		require.True(t, ok, c.name)
		require.Equal(t, c.want, wrong.Detail, c.name)
		require.Equal(t, "plan: "+c.want, err.Error())
	}
	one := frame(frameTensor, tensor(0, 0, 0, 0))
	_, err := Read(frames(begin, storage, one, one, one, frame(frameDone, total(1, 0, 3))), 2)
	require.Equal(t, &machine.Error{Code: CodeLimit, Detail: "more tensors than MaxTensors"}, err)
	_, err = Read(make([]byte, MaxOutput+1), 2)
	require.EqualError(t, err, "plan: too many bytes")
	_, err = Read(frames(append([][]byte{begin}, slices.Repeat([][]byte{frame(frameKey, word(""))}, MaxEntries)...)...), 2)
	require.EqualError(t, err, "plan: too many frames")
	use := frame(frameUse, word("os.system"), func(w *writer) { w.i64(0); w.u8(0) })
	finding := frame(frameFinding, word("pickle.opcode"), func(w *writer) { w.i64(0) }, word(""))
	dropped := frame(frameDropped, word("epoch"), word("int"), func(w *writer) { w.i64(0) })
	for _, output := range [][]byte{
		frames(append([][]byte{begin}, slices.Repeat([][]byte{dropped}, MaxDropped+1)...)...),
		frames(append([][]byte{begin}, slices.Repeat([][]byte{use}, MaxUses+1)...)...),
		frames(append([][]byte{begin}, slices.Repeat([][]byte{finding}, MaxFindings+1)...)...),
		frames(slices.Repeat([][]byte{use}, MaxUses+1)...), // ahead of an error
		frames(slices.Repeat([][]byte{finding}, MaxFindings+1)...),
	} {
		_, err := Read(output, 2)
		require.EqualError(t, err, "plan: more frames of a type than a child writes")
	}
}

// requireHonest requires that what is accepted is what would have been written.
func requireHonest(t require.TestingT, output []byte) bool {
	c, err := Read(output, allTensors)
	if said, ok := errors.AsType[*machine.Error](err); ok {
		require.Equal(t, output, EncodeError(said))
		return true
	}
	if err != nil {
		require.Nil(t, c)
		return false
	}
	require.Equal(t, output, encoded(t, c))
	return true
}

func seeds() [][]byte {
	list := [][]byte{EncodeError(&machine.Error{Code: "pickle.truncated", Uses: []machine.Use{{Name: "a.b"}}})}
	for _, c := range samples() {
		frames, _ := Encode(c)
		list = append(list, frames)
	}
	return list
}

// Every prefix and every changed byte is refused, or is another honest plan.
func TestMangled(t *testing.T) {
	accepted, refused := 0, 0
	for _, seed := range seeds() {
		for n := range seed {
			require.False(t, requireHonest(t, seed[:n]))
		}
		for i := range seed {
			for bit := range 8 {
				changed := slices.Clone(seed)
				changed[i] ^= 1 << bit
				if requireHonest(t, changed) {
					accepted++
				} else {
					refused++
				}
			}
		}
	}
	require.Greater(t, accepted, 100)
	require.Greater(t, refused, 100)
}

func FuzzRead(f *testing.F) {
	list := seeds()
	require.NotEmpty(f, list)
	for _, seed := range list {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, output []byte) { requireHonest(t, output) })
}

func TestJobRoundTrip(t *testing.T) {
	for _, want := range []Job{
		{Form: grammar.Plain},
		{Form: grammar.Legacy, Packs: []string{"numpy", "weights"}, Unknown: machine.Extract, Root: "state_dict", Limits: machine.Limits{Ops: 1, Memo: 2, Stack: 3, Depth: 4, Strings: math.MaxInt}},
	} {
		input := append(want.Append(nil), "stream"...)
		got, stream, err := decodeJob(input)
		require.Nil(t, err)
		require.Equal(t, want, got)
		require.Equal(t, "stream", string(stream))
		for n := range len(input) - len("stream") {
			_, _, err := decodeJob(input[:n])
			require.NotNil(t, err)
		}
	}
}

func answered(t require.TestingT, input []byte) (*grammar.Checkpoint, error) {
	var output []byte
	require.NoError(t, Answer(input, func(b []byte) error { output = append(output, b...); return nil }))
	return Read(output, allTensors)
}

func TestAnswer(t *testing.T) {
	const list = "\x80\x02]q\x00K\x01a."
	c, err := answered(t, append(Job{Form: grammar.Plain, Packs: []string{"weights"}}.Append(nil), list...))
	require.NoError(t, err)
	require.Equal(t, grammar.Plain, c.Form)
	require.Equal(t, 2, c.Protocol)
	require.Empty(t, c.Findings)

	_, err = answered(t, append(Job{Form: grammar.Plain}.Append(nil), list[:5]...))
	said, ok := errors.AsType[*machine.Error](err)
	require.True(t, ok)
	require.Equal(t, machine.CodeTruncated, said.Code)

	broken := errors.New("the pipe is gone")
	require.Equal(t, broken, Answer(nil, func([]byte) error { return broken }))
}

// What the child cannot do it says.
func TestAnswerOfBadJobs(t *testing.T) {
	good := Job{Form: grammar.Plain}.Append(nil)
	for name, input := range map[string][]byte{
		"nothing":          nil,
		"another version":  append([]byte("weightgate.job/2\n"), good[len(jobVersion):]...),
		"no form":          Job{}.Append(nil),
		"form 4":           Job{Form: grammar.Legacy + 1}.Append(nil),
		"unknown 2":        Job{Form: grammar.Plain, Unknown: machine.Extract + 1}.Append(nil),
		"a negative limit": Job{Form: grammar.Plain, Limits: machine.Limits{Ops: -1}}.Append(nil),
		"many packs":       Job{Form: grammar.Plain, Packs: make([]string, maxPacks+1)}.Append(nil),
		"a long root":      Job{Form: grammar.Plain, Root: strings.Repeat("r", MaxName+1)}.Append(nil),
		"an unknown pack":  Job{Form: grammar.Plain, Packs: []string{"everything"}}.Append(nil),
	} {
		_, err := answered(t, input)
		said, ok := errors.AsType[*machine.Error](err)
		require.True(t, ok, name)
		require.Equal(t, CodeJob, said.Code, name)
	}
}

// The child links this package: it stays small, and needs no operating system.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	deps := strings.Fields(string(out))
	require.Contains(t, deps, "unicode/utf8")
	for _, banned := range []string{"fmt", "os", "time", "context", "net", "reflect", "encoding/json", "syscall"} {
		require.NotContains(t, deps, banned)
	}
	ours := slices.DeleteFunc(deps, func(d string) bool { return !strings.HasPrefix(d, "github.com/") })
	require.ElementsMatch(t, []string{
		"github.com/weightgate/weightgate/formats/pickle/machine",
		"github.com/weightgate/weightgate/formats/torch/grammar",
		"github.com/weightgate/weightgate/loader/convert/plan",
	}, ours)
}
