package main

import (
	"io"
	"path/filepath"

	"github.com/weightgate/weightgate/benchmarks/internal/graphs"
	o "github.com/weightgate/weightgate/formats/onnx/onnxtest"
)

func writeGraph(dir string, graph []byte) error {
	return graphs.WriteFile(filepath.Join(dir, graphs.GraphFile), func(w io.Writer) error {
		_, err := w.Write(graph)
		return err
	})
}

// zeros gives as many zeros as its input asks for: a graph that takes as much
// memory as one likes.
func zeros() []byte {
	return graphs.Model(o.Node("ConstantOfShape", "x", "y"), o.Input("x", graphs.Int64, 1), o.ShapedOutput("y", graphs.Float, -1))
}

// determinant computes with floats by an operator for which ONNX Runtime has a
// kernel of the CPU and none of CUDA.
func determinant() []byte {
	return graphs.Model(o.Node("Det", "x", "y"), o.Input("x", graphs.Float, 1, 2, 2), o.ShapedOutput("y", graphs.Float, 1))
}
