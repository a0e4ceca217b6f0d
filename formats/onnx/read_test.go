package onnx

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	o "github.com/weightgate/weightgate/formats/onnx/onnxtest"
)

const (
	f32 = 1
	i64 = 7
	bit = 9
)

// tree is a model.onnx and the files beside it.
func tree(model []byte, beside ...string) fstest.MapFS {
	files := fstest.MapFS{"model.onnx": {Data: model}}
	for pair := range slices.Chunk(beside, 2) {
		files[pair[0]] = &fstest.MapFile{Data: []byte(pair[1])}
	}
	return files
}

func open(t testing.TB, fsys fs.FS, name string) formats.Input {
	in, err := formats.Open(fsys, name)
	require.NoError(t, err)
	t.Cleanup(func() { in.Close() })
	return in
}

func read(t testing.TB, fsys fs.FS) *Model {
	m, err := Read(context.Background(), open(t, fsys, "model.onnx"), formats.Limits{})
	require.NoError(t, err)
	return m
}

func encode(t testing.TB, m *Model) []byte {
	out, err := m.Encode(context.Background())
	require.NoError(t, err)
	return out
}

// code is that of the fault that a model is refused for.
func code(t testing.TB, model []byte, lim formats.Limits) formats.Code {
	m, err := Read(context.Background(), open(t, tree(model), "model.onnx"), lim)
	require.Nil(t, m)
	syntax, ok := errors.AsType[*formats.SyntaxError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "model.onnx", syntax.File)
	return syntax.Code
}

// supplied is the encoded model with its weights in place, as raw_data.
func supplied(t testing.TB, m *Model, fsys fs.FS) []byte {
	encoded := encode(t, m)
	in := open(t, fstest.MapFS{"e": {Data: encoded}}, "e")
	r := &reader{wire: newWire(context.Background(), in, formats.Limits{})}
	parsed := r.model()
	b := newBinder(r, parsed)
	b.bind()
	require.NoError(t, b.err)
	weights := m.Weights()
	for _, x := range r.externals {
		require.Equal(t, map[string]string{"location": "null"}, x.external)
		i := slices.IndexFunc(weights, func(w Weight) bool { return w.Initializer == x.name })
		require.GreaterOrEqual(t, i, 0, x.name)
		w := weights[i]
		weights = slices.Delete(weights, i, i+1)
		require.Equal(t, w.Tensor.Shape, x.dims)
		require.Equal(t, w.Tensor.DType, x.dataType.dtype())
		x.data = make([]byte, w.Tensor.Place.Length)
		require.NoError(t, formats.ReadFull(open(t, fsys, w.Tensor.Place.File), x.data, w.Tensor.Place.Offset))
		require.Equal(t, x.size, int64(len(x.data)))
	}
	require.Empty(t, weights, "every weight is an initializer once")
	e := &encoder{message: schema["ModelProto"]}
	e.model(parsed)
	return e.out
}

func large(seed byte) []byte { return bytes.Repeat([]byte{seed, 1, 0, seed}, Threshold/4) }

// weight is a tensor of 64 KiB; its dimensions are 128 × 128.
func weight(name string, seed byte) o.Part {
	return slices.Concat(o.Head(name, f32, 128, 128), o.Raw(large(seed)))
}

var (
	x = o.Input("x", f32, -1, 128)
	y = o.Output("y", f32)
)

// branched is weights in the branches of an If, of the same names in both.
func branched() []byte {
	branch := func(name string, seed byte) o.Part {
		return o.Body(name, o.Output("out", f32),
			o.Node("Constant", "", "w", o.Tensor("value", weight("", seed))),
			o.Node("MatMul", "x w", "out"))
	}
	returned := func(name string, seed byte) o.Part {
		return o.Body(name, o.Output("k", f32), o.Node("Constant", "", "k", o.Tensor("value", weight("", seed))))
	}
	return o.Standard(x, y, o.Input("c", bit, 1),
		o.Node("If", "c", "a", o.NodeName("If_0"), branch("then_branch", 2), branch("else_branch", 3)),
		o.Node("If", "c", "b", returned("then_branch", 4), returned("else_branch", 5)),
		o.Node("Constant", "", "w", o.Tensor("value", weight("", 6))),
		o.Node("MatMul", "a b", "h"), o.Node("MatMul", "h w", "y"))
}

func TestWeightsMoveToTheMainGraph(t *testing.T) {
	files := tree(branched())
	m := read(t, files)
	var names []string
	for _, w := range m.Weights() {
		names = append(names, w.Initializer)
		require.Equal(t, w.Initializer, w.Tensor.ID.Name)
		require.Equal(t, "model.onnx", w.Tensor.ID.File)
		require.Equal(t, formats.F32, w.Tensor.DType)
		require.Equal(t, []int64{128, 128}, w.Tensor.Shape)
		require.Equal(t, int64(Threshold), w.Tensor.Place.Length)
		require.Equal(t, strings.HasSuffix(w.Initializer, "w") || w.Initializer == "w_1", w.Borrow, w.Initializer)
	}
	// The main graph's w would be visible in the branches, which have their own.
	require.Equal(t, []string{"If_0/then_branch/w", "If_0/else_branch/w", "If_1/then_branch/k", "If_1/else_branch/k", "w_1"}, names)
	require.Less(t, len(encode(t, m)), 2000)

	again := supplied(t, m, files)
	require.Equal(t, encode(t, m), encode(t, read(t, tree(again))))
}

func TestSubgraphReturnsWhatItIsGiven(t *testing.T) {
	m := read(t, tree(branched()))
	g := m.tree.graph
	for _, branch := range []string{"then_branch", "else_branch"} {
		sub := g.nodes[1].subgraph(branch)
		require.Len(t, sub.nodes, 1)
		require.Equal(t, "Identity", sub.nodes[0].op)
		require.Equal(t, "k", sub.outs[0].name)
	}
}

func TestNamesStayApart(t *testing.T) {
	branch := func(name string) o.Part {
		return o.Body(name, o.Output("out", f32), o.Initializer(weight("w", 1)), o.Node("MatMul", "x w", "out"))
	}
	files := tree(o.Standard(x, y, o.Output("w", f32), o.Input("c", bit, 1),
		o.Node("If", "c", "a", o.NodeName("if"), branch("then_branch"), branch("else_branch")),
		o.Node("If", "c", "b", o.NodeName("if"), branch("then_branch"), branch("else_branch")),
		o.Node("Constant", "", "w", o.Tensor("value", weight("", 2))),
		o.Node("Relu", "a", "if/then_branch/w_1"), o.Node("Add", "a b", "y")))
	m := read(t, files)
	var names []string
	for _, w := range m.Weights() {
		names = append(names, w.Initializer)
	}
	require.Equal(t, []string{"if/then_branch/w", "if/else_branch/w", "if/then_branch/w_2", "if/else_branch/w_1", "w_1"}, names)
	require.Equal(t, "w", m.Outputs()[1].Name)
	require.Equal(t, "w", m.tree.graph.outs[1].name, "what a graph returns keeps its name")
	require.Equal(t, encode(t, m), encode(t, read(t, tree(supplied(t, m, files)))))
}

func TestModelsBeforeOperatorSets(t *testing.T) {
	m := read(t, tree(o.Model(o.IR(2), o.Graph(x, y, o.Node("Relu", "x", "y")))))
	require.Equal(t, []opset{{version: 1}}, m.tree.opsets)
	require.True(t, strings.HasPrefix(string(encode(t, m)), "\x08\x04"))
}

func TestPartsThatACallRepeatsCount(t *testing.T) {
	call := func(inputs int) []byte {
		return o.Model(o.IR(8), o.Opset("", 17), o.Opset("f", 1), o.Graph(x, y, o.Node("f:f", "x", "h"), o.Node("f:f", "h", "y")),
			o.Function("f.f", o.FunctionInputs("a"), o.FunctionOutputs("b"), o.FunctionOpset("", 17), o.FunctionNode("Sum", strings.Repeat("a ", inputs), "b")))
	}
	_, err := Read(context.Background(), open(t, tree(call(2)), "model.onnx"), formats.Limits{MaxNodes: 10})
	require.NoError(t, err)
	require.Equal(t, CodeExpansion, code(t, call(64*10), formats.Limits{MaxNodes: 10}))

	branches := func(more o.Part) []byte {
		return o.Model(o.IR(8), o.Opset("", 17), o.Opset("f", 1), o.Graph(o.Input("c", bit), y, o.Node("f:f", "c", "h"), o.Node("f:f", "c", "y")),
			o.Function("f.f", o.FunctionInputs("a"), o.FunctionOutputs("b"), o.FunctionOpset("", 17), o.FunctionNode("If", "a", "b",
				o.Body("then_branch", o.Node("Constant", "", "t", o.Int("value_int", 1)), o.Output("t", i64), more),
				o.Body("else_branch", o.Node("Constant", "", "e", o.Int("value_int", 1)), o.Output("e", i64)))))
	}
	many := parts(10, func(i int) o.Part { return o.Initializer(weightless(fmt.Sprint("w", i))) })
	_, err = Read(context.Background(), open(t, tree(branches(nil)), "model.onnx"), formats.Limits{MaxNodes: 20})
	require.NoError(t, err)
	require.Equal(t, CodeExpansion, code(t, branches(many), formats.Limits{MaxNodes: 20}))
}

func TestSmallAndOddTensorsStay(t *testing.T) {
	odd := slices.Concat(o.Head("odd", 22, 2*Threshold+1), o.Raw(make([]byte, Threshold+1))) // int4, half a byte left
	var typed []byte
	for range Threshold / 2 {
		typed = append(typed, 7)
	}
	half := slices.Concat(o.Head("half", 10, Threshold/2), o.Bytes(5, typed)) // float16 as varints
	packed := slices.Concat(o.Head("packed", f32, Threshold/4), o.Bytes(4, make([]byte, Threshold)))
	small := slices.Concat(o.Head("small", f32, 1), o.Raw(make([]byte, 4)))
	m := read(t, tree(o.Standard(x, y, o.Initializer(odd), o.Initializer(half), o.Initializer(packed), o.Initializer(small), o.Node("Relu", "x", "y"))))
	require.Len(t, m.Weights(), 1, "packed floats are their own little-endian bytes")
	require.Equal(t, "packed", m.Weights()[0].Initializer)
	found := m.Inspection().Tensors
	require.Len(t, found, 3)
	for _, tensor := range found[1:] {
		require.True(t, tensor.Inline)
		require.Zero(t, tensor.Place)
	}
	require.Contains(t, string(encode(t, m)), strings.Repeat("\x07\x00", Threshold/2))
}

func TestTypedAndRawAreOne(t *testing.T) {
	models := map[string][]byte{}
	for _, name := range []string{"typed", "raw"} {
		data, err := os.ReadFile("testdata/" + name + ".onnx")
		require.NoError(t, err)
		m := read(t, tree(data))
		require.Len(t, m.tree.graph.consts, 25)
		models[name] = encode(t, m)
	}
	require.Equal(t, models["raw"], models["typed"])
}

func TestFixtures(t *testing.T) {
	names, err := filepath.Glob("testdata/*.onnx")
	require.NoError(t, err)
	require.Greater(t, len(names), 15)
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		files := tree(data)
		claimed, err := Format().Claims(context.Background(), open(t, files, "model.onnx"))
		require.NoError(t, err)
		require.True(t, claimed, name)
		m := read(t, files)
		require.Empty(t, m.Inspection().Findings, name)
		require.Equal(t, encode(t, m), encode(t, read(t, tree(encode(t, m)))), "%s: encoding is a fixed point", name)
		if ir, ok := strings.CutPrefix(filepath.Base(name), "linear-ir"); ok {
			version, err := strconv.Atoi(strings.TrimSuffix(ir, ".onnx"))
			require.NoError(t, err)
			require.Equal(t, []Value{{"x", formats.F32, []int64{-1, 2}}}, m.Inputs(), name)
			require.Equal(t, []Value{{"y", formats.F32, []int64{-1, 3}}}, m.Outputs(), name)
			require.NotContains(t, string(encode(t, m)), "y = x w", "doc strings stay behind")
			require.Equal(t, byte(max(version, 4)), encode(t, m)[1])
		}
	}
}

func TestValuesThatAreNoTensors(t *testing.T) {
	data, err := os.ReadFile("testdata/kinds.onnx")
	require.NoError(t, err)
	m := read(t, tree(data))
	require.Equal(t, []Value{{"words", formats.UnknownDType, []int64{2}}, {"pair", formats.UnknownDType, nil}}, m.Outputs())
}

func TestExternalData(t *testing.T) {
	at := func(name string, offset int) o.Part {
		return o.Initializer(o.Head(name, f32, 128, 128), o.External("location", "w.bin", "offset", strconv.Itoa(offset), "length", strconv.Itoa(Threshold)))
	}
	small := o.Initializer(o.Head("s", f32, 1), o.External("location", "w.bin", "offset", strconv.Itoa(2*Threshold+4096)))
	model := o.Standard(x, y, at("a", 0), at("b", Threshold), small, o.Node("MatMul", "x a", "h"), o.Node("MatMul", "h b", "g"), o.Node("Mul", "g s", "y"))
	data := slices.Concat(large(1), large(2), make([]byte, 4096), []byte("smal"))
	files := tree(model, "w.bin", string(data))
	m := read(t, files)
	require.Len(t, m.Weights(), 2)
	require.Equal(t, formats.Range{File: "w.bin", Offset: Threshold, Length: Threshold}, m.Weights()[1].Tensor.Place)
	require.Contains(t, string(encode(t, m)), "smal")
	var claimed int64
	for _, c := range m.Inspection().Claims {
		if c.File == "w.bin" {
			claimed += c.Length
		}
	}
	require.Equal(t, int64(len(data)), claimed, "the zeros between the tensors are padding")
	require.Empty(t, m.Inspection().Findings)
	require.Equal(t, encode(t, m), encode(t, read(t, tree(supplied(t, m, files)))))

	data[2*Threshold+9] = 1
	found := read(t, tree(model, "w.bin", string(data))).Inspection().Findings
	require.Len(t, found, 1)
	require.Equal(t, CodeExternalUnclaimed, found[0].Code)
	require.Equal(t, "w.bin", found[0].File)
	require.Equal(t, int64(2*Threshold), found[0].Offset)
}

// A graph that its caller built may leave tensors out; for any other that is a
// fault, as it is for both to bind one tensor twice.
func TestReadBuiltLeavesTensorsOut(t *testing.T) {
	header := `{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[4],"data_offsets":[16,32]}}`
	file := string(binary.LittleEndian.AppendUint64(nil, uint64(len(header)))) + header + strings.Repeat("\x00", 32)
	model := func(names ...string) fs.FS {
		parts := []o.Part{x, y}
		last := "x"
		for i, name := range names {
			parts = append(parts, o.Initializer(o.Head(name, f32, 4), o.External("location", "w.safetensors", "offset", strconv.Itoa(8+len(header)), "length", "16")),
				o.Node("Add", last+" "+name, fmt.Sprint("h", i)))
			last = fmt.Sprint("h", i)
		}
		return tree(o.Standard(append(parts, o.Node("Identity", last, "y"))...), "w.safetensors", file)
	}
	m, err := ReadBuilt(t.Context(), open(t, model("a"), "model.onnx"), formats.Limits{})
	require.NoError(t, err)
	require.NotEmpty(t, encode(t, m))

	for _, c := range []struct {
		read  func(context.Context, formats.Input, formats.Limits) (*Model, error)
		names []string
		want  formats.Code
	}{
		{Read, []string{"a"}, CodeSafetensorsUnused},
		{ReadBuilt, []string{"a", "again"}, CodeSafetensorsTwice},
	} {
		m, err := c.read(t.Context(), open(t, model(c.names...), "model.onnx"), formats.Limits{})
		require.Nil(t, m)
		syntax, ok := errors.AsType[*formats.SyntaxError](err)
		require.True(t, ok, err)
		require.Equal(t, c.want, syntax.Code)
	}
}

func TestExternalDataInsideBranches(t *testing.T) {
	branch := func(name, file string) o.Part {
		return o.Body(name, o.Output("out", f32),
			o.Initializer(o.Head("w", f32, 128, 128), o.External("location", file)),
			o.Node("MatMul", "x w", "out"))
	}
	m := read(t, tree(o.Standard(x, y, o.Input("c", bit, 1), o.Node("If", "c", "y", o.NodeName("if"), branch("then_branch", "sub/a.bin"), branch("else_branch", "b.bin"))),
		"sub/a.bin", string(large(1)), "b.bin", string(large(2))))
	require.Len(t, m.Weights(), 2)
	require.Equal(t, "if/then_branch/w", m.Weights()[0].Initializer)
	require.Equal(t, "sub/a.bin", m.Weights()[0].Tensor.Place.File)
	require.Empty(t, m.tree.graph.nodes[0].subgraph("then_branch").consts)
}

func TestBorrow(t *testing.T) {
	w := o.Initializer(weight("w", 1))
	for _, c := range []struct {
		about  string
		borrow bool
		nodes  []o.Part
	}{
		{"MatMul", true, []o.Part{o.Node("MatMul", "x w", "y")}},
		{"Gemm", true, []o.Part{o.Node("Gemm", "x w", "y")}},
		{"Gather", true, []o.Part{o.Input("i", i64, -1), o.Node("Gather", "w i", "y")}},
		{"MatMul in two places", true, []o.Part{o.Node("MatMul", "x w", "h"), o.Node("MatMul", "h w", "y")}},
		{"first operand", false, []o.Part{o.Node("MatMul", "w x", "y")}},
		{"Conv", false, []o.Part{o.Node("Conv", "x w", "y")}},
		{"Transpose", false, []o.Part{o.Node("Transpose", "w", "v"), o.Node("MatMul", "x v", "y")}},
		{"one of two consumers", false, []o.Part{o.Node("MatMul", "x w", "h"), o.Node("Add", "h w", "y")}},
		{"Gather that folds", false, []o.Part{o.Initializer(o.Int64s("i", 1)), o.Node("Gather", "w i", "y")}},
		{"returned", false, []o.Part{o.Node("MatMul", "x w", "y"), o.Output("w", f32)}},
		{"inside a branch", true, []o.Part{o.Input("c", bit, 1), o.Node("If", "c", "y",
			o.Body("then_branch", o.Output("a", f32), o.Node("MatMul", "x w", "a")), o.Body("else_branch", o.Output("b", f32), o.Node("MatMul", "x w", "b")))}},
		{"folds inside a branch", false, []o.Part{o.Input("c", bit, 1), o.Node("If", "c", "y",
			o.Body("then_branch", o.Output("a", f32), o.Node("MatMul", "w w", "a")), o.Body("else_branch", o.Output("b", f32), o.Node("MatMul", "x w", "b")))}},
	} {
		m := read(t, tree(o.Standard(append([]o.Part{x, y, w}, c.nodes...)...)))
		require.Len(t, m.Weights(), 1, c.about)
		require.Equal(t, c.borrow, m.Weights()[0].Borrow, c.about)
	}
}

func TestClaims(t *testing.T) {
	good := o.Standard(x, y, o.Node("Relu", "x", "y"))
	for name, c := range map[string]struct {
		data []byte
		want bool
	}{
		"model":             {good, true},
		"IR version 1":      {o.Model(o.IR(1), o.Graph(x, y)), true},
		"empty":             {nil, false},
		"no graph":          {o.Model(o.IR(8), o.Opset("", 17)), false},
		"two graphs":        {o.Model(o.IR(8), o.Opset("", 17), o.Graph(x), o.Graph(y)), false},
		"no operator sets":  {o.Model(o.IR(8), o.Graph(x, y)), false},
		"no version":        {o.Model(o.Opset("", 17), o.Graph(x, y)), false},
		"trailing byte":     {append(slices.Clone(good), 0), false},
		"unknown field":     {append(slices.Clone(good), o.Varint(99, 1)...), false},
		"not a graph":       {o.Model(o.IR(8), o.Opset("", 17), o.Part(o.String(7, "hello, graph"))), false},
		"pickle protocol 2": {[]byte("\x80\x02}q\x00."), false},
		"pickle protocol 0": {[]byte("(dp0\n."), false},
		"safetensors":       {[]byte("\x02\x00\x00\x00\x00\x00\x00\x00{}"), false},
		"zip":               {[]byte("PK\x05\x06" + strings.Repeat("\x00", 18)), false},
		"text":              {[]byte("{\"model\": 1}\n"), false},
		"zeros":             {make([]byte, 4096), false},
	} {
		got, err := Format().Claims(context.Background(), open(t, tree(c.data), "model.onnx"))
		require.NoError(t, err, name)
		require.Equal(t, c.want, got, name)
	}
	for n := range good {
		if claimed, _ := Format().Claims(context.Background(), open(t, tree(good[:n]), "model.onnx")); claimed {
			require.Equal(t, 0, n, "a prefix is no model")
		}
	}
}

func TestPayloadsStayUnread(t *testing.T) {
	model := o.Standard(x, y, o.Initializer(o.Head("w", f32, 1<<20), o.Raw(make([]byte, 4<<20))), o.Node("MatMul", "x w", "y"))
	in := &counting{Input: open(t, tree(model), "model.onnx")}
	claimed, err := Format().Claims(context.Background(), in)
	require.NoError(t, err)
	require.True(t, claimed)
	_, err = Read(context.Background(), in, formats.Limits{MaxHeader: 4096})
	require.NoError(t, err)
	require.Less(t, in.bytes, int64(16*windowSize))
}

type counting struct {
	formats.Input
	bytes int64
}

func (c *counting) ReadAt(b []byte, offset int64) (int, error) {
	n, err := c.Input.ReadAt(b, offset)
	c.bytes += int64(n)
	return n, err
}

func TestLimits(t *testing.T) {
	two := o.Standard(x, y, o.Initializer(o.Int64s("a", 1)), o.Initializer(o.Int64s("b", 1)), o.Node("Relu", "x", "h"), o.Node("Relu", "h", "y"))
	require.Equal(t, CodeLimit, code(t, two, formats.Limits{MaxTensors: 1}))
	require.Equal(t, CodeLimit, code(t, two, formats.Limits{MaxNodes: 1}))
	require.Equal(t, CodeLimit, code(t, two, formats.Limits{MaxHeader: 100}))
	require.Equal(t, CodeLimit, code(t, o.Standard(x, y, o.Initializer(o.Head("w", f32, make([]int64, maxRank+1)...)), o.Node("Relu", "x", "y")), formats.Limits{}))
	require.Equal(t, CodeLimit, code(t, o.Standard(y, o.Input("x", f32, make([]int64, maxRank+1)...), o.Node("Relu", "x", "y")), formats.Limits{}))
	shapes := []o.Part{o.Input("x", f32, make([]int64, maxRank)...)}
	for range 100 {
		shapes = append(shapes, o.Node("Relu", "x", strings.Repeat("r", len(shapes))))
	}
	require.Equal(t, CodeLimit, code(t, o.Standard(append(shapes, o.Output("r", f32))...), formats.Limits{MaxHeader: 50_000}))
	require.Equal(t, CodeNesting, code(t, branched(), formats.Limits{MaxNesting: 1}))
	require.Equal(t, CodeFoldSize, code(t, o.Standard(y, o.Initializer(o.Int64s("n", 1000)), o.Node("ConstantOfShape", "n", "y")), formats.Limits{MaxFold: 1000}))
}

func TestErrorsOfReading(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	in := open(t, tree(branched()), "model.onnx")
	m, err := Read(ctx, in, formats.Limits{})
	require.Nil(t, m)
	require.ErrorIs(t, err, context.Canceled)
	_, err = Format().Claims(ctx, in)
	require.ErrorIs(t, err, context.Canceled)

	broken := errors.New("disk")
	_, err = Format().Inspect(context.Background(), &failing{in, broken}, formats.Limits{})
	require.ErrorIs(t, err, broken)
	model := read(t, tree(branched()))
	_, err = model.Encode(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

type failing struct {
	formats.Input
	err error
}

func (f *failing) ReadAt([]byte, int64) (int, error) { return 0, f.err }

func TestEveryPrefixAndFlip(t *testing.T) {
	data, err := os.ReadFile("testdata/function.onnx")
	require.NoError(t, err)
	for n := range data {
		_, err := Read(context.Background(), open(t, tree(data[:n]), "model.onnx"), formats.Limits{})
		if n > 0 && err == nil {
			// What is left behind a field of the model can only be other fields.
			claimed, _ := Format().Claims(context.Background(), open(t, tree(data[:n]), "model.onnx"))
			require.True(t, claimed)
		}
		for _, flip := range []byte{1, 0x80, 0xff} {
			bad := slices.Clone(data)
			bad[n] ^= flip
			if m, err := Read(context.Background(), open(t, tree(bad), "model.onnx"), formats.Limits{}); err == nil {
				encode(t, m)
			}
		}
	}
}

func TestModelOwnsItsAnswers(t *testing.T) {
	m := read(t, tree(branched()))
	m.Weights()[0].Initializer = "changed"
	m.Inspection().Tensors[0].ID.Name = "changed"
	m.Inputs()[0].Name = "changed"
	require.NotEqual(t, "changed", m.Weights()[0].Initializer)
	require.NotEqual(t, "changed", m.Inspection().Tensors[0].ID.Name)
	require.NotEqual(t, "changed", m.Inputs()[0].Name)
}
