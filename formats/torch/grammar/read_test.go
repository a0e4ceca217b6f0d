package grammar_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats/pickle/machine"
	"github.com/weightgate/weightgate/formats/torch/grammar"
)

// options are those of a policy that names no pack but weights.
func options(t testing.TB) grammar.Options {
	t.Helper()
	packs := machine.Packs()
	i := slices.IndexFunc(packs, func(p machine.Pack) bool { return p.Name == "weights" })
	require.GreaterOrEqual(t, i, 0)
	rules, err := machine.NewRules(packs[i])
	require.NoError(t, err)
	return grammar.Options{Options: machine.Options{Rules: rules}}
}

func read(t testing.TB, form grammar.Form, stream string, opt grammar.Options) *grammar.Checkpoint {
	t.Helper()
	c, err := grammar.Read(form, []byte(stream), opt)
	require.NoError(t, err)
	return c
}

func codesOf(findings []machine.Finding) []string {
	var codes []string
	for _, f := range findings {
		codes = append(codes, f.Code)
	}
	return codes
}

func names(c *grammar.Checkpoint) (list []string) {
	for _, t := range c.Tensors {
		list = append(list, t.Name)
	}
	return list
}

func TestTensors(t *testing.T) {
	conj := dict(str("conj"), yes, str("neg"), no)
	attributes := tuple(storage("FloatStorage", "0", 4), num(0), ints(4), ints(1), no, hooks)
	for _, c := range []struct {
		name  string
		value code
		want  grammar.Tensor
	}{
		{"the first form", call(utils, "_rebuild_tensor", storage("HalfStorage", "0", 6), num(1), ints(2, 2), ints(2, 1)),
			grammar.Tensor{DType: grammar.F16, Shape: []int64{2, 2}, Strides: []int64{2, 1}, Offset: 1}},
		{"the second", floats("0"), grammar.Tensor{DType: grammar.F32, Shape: []int64{4}, Strides: []int64{1}}},
		{"the second, conjugated", call(utils, "_rebuild_tensor_v2", storage("ComplexFloatStorage", "0", 4), num(0), ints(4), ints(1), no, hooks, conj),
			grammar.Tensor{DType: grammar.C64, Shape: []int64{4}, Strides: []int64{1}, Conj: true}},
		{"the third", call(utils, "_rebuild_tensor_v3", untyped("0", 4), num(0), ints(4), ints(1), no, hooks, global("torch", "float8_e5m2"), dict(str("neg"), yes)),
			grammar.Tensor{DType: grammar.F8E5M2, Shape: []int64{4}, Strides: []int64{1}, Neg: true}},
		{"without hooks", call(utils, "_rebuild_tensor_v2", storage("ByteStorage", "0", 1), num(0), tuple(), tuple(), no, none),
			grammar.Tensor{DType: grammar.U8, Shape: []int64{}, Strides: []int64{}}},
		{"a size of torch.Size", call(utils, "_rebuild_tensor", storage("CharStorage", "0", 4), num(0), call("torch", "Size", ints(4)), ints(1)),
			grammar.Tensor{DType: grammar.I8, Shape: []int64{4}, Strides: []int64{1}}},
		{"on a GPU", vector(tuple(str("storage"), global("torch.cuda", "LongStorage"), str("0"), str("cuda:0"), num(4))+"Q", 4),
			grammar.Tensor{DType: grammar.I64, Shape: []int64{4}, Strides: []int64{1}}},
		{"a parameter", call(utils, "_rebuild_parameter", floats("0"), yes, hooks),
			grammar.Tensor{DType: grammar.F32, Shape: []int64{4}, Strides: []int64{1}}},
		{"a parameter with a state", call(utils, "_rebuild_parameter_with_state", floats("0"), yes, hooks, dict(str("note"), num(1))),
			grammar.Tensor{DType: grammar.F32, Shape: []int64{4}, Strides: []int64{1}}},
		{"a parameter with a state of lists", call(utils, "_rebuild_parameter_with_state", floats("0"), yes, hooks, dict(str("_note"), list(num(1), tuple(none, str("a"))))),
			grammar.Tensor{DType: grammar.F32, Shape: []int64{4}, Strides: []int64{1}}},
		{"a parameter without a state", call(utils, "_rebuild_parameter_with_state", floats("0"), yes, hooks, none),
			grammar.Tensor{DType: grammar.F32, Shape: []int64{4}, Strides: []int64{1}}},
		{"a tensor with attributes", call("torch._tensor", "_rebuild_from_type_v2", global(utils, "_rebuild_tensor_v2"), global("torch", "Tensor"), attributes, dict()),
			grammar.Tensor{DType: grammar.F32, Shape: []int64{4}, Strides: []int64{1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := read(t, grammar.Zip, pickled(dict(str("w"), c.value)), options(t))
			require.Empty(t, got.Findings)
			require.Equal(t, 2, got.Protocol)
			c.want.Name = "w"
			require.Equal(t, []grammar.Tensor{c.want}, got.Tensors)
			require.Len(t, got.Storages, 1)
			require.Equal(t, "0", got.Storages[0].Key)
			require.Empty(t, got.Dropped)
		})
	}
}

// What is refused has its code, whether unknown globals are denied or dropped,
// and gives no tensor.
func TestRefusals(t *testing.T) {
	one := storage("FloatStorage", "0", 4)
	v2 := func(args ...code) code { return call(utils, "_rebuild_tensor_v2", args...) }
	v3 := func(args ...code) code { return call(utils, "_rebuild_tensor_v3", args...) }
	wrapped := floats("0")
	for range 5 {
		wrapped = call(utils, "_rebuild_parameter", wrapped, yes, hooks)
	}
	parameter := func(state code) code {
		return call(utils, "_rebuild_parameter_with_state", floats("0"), yes, hooks, state)
	}
	fromType := func(function, class, args code) code {
		return call("torch._tensor", "_rebuild_from_type_v2", function, class, args, none)
	}
	for _, c := range []struct {
		name, code string
		value      code
	}{
		{"quantized", grammar.CodeQuantized, call(utils, "_rebuild_qtensor", storage("QInt8Storage", "0", 4), num(0), ints(4), ints(1), tuple(global("torch", "per_tensor_affine"), "G\x3f\xf0\x00\x00\x00\x00\x00\x00", num(0)), no, hooks)},
		{"a quantized parameter", grammar.CodeQuantized, call(utils, "_rebuild_parameter", call(utils, "_rebuild_qtensor"), no, hooks)},
		{"sparse", grammar.CodeSparse, call(utils, "_rebuild_sparse_tensor", none, tuple())},
		{"meta", grammar.CodeMeta, call(utils, "_rebuild_meta_tensor_no_storage", global("torch", "float32"), ints(4), ints(1), no)},
		{"a wrapper", grammar.CodeSubclass, call(utils, "_rebuild_wrapper_subclass")},
		{"of another class", grammar.CodeSubclass, fromType(global(utils, "_rebuild_tensor_v2"), global("evil", "Tensor"), tuple(one, num(0), ints(4), ints(1), no, hooks))},
		{"of a device", grammar.CodeDevice, call(utils, "_rebuild_device_tensor_from_numpy", none, global("torch", "float32"), str("xla:0"), no)},
		{"complex128", grammar.CodeDType, vector(storage("ComplexDoubleStorage", "0", 4), 4)},
		{"complex32", grammar.CodeDType, v3(untyped("0", 16), num(0), ints(4), ints(1), no, hooks, global("torch", "complex32"))},
		{"what is quantized, as plain", grammar.CodeDType, vector(storage("QInt8Storage", "0", 4), 4)},

		{"too few arguments", grammar.CodeTensor, v2(one, num(0), ints(4), ints(1))},
		{"no storage", grammar.CodeTensor, v2(none, num(0), ints(4), ints(1), no, hooks)},
		{"a negative offset", grammar.CodeTensor, v2(one, num(-1), ints(4), ints(1), no, hooks)},
		{"an offset that is a bool", grammar.CodeTensor, v2(one, yes, ints(4), ints(1), no, hooks)},
		{"a size beyond 64 bits", grammar.CodeTensor, v2(one, num(0), tuple("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01"), ints(1), no, hooks)},
		{"a size that is a list", grammar.CodeTensor, v2(one, num(0), list(num(4)), ints(1), no, hooks)},
		{"more strides than sizes", grammar.CodeTensor, v2(one, num(0), ints(4), ints(1, 1), no, hooks)},
		{"65 dimensions", grammar.CodeTensor, v2(one, num(0), ints(slices.Repeat([]int{1}, 65)...), ints(slices.Repeat([]int{1}, 65)...), no, hooks)},
		{"hooks", grammar.CodeTensor, v2(one, num(0), ints(4), ints(1), no, dict(num(0), none))},
		{"metadata of another backend", grammar.CodeTensor, v2(one, num(0), ints(4), ints(1), no, hooks, dict(str("format"), num(2)))},
		{"metadata that is no bool", grammar.CodeTensor, v2(one, num(0), ints(4), ints(1), no, hooks, dict(str("conj"), num(1)))},
		{"an untyped storage without a type", grammar.CodeTensor, v2(untyped("0", 16), num(0), ints(4), ints(1), no, hooks)},
		{"a typed storage with a type", grammar.CodeTensor, v3(one, num(0), ints(4), ints(1), no, hooks, global("torch", "float8_e5m2"))},
		{"a type that is a string", grammar.CodeTensor, v3(untyped("0", 16), num(0), ints(4), ints(1), no, hooks, str("float32"))},
		{"a type of another module", grammar.CodeTensor, v3(untyped("0", 16), num(0), ints(4), ints(1), no, hooks, global("torchvision", "float32"))},
		{"wrapped five times", grammar.CodeTensor, wrapped},
		{"a parameter of nothing", grammar.CodeTensor, call(utils, "_rebuild_parameter", none, yes, hooks)},
		{"a parameter with hooks", grammar.CodeTensor, call(utils, "_rebuild_parameter", floats("0"), yes, dict(num(0), none))},
		{"attributes of what another function builds", grammar.CodeTensor, fromType(global("os", "system"), global("torch", "Tensor"), tuple(str("id")))},
		{"attributes of a list", grammar.CodeTensor, fromType(global(utils, "_rebuild_tensor_v2"), global("torch", "Tensor"), list())},

		{"data as an attribute", grammar.CodeTensor, parameter(dict(str("data"), floats("1")))},
		{"data of a tensor with attributes", grammar.CodeTensor, call("torch._tensor", "_rebuild_from_type_v2", global(utils, "_rebuild_tensor_v2"), global("torch", "Tensor"),
			tuple(one, num(0), ints(4), ints(1), no, hooks), dict(str("data"), floats("1")))},
		{"a number for all elements", grammar.CodeTensor, parameter(dict(str("real"), num(5)))},
		{"imaginary parts", grammar.CodeTensor, parameter(dict(str("imag"), num(5)))},
		{"a class as an attribute", grammar.CodeTensor, parameter(dict(str("__class__"), none))},
		{"a method as an attribute", grammar.CodeSubclass, parameter(dict(str("detach"), global("torch", "device")))},
		{"a number as an attribute's name", grammar.CodeTensor, parameter(dict(num(1), none))},
		{"a tensor as an attribute", grammar.CodeSubclass, parameter(dict(str("note"), floats("1")))},
		{"a tensor in an attribute", grammar.CodeSubclass, parameter(dict(str("note"), list(floats("1"))))},
		{"65 attributes", grammar.CodeSubclass, parameter(dict(str("note"), ints(make([]int, 64)...)))},
		{"a list in itself", grammar.CodeSubclass, parameter(dict(str("note"), "]q\x01h\x01a"))},
		{"slots", grammar.CodeTensor, parameter(tuple(none, dict(str("data"), floats("1"))))},
		{"attributes with a state", grammar.CodeTensor, parameter(hooks + dict(str("a"), none) + "b")},
		{"five arguments of a parameter", grammar.CodeTensor, call(utils, "_rebuild_parameter", floats("0"), yes, hooks, none, none)},

		{"a storage that is a string", grammar.CodeStorage, vector(str("0")+"Q", 4)},
		{"a storage of nothing", grammar.CodeStorage, vector(tuple()+"Q", 4)},
		{"a persistent id of another kind", grammar.CodeStorage, vector(tuple(str("file"), str("/etc/passwd"))+"Q", 4)},
		{"a storage of six fields", grammar.CodeStorage, vector(legacyStorage("FloatStorage", "0", 4, none), 4)},
		{"a class that is a string", grammar.CodeStorage, vector(tuple(str("storage"), str("FloatStorage"), str("0"), str("cpu"), num(4))+"Q", 4)},
		{"a class of another module", grammar.CodeStorage, vector(tuple(str("storage"), global("evil", "FloatStorage"), str("0"), str("cpu"), num(4))+"Q", 4)},
		{"a class that is none", grammar.CodeStorage, vector(storage("load", "0", 4), 4)},
		{"a key that is a number", grammar.CodeStorage, vector(tuple(str("storage"), global("torch", "FloatStorage"), num(0), str("cpu"), num(4))+"Q", 4)},
		{"a negative length", grammar.CodeStorage, vector(storage("FloatStorage", "0", -4), 4)},
		{"a module", grammar.CodeModule, vector(tuple(str("module"), global("a", "B"), str("a.py"), str("class B: pass"))+"Q", 4)},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, unknown := range []machine.Unknown{machine.Deny, machine.Extract} {
				opt := options(t)
				opt.Unknown = unknown
				got := read(t, grammar.Zip, pickled(dict(str("w"), c.value)), opt)
				require.Contains(t, codesOf(got.Findings), c.code)
				require.Empty(t, got.Tensors)
			}
		})
	}
}

// A tensor that is given a state or items would be another one than its call
// builds, whatever the packs allow.
func TestTensorChanged(t *testing.T) {
	opt := options(t)
	opt.Rules, opt.Unknown = nil, machine.Extract
	for _, change := range []code{dict(str("a"), none) + "b", num(1) + "a", num(1) + num(2) + "s"} {
		got := read(t, grammar.Zip, pickled(dict(str("w"), floats("0")+change)), opt)
		require.Contains(t, codesOf(got.Findings), grammar.CodeTensor, change)
		require.Empty(t, got.Tensors)
	}
}

// What a call is given is what it was then: metadata that is set later is no
// part of the tensor that torch builds.
func TestArgumentsChanged(t *testing.T) {
	args := tuple(storage("FloatStorage", "0", 4), num(0), ints(4), ints(1), no, hooks, "}q\x05")
	for name, tensor := range map[string]code{
		"directly":  global(utils, "_rebuild_tensor_v2") + args + "R",
		"in a type": call("torch._tensor", "_rebuild_from_type_v2", global(utils, "_rebuild_tensor_v2"), global("torch", "Tensor"), args, none),
	} {
		for _, unknown := range []machine.Unknown{machine.Deny, machine.Extract} {
			opt := options(t)
			opt.Unknown = unknown
			got := read(t, grammar.Zip, pickled(dict(str("w"), tensor, str("m"), "h\x05"+str("neg")+yes+"s")), opt)
			require.Equal(t, []string{machine.CodeCallAltered}, codesOf(got.Findings), name)
			opt.Rules = nil
			got = read(t, grammar.Zip, pickled(dict(str("w"), tensor, str("m"), "h\x05"+str("neg")+yes+"s")), opt)
			require.Contains(t, codesOf(got.Findings), machine.CodeCallAltered, "whatever the packs allow")
		}
	}
}

// One key is one storage, and the tensors that were there first stay.
func TestStorageContradicted(t *testing.T) {
	for _, other := range []code{storage("FloatStorage", "0", 5), storage("HalfStorage", "0", 4)} {
		got := read(t, grammar.Zip, pickled(dict(str("a"), floats("0"), str("b"), vector(other, 4))), options(t))
		require.Equal(t, []string{grammar.CodeStorage}, codesOf(got.Findings))
		require.Equal(t, []string{"a"}, names(got))
	}
}

// Storages are listed once, those that no tensor uses too.
func TestStorages(t *testing.T) {
	got := read(t, grammar.Zip, pickled(dict(
		str("optimizer"), dict(str("state"), dict(num(0), dict(str("m"), floats("7")))),
		str("model"), dict(str("a"), floats("1"), str("b"), floats("0"), str("tied"), floats("1")),
	)), options(t))
	require.Empty(t, got.Findings)
	require.Equal(t, "model", got.Root)
	require.Equal(t, []grammar.Storage{{"1", grammar.F32, 4}, {"0", grammar.F32, 4}, {"7", grammar.F32, 4}}, got.Storages)
	require.Equal(t, []string{"a", "b", "tied"}, names(got))
	require.Equal(t, got.Tensors[0].Storage, got.Tensors[2].Storage)
}

func TestRoots(t *testing.T) {
	model, ema := dict(str("w"), floats("0")), dict(str("v"), floats("1"))
	module := global("torch.nn.modules.linear", "Linear") + ")\x81" + dict(str("_parameters"), dict(), str("_modules"), dict()) + "b"
	source := tuple(str("module"), global("a", "B"), str("a.py"), str("")) + "Q)\x81"
	for _, c := range []struct {
		name, root string
		value      code
		want       []string // of tensors
		beneath    string
		code       string
		detail     string
	}{
		{"the root", "", model, []string{"w"}, "", "", ""},
		{"the root by name", ".", model, []string{"w"}, "", "", ""},
		{"a key", "", dict(str("model"), model), []string{"w"}, "model", "", ""},
		{"a key by name", "ema", dict(str("model"), model, str("ema"), ema), []string{"v"}, "ema", "", ""},
		{"the root beside a key", ".", dict(str("w"), floats("0"), str("ema"), ema), []string{"w"}, "", "", ""},
		{"two keys", "", dict(str("model"), model, str("ema"), ema), nil, "", grammar.CodeRoot, `"model", "ema"`},
		{"the root and a key", "", dict(str("w"), floats("0"), str("ema"), ema), nil, "", grammar.CodeRoot, `the root itself ("."), "ema"`},
		{"one dict under two keys", "", dict(str("a"), model+"q\x01", str("b"), "h\x01"), nil, "", grammar.CodeRoot, `"a", "b"`},
		{"another key", "other", dict(str("model"), model), nil, "", grammar.CodeRoot, `"model"`},
		{"the root, which has none", ".", dict(str("model"), model), nil, "", grammar.CodeRoot, `"model"`},
		{"a key of a number", "", dict(num(0), model), nil, "", grammar.CodeRootNone, "dict of 1"},
		{"tensors under numbers", "", dict(num(0), floats("0")), nil, "", grammar.CodeRootNone, "dict of 1"},
		{"too deep", "", dict(str("a"), dict(str("b"), model)), nil, "", grammar.CodeRootNone, "dict of 1"},
		{"a tensor", "", floats("0"), nil, "", grammar.CodeRootNone, "tensor"},
		{"a list", "", list(floats("0")), nil, "", grammar.CodeRootNone, "list of 1"},
		{"nothing", "", none, nil, "", grammar.CodeRootNone, "None"},
		{"a module", "", module, nil, "", grammar.CodeModule, "torch.nn.modules.linear.Linear"},
		{"a module beneath a key", "", dict(str("model"), module, str("epoch"), num(1)), nil, "", grammar.CodeModule, "model is torch.nn.modules.linear.Linear"},
		{"a module with its source", "", source, nil, "", grammar.CodeModule, "a module"},
		{"a state beside a module", "", dict(str("net"), module, str("model"), model), []string{"w"}, "model", "", ""},
		{"a dict that holds itself", "", "}q\x00(" + str("w") + floats("0") + str("self") + "h\x00u", []string{"w"}, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			opt := options(t)
			opt.Root, opt.Unknown = c.root, machine.Extract
			got := read(t, grammar.Zip, pickled(c.value), opt)
			require.Equal(t, c.want, names(got))
			require.Equal(t, c.beneath, got.Root)
			for _, f := range got.Findings {
				if strings.HasPrefix(f.Code, "torch.") {
					require.Equal(t, c.code, f.Code, f.Detail)
					require.Contains(t, f.Detail, c.detail)
				}
			}
			require.Equal(t, c.code != "", slices.Contains(codesOf(got.Findings), c.code))
		})
	}
}

func TestDropped(t *testing.T) {
	got := read(t, grammar.Zip, pickled(dict(
		str("epoch"), num(3),
		str("model"), hooks+"("+str("w")+floats("0")+str("_extra")+none+num(1)+floats("1")+"u"+dict(str("_metadata"), dict())+"b",
		str("optimizer"), dict(str("state"), list(floats("2"), floats("3"))),
		str("net"), call("evil", "Net", num(1)),
		num(7), str("x"),
		tuple(), yes,
	)), func() grammar.Options {
		opt := options(t)
		opt.Unknown = machine.Extract
		return opt
	}())
	require.Equal(t, []string{"w"}, names(got))
	var lines []string
	for _, d := range got.Dropped {
		lines = append(lines, d.Path+": "+d.What)
	}
	require.Equal(t, []string{
		"epoch: int",
		"model._extra: None",
		"model.1: tensor",
		"model.__dict__: dict of 1",
		"optimizer: dict of 1 with 2 tensors",
		"net: evil.Net",
		"7: str",
		"<tuple of 0>: bool",
	}, lines)
	require.NotZero(t, got.Dropped[5].Offset)
}

func TestDroppedIsBounded(t *testing.T) {
	items := []code{str("w"), floats("0")}
	for n := range 11_000 {
		items = append(items, num(n), none)
	}
	got := read(t, grammar.Zip, pickled(dict(items...)), options(t))
	require.Len(t, got.Dropped, grammar.MaxDropped+1)
	require.Equal(t, grammar.Dropped{What: "1000 more"}, got.Dropped[grammar.MaxDropped])

	got = read(t, grammar.Zip, pickled(hooks+dict(items...)[1:]+dict(str("a"), none)+"b"), options(t))
	require.Len(t, got.Dropped, grammar.MaxDropped+1)
	require.Equal(t, grammar.Dropped{What: "1001 more"}, got.Dropped[grammar.MaxDropped])
}

// A fault that a thousand tensors have is one finding.
func TestFindingsAreBounded(t *testing.T) {
	var items []code
	for n := range 1000 {
		items = append(items, str("w"+string(rune('a'+n%26))+strings.Repeat("x", n/26)), call(utils, "_rebuild_qtensor"))
	}
	opt := options(t)
	opt.Rules = nil
	opt.Unknown = machine.Extract
	got := read(t, grammar.Zip, pickled(dict(items...)), opt)
	i := slices.Index(codesOf(got.Findings), grammar.CodeQuantized)
	require.GreaterOrEqual(t, i, 0)
	require.Equal(t, `"wa": quantized (and 999 more)`, got.Findings[i].Detail)
	require.Empty(t, got.Tensors)
}

func TestPlain(t *testing.T) {
	got := read(t, grammar.Plain, pickled(dict(str("a"), num(1), str("b"), list())), options(t))
	require.Empty(t, got.Findings)
	require.Empty(t, got.Tensors)
	require.Equal(t, []grammar.Dropped{{Path: "a", What: "int"}, {Path: "b", What: "list of 0"}}, got.Dropped)

	got = read(t, grammar.Plain, pickled(dict(str("w"), floats("0"))), options(t))
	require.Equal(t, []string{machine.CodePersID}, codesOf(got.Findings))
	require.Empty(t, got.Tensors)
	require.Empty(t, got.Storages)

	require.Equal(t, grammar.Plain, read(t, 0, pickled(none), options(t)).Form)
}

// Extract leaves out what is unknown beside tensors. Where there are none, and
// nothing is extracted, it is denied.
func TestNothingToExtract(t *testing.T) {
	opt := options(t)
	opt.Unknown = machine.Extract
	unknown := call("evil", "run", str("id"))
	for _, c := range []struct {
		form   grammar.Form
		stream string
		want   string
	}{
		{grammar.Zip, pickled(dict(str("w"), floats("0"), str("o"), unknown)), machine.CodeGlobalDropped},
		{grammar.Zip, pickled(dict(str("o"), unknown)), machine.CodeGlobalDenied},
		{grammar.Plain, pickled(unknown), machine.CodeGlobalDenied},
		{grammar.Plain, pickled(dict(str("w"), unknown)), machine.CodeGlobalDenied},
		{grammar.Legacy, legacyFile(dict(str("o"), unknown)), machine.CodeGlobalDenied},
	} {
		got := read(t, c.form, c.stream, opt)
		require.Equal(t, []string{c.want}, slices.DeleteFunc(codesOf(got.Findings), func(code string) bool { return code == grammar.CodeRootNone }))
	}
	_, err := grammar.Read(grammar.Plain, []byte(unknown), opt)
	e, ok := errors.AsType[*machine.Error](err)
	require.True(t, ok)
	require.Equal(t, []string{machine.CodeGlobalDenied}, codesOf(e.Findings))
}

// Bytes behind a pickle are refused, and a pickle there is looked at.
func TestTrailing(t *testing.T) {
	good := pickled(dict(str("w"), floats("0")))
	for _, form := range []grammar.Form{grammar.Plain, grammar.Zip} {
		for _, behind := range []string{"\x00", "junk", pickled(call("os", "system", str("id")))} {
			got := read(t, form, good+behind, options(t))
			i := slices.Index(codesOf(got.Findings), grammar.CodeTrailing)
			require.GreaterOrEqual(t, i, 0, behind)
			require.Equal(t, int64(len(good)), got.Findings[i].Offset)
		}
	}
	got := read(t, grammar.Zip, good+pickled(call("os", "system", str("id"))), options(t))
	i := slices.IndexFunc(got.Uses, func(u machine.Use) bool { return u.Name == "os.system" })
	require.GreaterOrEqual(t, i, 0)
	require.Equal(t, int64(len(good)+2), got.Uses[i].Offset)
	require.Contains(t, codesOf(got.Findings), machine.CodeGlobalDangerous)
}

// A stream that cannot be read to its end is an error that tells what stood
// before the break.
func TestErrors(t *testing.T) {
	broken := "\x80\x02" + string(call("os", "system", str("id"))) + "\xff"
	for _, c := range []struct {
		form   grammar.Form
		stream string
		at     int64
	}{{grammar.Plain, broken, 0}, {grammar.Zip, broken, 0}, {grammar.Legacy, magic + version + broken, int64(len(magic + version))}} {
		got, err := grammar.Read(c.form, []byte(c.stream), options(t))
		require.Nil(t, got)
		e, ok := errors.AsType[*machine.Error](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, machine.CodeOpcode, e.Code)
		require.Equal(t, c.at+int64(len(broken)-1), e.Offset)
		require.Contains(t, codesOf(e.Findings), machine.CodeGlobalDangerous)
		i := slices.IndexFunc(e.Uses, func(u machine.Use) bool { return u.Name == "os.system" && !u.Call })
		require.Equal(t, c.at+2, e.Uses[i].Offset)
	}
}
