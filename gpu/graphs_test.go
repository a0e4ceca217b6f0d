//go:build cgo && linux

package gpu

import (
	"testing/fstest"

	"github.com/weightgate/weightgate/gpu/internal/onnxtest"
)

// side is the side of the square weights: 256 KiB each.
const side = 256

func square(name string) onnxtest.Tensor {
	return onnxtest.Floats(name, func(i int) float32 { return wave(i) / 8 }, side, side)
}

func input(name string, dims ...int64) onnxtest.Value {
	return onnxtest.Value{Name: name, Type: onnxtest.Float, Dims: dims}
}

func model(nodes []onnxtest.Node, weights []onnxtest.Tensor, in, out onnxtest.Value) []byte {
	return onnxtest.Model{Graph: onnxtest.Graph{
		Nodes: nodes, Initializers: weights, Inputs: []onnxtest.Value{in}, Outputs: []onnxtest.Value{out},
	}}.Encode()
}

// matMul is x·W, whose kernel packs W.
func matMul() []byte {
	return model([]onnxtest.Node{{Op: "MatMul", In: []string{"x", "W"}, Out: []string{"y"}}},
		[]onnxtest.Tensor{square("W")}, input("x", -1, side), input("y", -1, side))
}

// gather looks rows up in a table.
func gather() []byte {
	in := onnxtest.Value{Name: "x", Type: onnxtest.Int64, Dims: []int64{-1}}
	return model([]onnxtest.Node{{Op: "Gather", In: []string{"W", "x"}, Out: []string{"y"}}},
		[]onnxtest.Tensor{square("W")}, in, input("y", -1, side))
}

// conv has weights that optimizers rewrite, in a Constant node.
func conv() []byte {
	w := onnxtest.Floats("", func(i int) float32 { return wave(i) / 32 }, 32, 64, 3, 3)
	bias := onnxtest.Floats("b", wave, 32)
	return model([]onnxtest.Node{
		{Op: "Constant", Out: []string{"W"}, Attributes: []onnxtest.Attribute{{Name: "value", Tensor: &w}}},
		{Op: "Conv", In: []string{"x", "W", "b"}, Out: []string{"c"}},
		{Op: "Relu", In: []string{"c"}, Out: []string{"y"}},
	}, []onnxtest.Tensor{bias}, input("x", 1, 64, 9, 9), input("y", 1, 32, 7, 7))
}

// negated is x·(-W): constant folding reads W through the graph.
func negated() []byte {
	return model([]onnxtest.Node{
		{Op: "Neg", In: []string{"W"}, Out: []string{"N"}},
		{Op: "MatMul", In: []string{"x", "N"}, Out: []string{"y"}},
	}, []onnxtest.Tensor{square("W")}, input("x", -1, side), input("y", -1, side))
}

// branches has a weight as initializer of one branch of an If, and another in
// a Constant node of the other.
func branches() []byte {
	other := onnxtest.Floats("", func(i int) float32 { return wave(i+3) / 8 }, side, side)
	out := []onnxtest.Value{input("b", -1, side)}
	then := onnxtest.Graph{
		Nodes:        []onnxtest.Node{{Op: "MatMul", In: []string{"x", "W"}, Out: []string{"b"}}},
		Initializers: []onnxtest.Tensor{square("W")}, Outputs: out,
	}
	otherwise := onnxtest.Graph{
		Nodes: []onnxtest.Node{
			{Op: "Constant", Out: []string{"V"}, Attributes: []onnxtest.Attribute{{Name: "value", Tensor: &other}}},
			{Op: "MatMul", In: []string{"x", "V"}, Out: []string{"b2"}},
		},
		Outputs: []onnxtest.Value{input("b2", -1, side)},
	}
	return onnxtest.Model{Graph: onnxtest.Graph{
		Nodes: []onnxtest.Node{{Op: "If", In: []string{"which"}, Out: []string{"y"}, Attributes: []onnxtest.Attribute{
			{Name: "then_branch", Graph: &then}, {Name: "else_branch", Graph: &otherwise},
		}}},
		Inputs:  []onnxtest.Value{input("x", -1, side), {Name: "which", Type: onnxtest.Bool}},
		Outputs: []onnxtest.Value{input("y", -1, side)},
	}}.Encode()
}

// beside is matMul with its weight in a file of its own, after the bytes of head.
func beside(name, head string) fstest.MapFS {
	w := square("W")
	w.Location, w.Offset, w.Length = name, int64(len(head)), int64(len(w.Raw))
	model := model([]onnxtest.Node{{Op: "MatMul", In: []string{"x", "W"}, Out: []string{"y"}}},
		[]onnxtest.Tensor{w}, input("x", -1, side), input("y", -1, side))
	return fstest.MapFS{"model.onnx": file(model), name: file(append([]byte(head), w.Raw...))}
}

// same gives back what it is given.
func same(elementType int) []byte {
	x := onnxtest.Value{Name: "x", Type: elementType, Dims: []int64{-1}}
	y := x
	y.Name = "y"
	return model([]onnxtest.Node{{Op: "Identity", In: []string{"x"}, Out: []string{"y"}}}, nil, x, y)
}

// counter doubles x n times.
func counter() []byte {
	body := onnxtest.Graph{
		Nodes: []onnxtest.Node{
			{Op: "Identity", In: []string{"go_in"}, Out: []string{"go_out"}},
			{Op: "Add", In: []string{"v_in", "v_in"}, Out: []string{"v_out"}},
		},
		Inputs:  []onnxtest.Value{{Name: "i", Type: onnxtest.Int64}, {Name: "go_in", Type: onnxtest.Bool}, input("v_in", 1)},
		Outputs: []onnxtest.Value{{Name: "go_out", Type: onnxtest.Bool}, input("v_out", 1)},
	}
	return onnxtest.Model{Graph: onnxtest.Graph{
		Nodes: []onnxtest.Node{{Op: "Loop", In: []string{"n", "", "x"}, Out: []string{"y"},
			Attributes: []onnxtest.Attribute{{Name: "body", Graph: &body}}}},
		Inputs:  []onnxtest.Value{{Name: "n", Type: onnxtest.Int64}, input("x", 1)},
		Outputs: []onnxtest.Value{input("y", 1)},
	}}.Encode()
}
