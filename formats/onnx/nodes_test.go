package onnx

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	o "github.com/weightgate/weightgate/formats/onnx/onnxtest"
)

func TestNodesHaveNamesOfTheirOwn(t *testing.T) {
	branch := func(name, out string) o.Part {
		return o.Body(name, o.Output(out, f32), o.Node("Relu", "x", out), o.Node("Neg", "x", "n"+out, o.NodeName("/neg")))
	}
	model := o.Model(o.IR(8), o.Opset("", 17), o.Opset("com.microsoft", 1), o.Graph(
		o.Input("x", f32, 4), o.Input("c", bit), o.Output("y", f32),
		o.Node("Relu", "x", "a"),
		o.Node("Relu", "a", "b", o.NodeName("Relu_0")),
		o.Node("Relu", "b", "d", o.NodeName("twice")),
		o.Node("Neg", "d", "e", o.NodeName("twice")),
		o.Node("MatMul", "e e", "f", o.NodeName("Shape")),
		o.Node("MatMul", "e e", "g", o.NodeName("com.microsoft/Gelu")),
		o.Node("Shape", "g", "h", o.NodeName("/Shape")),
		o.Node("Relu", "g", "i", o.NodeName("")),
		o.Node("com.microsoft:Gelu", "i", "j", o.NodeName("elsewhere/Gelu")),
		o.Node("Relu", "g", "k", o.NodeName("[bare]")),
		o.Node("Relu", "g", "l", o.NodeName("[twice]")),
		o.Node("Relu", "g", "m", o.NodeName("[[deep]]")),
		o.Node("Relu", "g", "o", o.NodeName("open[")),
		o.Node("Relu", "g", "r", o.NodeName("[Relu]")),
		o.Node("Relu", "g", "s", o.NodeName("[]")),
		o.Node("If", "c", "y", branch("then_branch", "p"), branch("else_branch", "q")),
	))
	m := read(t, tree(model))
	want := []string{
		"Relu:Relu_0_1", "Relu:Relu_0", "Relu:twice", "Neg:Neg_3", "MatMul:MatMul_4", "MatMul:MatMul_5", "Shape:/Shape",
		"Relu:Relu_7", "com.microsoft/Gelu:elsewhere/Gelu", "Relu:bare",
		"Relu:Relu_10", "Relu:Relu_11", "Relu:Relu_12", "Relu:Relu_13", "Relu:Relu_14", "If:If_15", "Relu:Relu_0_2", "Neg:/neg", "Relu:Relu_0_3", "Neg:Neg_1",
	}
	names := func(m *Model) (list []string) {
		for _, n := range m.Nodes() {
			list = append(list, n.Operator+":"+n.Name)
		}
		return list
	}
	require.Equal(t, want, names(m))
	require.Equal(t, want, names(read(t, tree(encode(t, m)))), "they are encoded, and kept")
}

// Names are written in brackets. Copies that runtimes make of a function's nodes
// have none: what is written of these holds none.
func TestNamesAreEncodedInBrackets(t *testing.T) {
	m := read(t, tree(o.Model(o.IR(8), o.Opset("", 17), o.Opset("f", 1),
		o.Function("f.[Fn]", o.FunctionInputs("a"), o.FunctionOutputs("b"), o.FunctionOpset("", 17),
			o.FunctionNode("Relu", "a", "b", o.NodeName("[in]side"))),
		o.Graph(o.Input("x", f32, 4), o.Output("y", f32),
			o.Node("Relu", "x", "a", o.NodeName("first")), o.Node("f:[Fn]", "a", "y")))))
	require.Equal(t, []Node{{Name: "first", Operator: "Relu", Floats: true}, {Name: "Fn_1", Operator: "f/[Fn]", Floats: true}}, m.Nodes())
	require.Equal(t, "[first]", m.Nodes()[0].Encoded())
	encoded := string(encode(t, m))
	for text, want := range map[string]bool{"[first]": true, "[Fn_1]": true, "inside": true, "[in]side": false} {
		require.Equal(t, want, strings.Contains(encoded, text), text)
	}
}
