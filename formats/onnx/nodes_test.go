package onnx

import (
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
		o.Node("If", "c", "y", branch("then_branch", "p"), branch("else_branch", "q")),
	))
	m := read(t, tree(model))
	want := []string{
		"Relu:Relu_0_1", "Relu:Relu_0", "Relu:twice", "Neg:Neg_3", "MatMul:MatMul_4", "MatMul:MatMul_5", "Shape:/Shape",
		"Relu:Relu_7", "com.microsoft/Gelu:elsewhere/Gelu", "If:If_9", "Relu:Relu_0_2", "Neg:/neg", "Relu:Relu_0_3", "Neg:Neg_1",
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
