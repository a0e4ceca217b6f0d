package machine_test

import (
	"encoding/hex"
	"math"
	"math/big"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats/pickle/machine"
)

// plain are rules for what Python writes of values of its own, of all packs.
func plain(t testing.TB) *machine.Rules {
	t.Helper()
	r, err := machine.NewRules(machine.Packs()...)
	require.NoError(t, err)
	return r
}

// show writes a value as testdata/gen.py does.
func show(v machine.Value, seen ...machine.Value) string {
	if slices.Contains(seen, v) {
		return "<cycle>"
	}
	inner := append(slices.Clone(seen), v)
	list := func(items []machine.Value) (out []string) {
		for _, v := range items {
			out = append(out, show(v, inner...))
		}
		return out
	}
	join := func(items []string) string { return strings.Join(items, ", ") }
	set := func(name string, items []machine.Value) string {
		out := list(items)
		slices.Sort(out)
		return name + "{" + join(out) + "}"
	}
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	case int64:
		return strconv.FormatInt(v, 10)
	case *machine.Long:
		n := new(big.Int).SetBytes(v.Magnitude)
		if v.Negative {
			n.Neg(n)
		}
		return n.String()
	case float64:
		if math.IsNaN(v) {
			return "nan"
		}
		return "f" + hex.EncodeToString(big.NewInt(0).SetUint64(math.Float64bits(v)).FillBytes(make([]byte, 8)))
	case machine.Str:
		return "s" + hex.EncodeToString([]byte(v))
	case machine.Bytes:
		if v.Native {
			return "n" + hex.EncodeToString([]byte(v.Data))
		}
		return "b" + hex.EncodeToString([]byte(v.Data))
	case *machine.ByteArray:
		return "a" + hex.EncodeToString([]byte(v.Data))
	case *machine.Tuple:
		return "(" + join(list(v.Items)) + ")"
	case *machine.List:
		return "[" + join(list(v.Items)) + "]"
	case *machine.Set:
		return set(map[bool]string{true: "frozenset", false: "set"}[v.Frozen], v.Items)
	case *machine.Dict:
		pairs := []string{}
		for i := range v.Keys {
			pairs = append(pairs, show(v.Keys[i], inner...)+": "+show(v.Items[i], inner...))
		}
		name := ""
		if v.Class != nil {
			name = v.Class.Name
		}
		return name + "{" + join(pairs) + "}"
	case *machine.Global:
		return v.String()
	case *machine.Persistent:
		return "<" + show(v.ID, inner...) + ">"
	case *machine.Call:
		return showCall(v, join(list(v.Args)), set)
	}
	return "?"
}

// showCall writes what a call gives; protocols before 5 write bytes, sets and
// bytearrays as calls.
func showCall(c *machine.Call, args string, set func(string, []machine.Value) string) string {
	latin1 := func(v machine.Value) string {
		var b []byte
		for _, r := range v.(machine.Str) {
			b = append(b, byte(r))
		}
		return hex.EncodeToString(b)
	}
	switch c.Kind {
	case "bytes":
		if len(c.Args) == 0 {
			return "b"
		}
		return "b" + latin1(c.Args[0])
	case "set", "frozenset":
		if len(c.Args) == 0 {
			return c.Kind + "{}"
		}
		return set(c.Kind, c.Args[0].(*machine.List).Items)
	case "bytearray":
		if len(c.Args) == 0 {
			return "a"
		}
		return "a" + args[1:]
	}
	return show(c.Func) + "(" + args + ")"
}

// golden gives the lines of a file that testdata/gen.py wrote: a name, a stream
// and what it builds.
func golden(t testing.TB, file string) (lines [][3]string) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 3)
		require.Len(t, f, 3)
		stream, err := hex.DecodeString(f[1])
		require.NoError(t, err)
		lines = append(lines, [3]string{f[0], string(stream), f[2]})
	}
	require.NotEmpty(t, lines)
	return lines
}

// What Python wrote is what the machine reads, without a finding.
func TestValuesAsPython(t *testing.T) {
	r := plain(t)
	for _, file := range []string{"values.golden", "python2.golden"} {
		for _, line := range golden(t, file) {
			got, err := machine.Run([]byte(line[1]), machine.Options{Rules: r})
			require.NoError(t, err, line[0])
			require.Equal(t, line[2], show(got.Value), line[0])
			require.Empty(t, got.Findings, line[0])
			require.EqualValues(t, len(line[1]), got.End)
			if p := line[0][len(line[0])-1] - '0'; p >= 2 {
				require.EqualValues(t, p, got.Protocol)
			}
		}
	}
}

// Numbers and strings in text are what both of CPython's unpicklers take them
// for, and malformed where one of them does or they differ.
func TestTextsAsPython(t *testing.T) {
	for _, line := range golden(t, "texts.golden") {
		got, err := machine.Run([]byte(line[1]), machine.Options{})
		if line[2] == "error" {
			fault(t, err, machine.CodeArgument)
			continue
		}
		require.NoError(t, err, "%q", line[1])
		require.Equal(t, line[2], show(got.Value), "%q", line[1])
	}
}

// checkpoints are streams of torch.save, by protocol.
func checkpoints(t testing.TB) map[int][]byte {
	streams := map[int][]byte{}
	for protocol := 2; protocol <= 5; protocol++ {
		b, err := os.ReadFile("testdata/checkpoint-" + strconv.Itoa(protocol) + ".pkl")
		require.NoError(t, err)
		streams[protocol] = b
	}
	return streams
}

func TestCheckpoints(t *testing.T) {
	for protocol, stream := range checkpoints(t) {
		got, err := machine.Run(stream, machine.Options{Rules: rules("weights")})
		require.NoError(t, err)
		require.Empty(t, got.Findings)
		require.Equal(t, protocol, got.Protocol)
		require.EqualValues(t, len(stream), got.End)

		root := got.Value.(*machine.Dict)
		kinds := map[string]string{}
		for i, k := range root.Keys {
			if c, ok := root.Items[i].(*machine.Call); ok {
				kinds[string(k.(machine.Str))] = c.Kind
			}
		}
		for key, kind := range map[string]string{
			"conj": "tensor", "float8": "tensor", "parameter": "parameter", "size": "ints", "device": "device",
			"quantized": "quantized", "sparse": "sparse", "meta": "meta", "complex": "complex",
		} {
			require.Equal(t, kind, kinds[key], key)
		}
		state := root.Items[0].(*machine.Dict)
		require.Equal(t, "collections.OrderedDict", state.Class.String())
		require.Equal(t, machine.Str("0.weight"), state.Keys[0])
		require.IsType(t, &machine.Dict{}, state.State)
		for _, u := range got.Uses {
			require.True(t, u.Known, u.Name)
		}
	}
}
