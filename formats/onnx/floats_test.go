package onnx

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	o "github.com/weightgate/weightgate/formats/onnx/onnxtest"
)

// floats are the nodes of a graph that count as computing floats, by operator.
func floats(t *testing.T, graph ...o.Part) (list []string) {
	for _, n := range read(t, tree(o.Model(o.IR(8), o.Opset("", 17), o.Opset("com.microsoft", 1), o.Graph(graph...)))).Nodes() {
		if n.Floats {
			list = append(list, n.Operator)
		}
	}
	return list
}

func TestFloats(t *testing.T) {
	x, n, out := o.Input("x", f32, -1, 4), o.Input("n", i64, 2), o.Output("y", 0)
	half := o.Initializer(o.Head("half", f32, 1), o.Raw(make([]byte, 4)))
	branch := func(name, out, op string) o.Part { return o.Body(name, o.Output(out, 0), o.Node(op, "n", out)) }
	loop := func(inner o.Part) o.Part {
		return o.Body("body", o.Input("i", i64), o.Input("g", bit), o.Message(11, o.String(1, "v")), o.Output("h", bit), o.Output("w", 0),
			o.Node("Identity", "g", "h"), inner)
	}
	for _, c := range []struct {
		about string
		graph []o.Part
		want  []string
	}{
		{"a shape", []o.Part{x, ints("one", 1), o.Node("Shape", "x", "s"), o.Node("Add", "s one", "y")}, nil},
		{"what is filled with floats", []o.Part{x, o.Node("Shape", "x", "s"), o.Node("ConstantOfShape", "s", "y")}, []string{"ConstantOfShape"}},
		{"what is filled with integers", []o.Part{x, o.Node("Shape", "x", "s"), o.Node("ConstantOfShape", "s", "y", o.Tensor("value", o.Int64s("", 1)))}, nil},
		{"a cast to floats", []o.Part{n, o.Node("Cast", "n", "y", o.Int("to", f32))}, []string{"Cast"}},
		{"a cast of floats", []o.Part{x, o.Node("Cast", "x", "y", o.Int("to", i64))}, []string{"Cast"}},
		{"a cast of integers", []o.Part{n, o.Node("Cast", "n", "b", o.Int("to", bit)), o.Node("Not", "b", "y")}, nil},
		{"a cast to text", []o.Part{n, o.Node("Cast", "n", "y", o.Int("to", 8))}, []string{"Cast"}},
		{"a cast like an integer", []o.Part{n, o.Node("CastLike", "n n", "y")}, nil},
		{"a cast like a float", []o.Part{n, half, o.Node("CastLike", "n half", "y")}, []string{"CastLike"}},
		{"a comparison of floats, and what follows", []o.Part{x, half, o.Node("Less", "x half", "b"), o.Node("Not", "b", "y")}, []string{"Less"}},
		{"a choice of floats", []o.Part{x, half, o.Node("Less", "x half", "b"), o.Node("Where", "b x half", "y")}, []string{"Less", "Where"}},
		{"an optional input", []o.Part{n, ints("p", 1, 1), o.Node("Pad", "n p -", "y")}, nil},
		{"a constant", []o.Part{n, o.Node("Constant", "", "k", o.Ints("value_ints", 1, 2)), o.Node("Mul", "n k", "y")}, nil},
		{"a product of integers is no shape's", []o.Part{n, o.Node("MatMul", "n n", "y")}, []string{"MatMul"}},
		{"another domain's", []o.Part{n, o.Node("com.microsoft:Unique", "n", "y")}, []string{"com.microsoft/Unique"}},
		{"a sequence", []o.Part{n, o.Node("SequenceConstruct", "n n", "q"), o.Node("SequenceLength", "q", "y")}, []string{"SequenceConstruct", "SequenceLength"}},
		{"of an unknown type", []o.Part{n, o.Node("MatMul", "n n", "u"), o.Node("Add", "u n", "y")}, []string{"MatMul", "Add"}},
		{"branches of integers", []o.Part{n, o.Input("c", bit), o.Node("If", "c", "y", branch("then_branch", "a", "Neg"), branch("else_branch", "b", "Abs"))}, nil},
		{"a branch of floats", []o.Part{n, o.Input("c", bit), o.Node("If", "c", "y", branch("then_branch", "a", "Neg"),
			o.Body("else_branch", o.Output("b", 0), o.Node("Cast", "n", "b", o.Int("to", f32))))}, []string{"If", "Cast"}},
		{"a Loop of integers", []o.Part{n, o.Input("m", i64), o.Node("Loop", "m - n", "y", loop(o.Node("Add", "v v", "w")))}, nil},
		{"a Loop of floats", []o.Part{x, o.Input("m", i64), o.Node("Loop", "m - x", "y", loop(o.Node("Add", "v v", "w")))}, []string{"Loop", "Add"}},
		{"a Scan", []o.Part{n, o.Node("Scan", "n", "y", o.Int("num_scan_inputs", 1),
			o.Body("body", o.Message(11, o.String(1, "v")), o.Output("w", 0), o.Node("Neg", "v", "w")))}, []string{"Scan", "Neg"}},
	} {
		t.Run(c.about, func(t *testing.T) {
			require.Equal(t, c.want, floats(t, append([]o.Part{out}, c.graph...)...))
		})
	}
}

// Calls count as floats; bodies are no nodes of the graph.
func TestFloatsOfFunctions(t *testing.T) {
	m := read(t, tree(o.Model(o.IR(8), o.Opset("", 17), o.Opset("f", 1),
		o.Function("f.same", o.FunctionInputs("a"), o.FunctionOutputs("b"), o.FunctionNode("Identity", "a", "b"), o.FunctionOpset("", 17)),
		o.Graph(o.Input("n", i64, 2), o.Output("y", 0), o.Node("f:same", "n", "y")))))
	require.Equal(t, []Node{{Name: "same_0", Operator: "f/same", Floats: true}}, m.Nodes())
}

// What the sets promise of their operators is so in all versions of them.
func TestIntegralOperatorsAreTheReference(t *testing.T) {
	text, err := os.ReadFile("testdata/integral.json")
	require.NoError(t, err)
	var reference map[string]string
	require.NoError(t, json.Unmarshal(text, &reference))
	require.Greater(t, len(reference), 100)
	for _, ops := range []map[string]bool{measures, decisions} {
		for op := range ops {
			require.Equal(t, "always", reference[op[1:]], op)
		}
	}
	for op := range arithmetic {
		require.NotEmpty(t, reference[op[1:]], op)
	}
}

// What is known to be integral is what onnx's reference computed as such.
func TestIntegralAgreesWithTheReference(t *testing.T) {
	text, err := os.ReadFile("testdata/nodes.json")
	require.NoError(t, err)
	var cases []struct {
		Name    string
		Model   []byte
		Outputs []struct{ DType string }
	}
	require.NoError(t, json.Unmarshal(text, &cases))
	agreed := 0
	for _, c := range cases {
		m, err := Read(context.Background(), open(t, tree(c.Model), "model.onnx"), formats.Limits{})
		if err != nil {
			continue // it folds into nobody knows what
		}
		for i, v := range m.tree.graph.outs {
			if v.isIntegral() {
				require.Regexp(t, "^(u?int[0-9]+|bool)$", c.Outputs[i].DType, c.Name)
				agreed++
			}
		}
	}
	require.Greater(t, agreed, 40)
}
