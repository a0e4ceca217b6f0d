package machine_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats/pickle/machine"
)

// A pack whose text changes gets another version, and a line here.
func TestPacks(t *testing.T) {
	digests := map[string]string{}
	for _, p := range machine.Packs() {
		sum := sha256.Sum256([]byte(p.Text))
		digests[p.Name+" "+strconv.Itoa(p.Version)] = hex.EncodeToString(sum[:])
		_, err := machine.NewRules(p)
		require.NoError(t, err, "each stands alone")
	}
	require.Equal(t, map[string]string{
		"weights 1":       "9bd8286229da399dc74f419f764d0f6f79b05b66a2c312c21bed9043748f4437",
		"numpy 1":         "5230e656c2a54d3f088508f8212fc22b7da7866c8878d4190f98a3ec4d3150b3",
		"training-args 1": "580a16a97cb36a06a9b0f00eda2ea003ba46da850d67175a17dfa374c797e599",
		"lightning 1":     "0e120b3992c6e661120e81bfeef6118315fe49efd03864617d444922f1f2918e",
	}, digests)
	_, err := machine.NewRules(machine.Packs()...)
	require.NoError(t, err)
}

// The pack of weights has every name that PyTorch's own unpickler of weights has.
func TestWeightsOnly(t *testing.T) {
	text, err := os.ReadFile("testdata/weights_only.txt")
	require.NoError(t, err)
	names := strings.Fields(string(text))
	require.Greater(t, len(names), 100)
	for _, name := range names {
		i := strings.LastIndexByte(name, '.')
		require.Empty(t, read(t, global(name[:i], name[i+1:])).Findings)
	}
}

// custom are the rules of some lines.
func custom(t *testing.T, lines string) *machine.Rules {
	t.Helper()
	r, err := machine.NewRules(machine.Pack{Name: "own", Version: 3, Text: "weightgate.pack 3 own\n" + lines})
	require.NoError(t, err)
	return r
}

// Each word of an argument is what the doc says, and nothing else.
func TestArguments(t *testing.T) {
	values := map[string]string{
		"none": NONE, "bool": NEWTRUE, "int": num(1), "float": FLOAT + "1\n", "str": str("a"), "bytes": bin("a"), "bytearray": BYTEARRAY8 + u64(0),
		"tuple": MARK + str("a") + TUPLE, "ints": ints(1, 2), "list": EMPTY_LIST, "dict": EMPTY_DICT, "odict": call("m", "Ordered"),
		"set": EMPTY_SET, "storage": NONE + BINPERSID, "global": global("m", "f"), "thing": call("m", "make"), "mark": global("m", "named"),
		`"text"`: str("text"), "m.other": global("m", "other"), "(int, str?)": num(1) + str("b") + TUPLE2,
	}
	alsoFit := map[string][]string{
		"tuple": {"ints", "(int, str?)"}, "dict": {"odict"}, "str": {`"text"`}, "global": {"mark", "m.other"},
	}
	for word := range values {
		r := custom(t, "m.f("+word+") -> thing\nm.make() -> thing\nm.named -> mark\nm.other\nm.Ordered() -> odict\n")
		for kind, value := range values {
			got, err := machine.Run(asm(call("m", "f", value), STOP), machine.Options{Rules: r})
			require.NoError(t, err)
			fits := word == kind
			for _, also := range alsoFit[word] {
				fits = fits || also == kind
			}
			require.Equal(t, fits, len(got.Findings) == 0, "%s for %s: %v", kind, word, got.Findings)
		}
	}
	require.Equal(t, 20, len(values))
}

// judge is whether a stream is without findings to some lines.
func judge(t *testing.T, lines, stream string) bool {
	t.Helper()
	got, err := machine.Run(asm(stream, STOP), machine.Options{Rules: custom(t, lines)})
	require.NoError(t, err)
	return len(got.Findings) == 0
}

func TestSignatures(t *testing.T) {
	for _, c := range []struct {
		lines, stream string
		fits          bool
	}{
		{"m.f() -> x\n", call("m", "f"), true},
		{"m.f() -> x\n", call("m", "f", num(1)), false},
		{"m.f(int, str?) -> x\n", call("m", "f", num(1)), true},
		{"m.f(int, str?) -> x\n", call("m", "f", num(1), str("a")), true},
		{"m.f(int, str?) -> x\n", call("m", "f", str("a")), false},
		{"m.f(int, str?) -> x\n", call("m", "f"), false},
		{"m.f(int|none) -> x\n", call("m", "f", NONE), true},
		{"m.f(any) -> x\n", call("m", "f", EMPTY_SET), true},
		{"m.f(str) -> x\n", call("m", "f", native("a")), true},
		{"m.f(\"a\"|\"b\") -> x\n", call("m", "f", native("b")), true},
		{"m.f(\"a\"|\"b\") -> x\n", call("m", "f", bin("b")), false},
		{"m.f((int, int)) -> x\n", call("m", "f", ints(1, 2)), true},
		{"m.f((int, int)) -> x\n", call("m", "f", ints(1, 2, 3)), false},
		{"m.f(int) -> x\nm.f(str) -> x\n", call("m", "f", str("a")), true},
		{"m.f\n", global("m", "f"), true},
		{"m.f\n", call("m", "f"), false},
		{"m.f\n", global("m", "g"), false},
		{"m.{f,g}s\n", global("m", "gs"), true},
		{"m.{f,g}s\n", global("m", "g"), false},
		{"new m.C() -> x\n", global("m", "C") + EMPTY_TUPLE + NEWOBJ, true},
		{"new m.C() -> x\n", call("m", "C"), false},
		{"m.C() -> x\n", global("m", "C") + EMPTY_TUPLE + NEWOBJ, false},
		{"new m.C() -> x\n", MARK + INST + "m\nC\n", true},
		{"m.C() -> x\n", MARK + global("m", "C") + OBJ, true},
		{"new m.C(int) -> x\n", MARK + num(1) + INST + "m\nC\n", false},
		{"m.C(int) -> x\n", MARK + num(1) + INST + "m\nC\n", true},
		{"m.f() -> x state dict\n", call("m", "f") + EMPTY_DICT + BUILD, true},
		{"m.f() -> x state dict\n", call("m", "f") + NONE + BUILD, false},
		{"m.f() -> x state (int, none)\n", call("m", "f") + num(1) + NONE + TUPLE2 + BUILD, true},
		{"m.f() -> x\n", call("m", "f") + EMPTY_DICT + BUILD, false},
		{"m.D(list?) -> dict\n", call("m", "D") + num(1) + num(2) + SETITEM, true},
		{"m.D(list?) -> dict\n", call("m", "D", MARK+num(1)+num(2)+TUPLE2+LIST), true},
		{"m.f() -> x\n", call("m", "f") + num(1) + num(2) + SETITEM, false},
		{"m.f(ints) -> x\n", call("m", "f", ints(make([]int, 64)...)), true},
		{"m.f(ints) -> x\n", call("m", "f", ints(make([]int, 65)...)), false},
		{"os.system(str) -> x\n", system, false}, // no pack makes it harmless
	} {
		require.Equal(t, c.fits, judge(t, c.lines, c.stream), "%s %q", c.lines, c.stream)
	}
}

// Calls that a stream leaves to others can be asked for.
func TestRulesCall(t *testing.T) {
	r := rules("weights")
	g := &machine.Global{Module: "torch", Name: "device"}
	kind, known := r.Call(g, []machine.Value{machine.Str("cpu")})
	require.True(t, known)
	require.Equal(t, "device", kind)
	_, known = r.Call(g, []machine.Value{int64(1)})
	require.False(t, known)
	_, known = (*machine.Rules)(nil).Call(g, nil)
	require.False(t, known)
}

func TestPackErrors(t *testing.T) {
	for text, line := range map[string]int{
		"":                                             1,
		"weightgate.pack 2 own\n":                      1,
		"weightgate.pack 1 other\n":                    1,
		"weightgate.pack 1 own\nf\n":                   2,
		"weightgate.pack 1 own\n\nm.f(\n":              3,
		"weightgate.pack 1 own\nm.f()\n":               2,
		"weightgate.pack 1 own\nm.f() -> \n":           2,
		"weightgate.pack 1 own\nm.f(int,int) -> x\n":   2,
		"weightgate.pack 1 own\nm.f(int?, int) -> x\n": 2,
		"weightgate.pack 1 own\nm.f(\"a) -> x\n":       2,
		"weightgate.pack 1 own\nm.f(itn) -> x\n":       2,
		"weightgate.pack 1 own\nm.f -> x y\n":          2,
		"weightgate.pack 1 own\nm.f -> x\nm.f -> y\n":  3,
		"weightgate.pack 1 own\nm.f -> x state dict\n": 2,
		"weightgate.pack 1 own\nnew m.f\n":             2,
		"weightgate.pack 1 own\n m.f\n":                2,
		"weightgate.pack 1 own\nm.{f,g\n":              2,
		"weightgate.pack 1 own\nm..f\n":                2,
		"weightgate.pack 1 own\nm.f()  -> x\n":         2,
		"weightgate.pack 1 own\nm.f(int|) -> x\n":      2,
		"weightgate.pack 1 own\nm.f\r\n":               2,
	} {
		r, err := machine.NewRules(machine.Pack{Name: "own", Version: 1, Text: text})
		require.Nil(t, r)
		e, ok := errors.AsType[*machine.PackError](err)
		require.True(t, ok, "%q: %v", text, err)
		require.Equal(t, line, e.Line, "%q: %v", text, err)
		require.Contains(t, e.Error(), "own")
	}
}

// What numpy writes is known to its pack; objects are not.
func TestNumpy(t *testing.T) {
	dtype := func(name string) string {
		return call("numpy", "dtype", str(name), NEWFALSE, NEWTRUE) +
			MARK + num(3) + str("<") + NONE + NONE + NONE + num(-1) + num(-1) + num(0) + TUPLE + BUILD
	}
	array := func(core, name string) string {
		return call("numpy."+core+".multiarray", "_reconstruct", global("numpy", "ndarray"), ints(0), bin("b")) +
			MARK + num(1) + ints(2) + dtype(name) + NEWFALSE + bin("12345678") + TUPLE + BUILD
	}
	run := func(stream string) []machine.Finding {
		got, err := machine.Run(asm(stream, STOP), machine.Options{Rules: rules("weights", "numpy")})
		require.NoError(t, err)
		return got.Findings
	}
	for _, core := range []string{"core", "_core"} {
		require.Empty(t, run(array(core, "f4")))
		require.Contains(t, codes(run(array(core, "O8"))), machine.CodeCallDenied)
		require.Empty(t, run(call("numpy."+core+".multiarray", "scalar", dtype("f8"), bin("12345678"))))
		require.Empty(t, run(call("numpy."+core+".numeric", "_frombuffer", bin("1234"), dtype("i4"), ints(1), str("C"))))
	}
	require.Contains(t, codes(read(t, call("numpy", "load", str("x"))).Findings), machine.CodeGlobalDangerous)
}

// And what numpy really wrote, of version 1 and 2.
func TestArrays(t *testing.T) {
	for _, line := range golden(t, "arrays.golden") {
		got, err := machine.Run([]byte(line[1]), machine.Options{Rules: rules("numpy")})
		require.NoError(t, err, line[0])
		require.Empty(t, got.Findings, line[0])
	}
}

func TestTrainingArguments(t *testing.T) {
	state := EMPTY_DICT + MARK +
		str("lr_scheduler_type") + call("transformers.trainer_utils", "SchedulerType", str("linear")) +
		str("device") + call("torch", "device", str("cuda"), num(0)) +
		str("seed") + num(42) + SETITEMS
	stream := global("transformers.training_args", "TrainingArguments") + EMPTY_TUPLE + NEWOBJ + state + BUILD
	got, err := machine.Run(asm(stream, STOP), machine.Options{Rules: rules("weights", "training-args")})
	require.NoError(t, err)
	require.Empty(t, got.Findings)
	require.NotNil(t, got.Value.(*machine.Call).State)
}

func TestLightning(t *testing.T) {
	stream := EMPTY_DICT + MARK +
		str("callbacks") + EMPTY_DICT + global("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint") + EMPTY_DICT + SETITEM +
		str("hyper_parameters") + global("pytorch_lightning.utilities.parsing", "AttributeDict") + EMPTY_TUPLE + NEWOBJ + str("lr") + num(1) + SETITEM +
		str("counts") + call("collections", "defaultdict", global("builtins", "int")) + SETITEMS
	got, err := machine.Run(asm(stream, STOP), machine.Options{Rules: rules("weights", "lightning")})
	require.NoError(t, err)
	require.Empty(t, got.Findings)
	hyper := got.Value.(*machine.Dict).Items[1].(*machine.Dict)
	require.Equal(t, "pytorch_lightning.utilities.parsing.AttributeDict", hyper.Class.String())
}
