package machine_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"slices"
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
		"weights 1":       "1318298d07d13b527894ed63f0c965f6e4f73508eb90c98d8b0dae1d813e8dfe",
		"numpy 1":         "9695fbc3a6ad09414ea52e801c36f005423783c6d5c09d31d4d91b4acc6d0a24",
		"training-args 1": "4b58ce3d22d64cee97672e80d19e3ab1182fb4dd2a69cf0137bb37548784f4f5",
		"lightning 1":     "e970db4276e240d2182ec5c0496c9cd18b6484f753e988d062c411af97c65688",
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
		`"text"`: str("text"), "m.other": global("m", "other"), "(int, str?)": num(1) + str("b") + TUPLE2, "-2": num(-2),
	}
	alsoFit := map[string][]string{
		"tuple": {"ints", "(int, str?)"}, "dict": {"odict"}, "str": {`"text"`}, "int": {"-2"}, "global": {"mark", "m.other"},
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
	require.Equal(t, 21, len(values))
}

// judge is whether a stream is without findings to some lines.
func judge(t *testing.T, lines, stream string) bool {
	t.Helper()
	got, err := machine.Run(asm(stream, STOP), machine.Options{Rules: custom(t, lines)})
	require.NoError(t, err)
	return len(got.Findings) == 0
}

func TestSignatures(t *testing.T) {
	const inner = "m.f(global, none, tuple) -> x calls y|z\nm.g(int) -> y\nm.h(int) -> w\nnew m.C() -> z\n"
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

		{inner, call("m", "f", global("m", "g"), NONE, ints(1)), true},
		{inner, call("m", "f", global("m", "g"), NONE, MARK+str("a")+TUPLE), false},
		{inner, call("m", "f", global("m", "g"), NONE, ints()), false},
		{inner, call("m", "f", global("m", "h"), NONE, ints(1)), false},
		{inner, call("m", "f", global("m", "f"), NONE, MARK+global("m", "g")+NONE+ints(1)+TUPLE), false},
		{inner, call("m", "f", global("m", "C"), NONE, ints()), false},
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
		"":                                                               1,
		"weightgate.pack 2 own\n":                                        1,
		"weightgate.pack 1 other\n":                                      1,
		"weightgate.pack 1 own\nf\n":                                     2,
		"weightgate.pack 1 own\n\nm.f(\n":                                3,
		"weightgate.pack 1 own\nm.f()\n":                                 2,
		"weightgate.pack 1 own\nm.f() -> \n":                             2,
		"weightgate.pack 1 own\nm.f(int,int) -> x\n":                     2,
		"weightgate.pack 1 own\nm.f(int?, int) -> x\n":                   2,
		"weightgate.pack 1 own\nm.f(\"a) -> x\n":                         2,
		"weightgate.pack 1 own\nm.f(itn) -> x\n":                         2,
		"weightgate.pack 1 own\nm.f -> x y\n":                            2,
		"weightgate.pack 1 own\nm.f -> x\nm.f -> y\n":                    3,
		"weightgate.pack 1 own\nm.f -> x state dict\n":                   2,
		"weightgate.pack 1 own\nnew m.f\n":                               2,
		"weightgate.pack 1 own\nm.f(global, tuple) -> x calls x\n":       2,
		"weightgate.pack 1 own\nm.f(global, int, tuple?) -> x calls x\n": 2,
		"weightgate.pack 1 own\nm.f(global, int, tuple) -> x calls y\n":  2,
		"weightgate.pack 1 own\nm.f(1-) -> x\n":                          2,
		"weightgate.pack 1 own\n m.f\n":                                  2,
		"weightgate.pack 1 own\nm.{f,g\n":                                2,
		"weightgate.pack 1 own\nm..f\n":                                  2,
		"weightgate.pack 1 own\nm.f()  -> x\n":                           2,
		"weightgate.pack 1 own\nm.f(int|) -> x\n":                        2,
		"weightgate.pack 1 own\nm.f\r\n":                                 2,
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
	state := func(version, size, alignment, flags int) string { // flags: 1 says that the elements are objects
		return MARK + num(version) + str("<") + NONE + NONE + NONE + num(size) + num(alignment) + num(flags) + TUPLE + BUILD
	}
	dtype := func(name string) string {
		return call("numpy", "dtype", str(name), NEWFALSE, NEWTRUE) + state(3, -1, -1, 0)
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
	for _, other := range []string{state(4, -1, -1, 0), state(3, 8, -1, 0), state(3, -1, 8, 0), state(3, -1, -1, 1), state(3, -1, -1, 63)} {
		require.Equal(t, []string{machine.CodeBuildDenied}, codes(run(call("numpy", "dtype", str("f8"), NEWFALSE, NEWTRUE)+other)))
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

// An AttributeDict gives its items out as attributes: BUILD would call the item
// of that name.
func TestKeyAsAttribute(t *testing.T) {
	made := global("pytorch_lightning.utilities.parsing", "AttributeDict") + EMPTY_TUPLE + NEWOBJ
	run := func(stream string) []machine.Finding {
		got, err := machine.Run(asm(stream, STOP), machine.Options{Rules: rules("lightning", "weights")})
		require.NoError(t, err)
		return got.Findings
	}
	callback := global("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint")
	for _, key := range []string{str("__setstate__"), native("__setstate__"), str("__deepcopy__")} {
		require.Equal(t, []string{machine.CodeBuildDenied}, codes(run(made+key+callback+SETITEM+EMPTY_DICT+BUILD)))
		require.Equal(t, []string{machine.CodeBuildDenied}, codes(run(made+MARK+key+callback+SETITEMS)))
	}
	require.Empty(t, run(made+str("lr")+num(1)+SETITEM+EMPTY_DICT+BUILD), "as Python before 3.11 writes it")
	require.Empty(t, run(call("collections", "OrderedDict")+str("__setstate__")+callback+SETITEM), "whose items are no attributes")
}

// PyTorch's function that calls another one is as good as what it calls.
func TestRebuildFromType(t *testing.T) {
	from := func(function, class, args, state string) string {
		return call("torch._tensor", "_rebuild_from_type_v2", function, class, args, state)
	}
	v2, tensorClass := global("torch._utils", "_rebuild_tensor_v2"), global("torch", "Tensor")
	args := MARK + storage("0", 4) + num(0) + ints(4) + ints(1) + NEWFALSE + call("collections", "OrderedDict") + TUPLE
	got := read(t, from(v2, tensorClass, args, EMPTY_DICT))
	require.Empty(t, got.Findings)
	require.True(t, slices.ContainsFunc(got.Uses, func(u machine.Use) bool { return u.Name == "torch._utils._rebuild_tensor_v2" && u.Call && u.Known }))

	huge := LONG1 + u8(5) + "\x00\xe8\x76\x48\x17" // 10^11
	storages := global("torch.storage", "UntypedStorage")
	attribute := call("collections", "OrderedDict") + EMPTY_DICT + str("detach") + global("torch", "device") + SETITEM + BUILD
	for name, stream := range map[string]string{
		"memory":             from(global("builtins", "bytearray"), tensorClass, huge+TUPLE1, NONE),
		"another codec":      from(global("_codecs", "encode"), tensorClass, str("x")+str("punycode")+TUPLE2, NONE),
		"a storage":          from(storages, tensorClass, huge+TUPLE1, NONE),
		"a parameter":        from(global("torch.nn.parameter", "Parameter"), tensorClass, attribute+TUPLE1, NONE),
		"other arguments":    from(v2, tensorClass, storage("0", 4)+TUPLE1, NONE),
		"what is no tensor":  from(global("torch", "device"), tensorClass, str("cpu")+TUPLE1, NONE),
		"of no tensor class": from(v2, storages, args, NONE),
		"itself":             from(global("torch._tensor", "_rebuild_from_type_v2"), tensorClass, MARK+v2+tensorClass+args+NONE+TUPLE, NONE),
	} {
		require.Equal(t, []string{machine.CodeCallDenied}, codes(read(t, stream).Findings), name)
	}
}
