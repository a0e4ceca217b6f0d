package onnx

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	o "github.com/weightgate/weightgate/formats/onnx/onnxtest"
)

// zeros is a constant of that type and shape that the graph computes.
func zeros(name string, dataType int64, dims ...int64) o.Part {
	fill := o.Tensor("value", o.Head("", dataType, 1), o.Raw(make([]byte, dataTypeSize(dataType))))
	return append(ints(name+"_dims", dims...), o.Node("ConstantOfShape", name+"_dims", name, fill)...)
}

func dataTypeSize(t int64) int { return dataType(t).dtype().Bits() / 8 }

func TestStepsAreWork(t *testing.T) {
	const u8 = 2
	image, kernel := zeros("c", f32, 1, 1, 600, 600), zeros("k", f32, 1, 1, 200, 200)
	for about, graph := range map[string][]o.Part{
		"Conv":          {image, kernel, o.Node("Conv", "c k", "y")},
		"ConvInteger":   {zeros("c", u8, 1, 1, 600, 600), zeros("k", u8, 1, 1, 200, 200), o.Node("ConvInteger", "c k", "y")},
		"QLinearConv":   {zeros("c", u8, 1, 1, 600, 600), zeros("k", u8, 1, 1, 200, 200), zeros("z", u8), zeros("s", f32), o.Node("QLinearConv", "c s z k s z s z", "y")},
		"MaxPool":       {image, o.Node("MaxPool", "c", "y", o.Ints("kernel_shape", 200, 200))},
		"LRN":           {zeros("c", f32, 1, 10_000, 10, 10), o.Node("LRN", "c", "y", o.Int("size", 9999))},
		"MatMul":        {zeros("a", f32, 1000, 1000), o.Node("MatMul", "a a", "y")},
		"MatMulInteger": {zeros("a", u8, 1000, 1000), o.Node("MatMulInteger", "a a", "y")},
		"Gemm":          {zeros("a", f32, 4000, 1000), o.Node("Gemm", "a a", "y", o.Int("transA", 1))},
		"LSTM": {zeros("a", f32, 1000, 100, 1), zeros("w", f32, 1, 512, 1), zeros("r", f32, 1, 512, 128),
			o.Node("LSTM", "a w r", "- y", o.Int("hidden_size", 128))},
		"Unique": {ints("n", 0), ints("m", 1<<22), o.Node("ConstantOfShape", "m", "a"), o.Node("Unique", "a", "y")},
	} {
		require.Equal(t, CodeFoldSize, outcome(t, graph...), about)
	}
	require.Empty(t, outcome(t, zeros("a", f32, 100, 100), o.Node("MatMul", "a a", "y")))
}

func TestTextIsAsLongAsItIs(t *testing.T) {
	const repeats, text = 1000, int64(stringType)
	long := bytes.Repeat([]byte("a"), 1<<20)
	constant := o.Initializer(o.Head("s", text, 1), o.Bytes(6, long))
	to := ints("n", repeats)
	for about, graph := range map[string][]o.Part{
		"Expand":        {constant, to, o.Node("Expand", "s n", "y")},
		"Tile":          {constant, to, o.Node("Tile", "s n", "y")},
		"Gather":        {constant, zeros("i", i64, repeats), o.Node("Gather", "s i", "y")},
		"behind a Cast": {constant, to, o.Node("Cast", "s", "t", o.Int("to", text)), o.Node("Expand", "t n", "y")},
		"a Constant":    {to, o.Node("Constant", "", "s", o.Attribute("value_strings", 8, o.Bytes(9, long))), o.Node("Expand", "s n", "y")},
		"one string":    {to, o.Node("Constant", "", "s", o.Attribute("value_string", 3, o.Bytes(4, long))), o.Node("Expand", "s n", "y")},
	} {
		require.Equal(t, CodeFoldSize, outcome(t, graph...), about)
	}
	require.Empty(t, outcome(t, o.Initializer(o.Head("s", text, 1), o.String(6, "a")), to, o.Node("Expand", "s n", "y")))
}

// TestSharedWeights gives one weight of a megabyte to many nodes. It pays for
// eight of them, MaxFold for sixty-four.
func TestSharedWeights(t *testing.T) {
	const side, pay = 512, foldAllowance + 64
	weight := o.Initializer(o.Head("w", f32, side, side), o.Raw(make([]byte, 4*side*side)))
	products := func(n int) o.Part {
		return parts(n, func(i int) o.Part { return o.Node("MatMul", "x w", fmt.Sprintf("m%d", i)) })
	}
	run := o.Node("Relu", "x", "y")
	require.Empty(t, outcome(t, x, run, weight, products(pay)))
	require.Equal(t, CodeShared, outcome(t, x, run, weight, products(pay+1)))

	folded := o.Node("Transpose", "v", "w")
	source := o.Initializer(o.Head("v", f32, side, side), o.Raw(make([]byte, 4*side*side)))
	require.Equal(t, CodeShared, outcome(t, x, run, source, folded, products(pay+2)), "a copy that folding made")
}

func TestCallsShareWeights(t *testing.T) {
	const side, calls = 512, 100
	m := o.Model(o.IR(8), o.Opset("", 17), o.Opset("f", 1), o.Graph(x, y, o.Node("Relu", "x", "y"),
		o.Initializer(o.Head("w", f32, side, side), o.Raw(make([]byte, 4*side*side))),
		parts(calls, func(i int) o.Part { return o.Node("f:f", "x w", fmt.Sprintf("m%d", i)) })),
		o.Function("f.f", o.FunctionInputs("a b"), o.FunctionOutputs("c"), o.FunctionOpset("", 17), o.FunctionNode("MatMul", "a b", "c")))
	refused(t, m, CodeShared)
}

func TestCallsCopyConstants(t *testing.T) {
	const size, calls = 1 << 20, 100
	constant := o.FunctionNode("Constant", "", "b", o.Tensor("value", o.Head("", f32, size/4), o.Raw(make([]byte, size))))
	branch := o.FunctionNode("If", "a", "b", o.Body("then_branch", o.Output("p", f32), o.Initializer(o.Head("v", f32, size/4), o.Raw(make([]byte, size))), o.Node("Neg", "v", "p")),
		o.Body("else_branch", o.Output("q", f32), o.Node("Constant", "", "q", o.Ints("value_ints", 1))))
	for _, body := range []o.Part{constant, branch} {
		m := o.Model(o.IR(8), o.Opset("", 17), o.Opset("f", 1), o.Graph(o.Input("x", bit), y, o.Node("Identity", "x", "y"),
			parts(calls, func(i int) o.Part { return o.Node("f:f", "x", fmt.Sprintf("m%d", i)) })),
			o.Function("f.f", o.FunctionInputs("a"), o.FunctionOutputs("b"), o.FunctionOpset("", 17), body))
		refused(t, m, CodeFoldSize)
	}
}

func TestFunctionsTakeNoGraphs(t *testing.T) {
	graph := []o.Part{o.Input("e", f32), o.Output("r", f32), o.Node("Neg", "e", "r")}
	call := func(more ...o.Part) o.Part {
		return o.Graph(x, y, o.Node("SequenceConstruct", "x", "s"), o.Node("f:f", "s", "t", more...), o.Node("Relu", "x", "y"))
	}
	function := func(more ...o.Part) o.Part {
		parts := append([]o.Part{o.FunctionInputs("a"), o.FunctionOutputs("b"), o.FunctionOpset("", 17),
			o.FunctionNode("SequenceMap", "a", "b", o.Attribute("body", 5, o.String(21, "body")))}, more...)
		return o.Function("f.f", parts...)
	}
	head := o.Model(o.IR(8), o.Opset("", 17), o.Opset("f", 1))
	refused(t, o.Model(head, call(o.Body("body", graph...)), function(o.String(6, "body"))), CodeAttribute)
	byDefault := o.Message(11, o.String(1, "body"), o.Message(6, graph...), o.Varint(20, 5))
	refused(t, o.Model(head, call(), function(byDefault)), CodeAttribute)
}

func refused(t *testing.T, model []byte, want formats.Code) {
	_, err := Read(context.Background(), open(t, tree(model), "model.onnx"), formats.Limits{})
	require.ErrorContains(t, err, string(want))
}
