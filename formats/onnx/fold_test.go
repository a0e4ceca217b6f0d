package onnx

import (
	"context"
	"errors"
	"math"
	"math/big"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	o "github.com/weightgate/weightgate/formats/onnx/onnxtest"
)

// outcome is the code that a graph is refused for, empty if it is not.
func outcome(t *testing.T, graph ...o.Part) formats.Code {
	m, err := Read(context.Background(), open(t, tree(o.Standard(append([]o.Part{y}, graph...)...)), "model.onnx"), formats.Limits{})
	if err == nil {
		require.NotNil(t, m)
		return ""
	}
	syntax, ok := errors.AsType[*formats.SyntaxError](err)
	require.True(t, ok, "%v", err)
	return syntax.Code
}

func ints(name string, values ...int64) o.Part { return o.Initializer(o.Int64s(name, values...)) }

func scalar(name string, v int64) o.Part {
	return o.Initializer(o.Head(name, i64), o.Varint(7, v))
}

func TestWhatOnlyARunKnowsDoesNotFold(t *testing.T) {
	dynamic := o.Input("x", f32, -1, 128)
	for about, graph := range map[string][]o.Part{
		"shape of an open dimension":     {dynamic, ints("c", 1<<20, 1<<20), o.Node("Shape", "x", "s"), o.Node("Mul", "s c", "n"), o.Node("ConstantOfShape", "n", "y")},
		"size of an open dimension":      {dynamic, ints("c", 1<<40), o.Node("Size", "x", "s"), o.Node("Mul", "s c", "n"), o.Node("ConstantOfShape", "n", "y")},
		"behind a convolution":           {o.Input("x", f32, -1, 3, -1, -1), o.Initializer(o.Head("w", f32, 8, 3, 1, 1), o.Raw(make([]byte, 96))), o.Node("Conv", "x w", "h"), o.Node("Shape", "h", "n"), o.Node("ConstantOfShape", "n", "y")},
		"number of elements that are so": {dynamic, o.Node("NonZero", "x", "z"), o.Node("Shape", "z", "n"), o.Node("ConstantOfShape", "n", "y")},
		"an input of open rank":          {o.Message(11, o.String(1, "x"), o.Message(2, o.Message(1, o.Varint(1, f32)))), o.Node("Shape", "x", "n"), o.Node("ConstantOfShape", "n", "y")},
		"an If that a run decides": {o.Input("c", bit, 1), o.Node("If", "c", "n",
			o.Body("then_branch", o.Output("a", i64), o.Node("Constant", "", "a", o.Ints("value_ints", 1<<40))),
			o.Body("else_branch", o.Output("b", i64), o.Node("Constant", "", "b", o.Ints("value_ints", 1)))), o.Node("ConstantOfShape", "n", "y")},
		"a random tensor": {o.Node("RandomNormal", "", "y", o.Ints("shape", 1<<30))},
		"half of a shape": {dynamic, ints("i", 0), ints("big", 1<<40), o.Node("Shape", "x", "s"), o.Node("Gather", "s i", "n1"), o.Node("Concat", "n1 big", "n", o.Int("axis", 0)), o.Node("ConstantOfShape", "n", "y")},
		"a long list of open dimensions": {o.Input("x", f32, -1, -1), ints("pad", make([]int64, maxElements)...), ints("b", 1), ints("e", 2), o.Node("Shape", "x", "s"), o.Node("Concat", "s pad", "l", o.Int("axis", 0)),
			o.Node("Slice", "l b e", "m"), o.Node("ConstantOfShape", "m", "z"), o.Node("Shape", "z", "n"), o.Node("ConstantOfShape", "n", "y")},
		"small constants":      {ints("n", 1000), o.Node("ConstantOfShape", "n", "y")},
		"the branch not taken": {o.Initializer(o.Head("c", bit), o.Raw([]byte{0})), o.Node("If", "c", "n", o.Body("then_branch", o.Output("a", i64), o.Node("Constant", "", "a", o.Ints("value_ints", 1<<40))), o.Body("else_branch", o.Output("b", i64), o.Node("Constant", "", "b", o.Ints("value_ints", 1)))), o.Node("ConstantOfShape", "n", "y")},
	} {
		require.Empty(t, outcome(t, graph...), about)
	}
}

func TestBombs(t *testing.T) {
	static := o.Input("x", f32, 1, 1<<10)
	fill := o.Node("ConstantOfShape", "n", "y")
	for about, graph := range map[string][]o.Part{
		"Shape of a Transpose":           {static, ints("c", 1<<10, 1<<10), o.Node("Transpose", "x", "u"), o.Node("Shape", "u", "s"), o.Node("Mul", "s c", "n"), fill},
		"Slice of a Shape":               {static, ints("c", 1<<20), ints("b", 1), ints("e", 2), o.Node("Shape", "x", "s"), o.Node("Slice", "s b e", "d"), o.Node("Mul", "d c", "n"), fill},
		"Shape from 1":                   {o.Input("x", f32, -1, 1<<10), ints("c", 1<<20), o.Node("Shape", "x", "s", o.Int("start", 1)), o.Node("Mul", "s c", "n"), fill},
		"ReduceProd of a Shape":          {static, ints("c", 1<<20), o.Node("Shape", "x", "s"), o.Node("ReduceProd", "s", "p"), o.Node("Mul", "p c", "n"), fill},
		"Shape of a Reshape":             {o.Input("x", f32, -1), ints("to", 1<<15, 1<<15), o.Node("Reshape", "x to", "r"), o.Node("Shape", "r", "n"), fill},
		"Shape of an Expand":             {o.Input("x", f32, 1), ints("to", 1<<15, 1<<15), o.Node("Expand", "x to", "r"), o.Node("Shape", "r", "n"), fill},
		"Shape of a branch":              {static, o.Input("c", bit, 1), o.Node("If", "c", "b", o.Body("then_branch", o.Output("p", f32), o.Node("Tile", "x r", "p"), o.Initializer(o.Int64s("r", 1<<10, 1<<10))), o.Body("else_branch", o.Output("q", f32), o.Node("Tile", "x u", "q"), o.Initializer(o.Int64s("u", 1<<10, 1<<10)))), o.Node("Shape", "b", "n"), fill},
		"Pad":                            {ints("v", 1), ints("pads", 0, 1<<30), o.Node("Pad", "v pads", "y")},
		"OneHot":                         {ints("v", 1), ints("depth", 1<<30), ints("on", 0, 1), o.Node("OneHot", "v depth on", "y")},
		"Resize":                         {ints("v", 1), ints("to", 1<<30), o.Node("Resize", "v - - to", "y")},
		"a doubling Concat":              doubling(),
		"a product of two constants":     {ints("m", 1<<12, 1), o.Node("ConstantOfShape", "m", "a"), o.Node("Transpose", "a", "b"), o.Node("MatMul", "a b", "c"), o.Node("Relu", "c", "y")},
		"a condition nobody can compute": {o.Initializer(o.Head("f", f32), o.Raw(make([]byte, 4))), o.Node("Cast", "f", "c", o.Int("to", bit)), o.Node("If", "c", "n", o.Body("then_branch", o.Output("a", i64), o.Node("Constant", "", "a", o.Ints("value_ints", 1<<40))), o.Body("else_branch", o.Output("b", i64), o.Node("Constant", "", "b", o.Ints("value_ints", 1)))), fill},
		"a float product":                {ints("a", 1<<15), o.Node("Cast", "a", "f", o.Int("to", f32)), o.Node("Mul", "f f", "g"), o.Node("Cast", "g", "n", o.Int("to", i64)), fill},
		"32 bits that wrap":              {o.Initializer(o.Head("a", 6, 1), o.Varint(5, 1<<16)), o.Initializer(o.Head("k", 6, 1), o.Varint(5, 1<<30)), o.Node("Mul", "a a", "z"), o.Node("Sub", "k z", "m"), o.Node("Cast", "m", "n", o.Int("to", i64)), fill},
		"a long list of dimensions": {o.Input("x", f32, -1, 1<<30), ints("pad", make([]int64, maxElements)...), ints("b", 1), ints("e", 2), o.Node("Shape", "x", "s"), o.Node("Concat", "s pad", "l", o.Int("axis", 0)),
			o.Node("Slice", "l b e", "m"), o.Node("ConstantOfShape", "m", "z"), o.Node("Shape", "z", "n"), fill},
		"a Loop that grows what it has": {scalar("trips", 40), o.Initializer(o.Head("go", bit), o.Raw([]byte{1})), ints("v", 1), o.Node("Loop", "trips go v", "y", o.Body("body",
			o.Input("i", i64), o.Input("g", bit), o.Message(11, o.String(1, "a")), o.Output("h", bit), o.Output("b", i64), o.Node("Identity", "g", "h"), o.Node("Concat", "a a", "b", o.Int("axis", 0))))},
		"a Loop that collects": {scalar("trips", 1<<40), o.Initializer(o.Head("go", bit), o.Raw([]byte{1})), ints("v", 1), o.Node("Loop", "trips go", "y", o.Body("body",
			o.Input("i", i64), o.Input("g", bit), o.Output("h", bit), o.Output("b", i64), o.Node("Identity", "g", "h"), o.Node("Neg", "v", "b")))},
	} {
		require.Contains(t, []formats.Code{CodeFoldSize, CodeFoldUnbounded}, outcome(t, graph...), about)
	}
}

// doubling is thirty Concats of a value with itself.
func doubling() []o.Part {
	graph := []o.Part{ints("v0", 1)}
	name := "v0"
	for range 30 {
		graph = append(graph, o.Node("Concat", name+" "+name, name+"v", o.Int("axis", 0)))
		name += "v"
	}
	return append(graph, o.Node("Neg", name, "y"))
}

func TestTensorsBuyFolding(t *testing.T) {
	const side = 4096
	w := o.Initializer(o.Head("w", f32, side, side), o.Raw(make([]byte, 4*side*side)))
	nodes := []o.Part{x, w}
	last := "w"
	for range foldAllowance + 1 {
		nodes = append(nodes, o.Node("Neg", last, last+"n"))
		last += "n"
	}
	nodes = append(nodes, o.Node("Relu", "x", "y"))
	require.Empty(t, outcome(t, nodes...), "nine copies of 64 MiB: eight that the tensor buys, and MaxFold")
	nodes = append(nodes, o.Node("Neg", last, last+"n"))
	require.Equal(t, CodeFoldSize, outcome(t, nodes...))
}

func TestTiedTensorsBuyOnce(t *testing.T) {
	graph := []o.Part{y, x, o.Node("Relu", "x", "y"), ints("n", 1<<24), o.Node("ConstantOfShape", "n", "c"), o.Node("ConstantOfShape", "n", "d")}
	for i := range 4000 {
		graph = append(graph, o.Initializer(o.Head("w"+strconv.Itoa(i), f32, 128, 128), o.External("location", "w.bin")))
	}
	m, err := Read(context.Background(), open(t, tree(o.Standard(graph...), "w.bin", string(large(1))), "model.onnx"), formats.Limits{})
	require.Nil(t, m)
	require.ErrorContains(t, err, string(CodeFoldSize))
}

func TestNegativeSizesPayNothing(t *testing.T) {
	graph := []o.Part{ints("m", -1<<40), ints("n", 1<<26), o.Node("ConstantOfShape", "m", "a"), o.Node("ConstantOfShape", "n", "y")}
	require.Equal(t, CodeFoldSize, outcome(t, graph...))
}

func TestExporterGraphsPass(t *testing.T) {
	for _, name := range []string{"mask", "loop", "function"} {
		data, err := os.ReadFile("testdata/" + name + ".onnx")
		require.NoError(t, err)
		require.Empty(t, read(t, tree(data)).Inspection().Findings)
	}
}

func TestFactsOfConstants(t *testing.T) {
	data, err := os.ReadFile("testdata/typed.onnx")
	require.NoError(t, err)
	followed := 0
	for _, c := range read(t, tree(data)).tree.graph.consts {
		f := factOf(c.constant)
		require.True(t, f.folds)
		require.Equal(t, []number{is(4)}, f.dims)
		if f.elements != nil {
			followed++
			require.Equal(t, []number{is(0), is(1), is(0), is(1)}, f.elements, c.name)
		}
	}
	require.Equal(t, 3, followed, "bool, int32 and int64")
}

func TestSpan(t *testing.T) {
	line := []int64{0, 1, 2, 3, 4}
	for _, c := range []struct {
		start, end, step int64
		want             []int64
	}{
		{0, 5, 1, line},
		{1, 3, 1, []int64{1, 2}},
		{-2, math.MaxInt64, 1, []int64{3, 4}},
		{0, -1, 2, []int64{0, 2}},
		{3, 1, 1, nil},
		{-1, math.MinInt64, -1, []int64{4, 3, 2, 1, 0}},
		{3, 0, -2, []int64{3, 1}},
		{100, 0, -1, []int64{4, 3, 2, 1}},
		{math.MinInt64, 2, 1, []int64{0, 1}},
		{0, 5, math.MaxInt64, []int64{0}},
	} {
		from, count := span(5, c.start, c.end, c.step)
		var got []int64
		for k := range count {
			got = append(got, line[from+k*c.step])
		}
		require.Equal(t, c.want, got, "%+v", c)
	}
}

func TestNumbers(t *testing.T) {
	open := number{state: onlyRun}
	for _, c := range []struct{ got, want number }{
		{plus(is(2), is(3)), is(5)},
		{plus(is(math.MaxInt64), is(1)), number{}},
		{plus(upTo(4), is(1)), upTo(5)},
		{plus(open, number{}), open},
		{times(is(-3), is(5)), is(-15)},
		{times(is(math.MinInt64), is(-1)), number{}},
		{times(is(1<<32), is(1<<32)), number{}},
		{times(upTo(4), upTo(5)), upTo(20)},
		{times(upTo(1<<40), is(1<<40)), number{}},
		{combine(is(7), is(0), divInt), number{}},
		{combine(is(-7), is(2), divInt), is(-3)},
		{combine(is(-7), is(2), modInt), number{}},
		{either(is(2), is(5)), upTo(5)},
		{either(is(-2), is(5)), number{}},
		{either(open, is(5)), number{}},
		{stretchDim(is(1), open), open},
		{stretchDim(is(4), open), is(4)},
		{stretchDim(open, open), open},
		{stretchDim(number{}, is(1)), number{}},
	} {
		require.Equal(t, c.want, c.got)
	}
	for _, pair := range [][2]int64{{math.MinInt64, -1}, {math.MaxInt64, 1}, {math.MinInt64, 0}, {3, math.MinInt64}, {0, math.MinInt64}, {-5, 5}} {
		a, b := big.NewInt(pair[0]), big.NewInt(pair[1])
		for _, c := range []struct {
			f    func(a, b int64) (int64, bool)
			want *big.Int
		}{{addInt, new(big.Int).Add(a, b)}, {subInt, new(big.Int).Sub(a, b)}, {mulInt, new(big.Int).Mul(a, b)}} {
			got, ok := c.f(pair[0], pair[1])
			if ok {
				require.Equal(t, c.want.String(), big.NewInt(got).String(), "%v", pair)
			} else {
				require.True(t, !c.want.IsInt64() || c.want.Int64() == math.MinInt64, "%v is refused without need", pair)
			}
		}
	}
}
