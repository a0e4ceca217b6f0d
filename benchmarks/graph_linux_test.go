package benchmarks

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"testing"
)

// Element types of onnx.TensorProto.
const (
	onnxFloat = 1
	onnxInt64 = 7
)

// A graph has a few large weights of equal shape, in a file beside it, and
// little else. It takes "x" and gives "y".
type graph struct {
	name          string
	weights       int
	rows, columns int64
	scale         float32 // of the weights
	input, output value
	nodes         func(weights int) []message
}

type value struct {
	element int64
	shape   []int64
}

const (
	graphFile   = "model.onnx"
	weightsFile = "weights.bin"
)

// matMuls is a chain of products with square matrices.
func matMuls(side int64) graph {
	row := []int64{1, side}
	return graph{
		name: "MatMul", weights: 4, rows: side, columns: side,
		scale: float32(math.Sqrt(3 / float64(side))), // y is as large as x
		input: value{onnxFloat, row}, output: value{onnxFloat, row},
		nodes: func(weights int) (nodes []message) {
			from := "x"
			for i := range weights {
				to := "y"
				if i < weights-1 {
					to = "h" + strconv.Itoa(i)
				}
				nodes = append(nodes, node("MatMul", to, from, weightName(i)))
				from = to
			}
			return nodes
		},
	}
}

// gathers takes rows of embedding tables and adds them up.
func gathers(rows, columns int64) graph {
	const taken = 4
	return graph{
		name: "Gather", weights: 4, rows: rows, columns: columns, scale: 1,
		input: value{onnxInt64, []int64{taken}}, output: value{onnxFloat, []int64{taken, columns}},
		nodes: func(weights int) (nodes []message) {
			var all []string
			for i := range weights {
				all = append(all, "h"+strconv.Itoa(i))
				nodes = append(nodes, node("Gather", all[i], weightName(i), "x"))
			}
			return append(nodes, node("Sum", "y", all...))
		},
	}
}

func weightName(i int) string { return "w" + strconv.Itoa(i) }

// weightBytes is the size of one weight.
func (g graph) weightBytes() int64 { return 4 * g.rows * g.columns }

// writeWeights writes the file of the weights, one after the other.
func (g graph) writeWeights(w io.Writer) error {
	return floats(w, seeded(), int64(g.weights)*g.rows*g.columns, g.scale)
}

// write writes both files of the graph.
func (g graph) write(t testing.TB, dir string) {
	t.Helper()
	create(t, filepath.Join(dir, weightsFile), g.writeWeights)
	create(t, filepath.Join(dir, graphFile), func(w io.Writer) error {
		_, err := w.Write(g.encode())
		return err
	})
}

// encode is the graph as a ModelProto
// (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
func (g graph) encode() []byte {
	var b message
	for _, n := range g.nodes(g.weights) {
		b.bytes(1, n)
	}
	b.bytes(2, []byte(g.name))
	for i := range g.weights {
		b.bytes(5, g.weight(i))
	}
	b.bytes(11, g.input.encode("x"))
	b.bytes(12, g.output.encode("y"))

	var opset, model message
	opset.varint(2, 17)
	model.varint(1, 8) // IR version
	model.bytes(7, b)
	model.bytes(8, opset)
	return model
}

// weight is a TensorProto whose data lies in weightsFile.
func (g graph) weight(i int) (b message) {
	b.varint(1, g.rows)
	b.varint(1, g.columns)
	b.varint(2, onnxFloat)
	b.bytes(8, []byte(weightName(i)))
	for _, e := range [][2]string{
		{"location", weightsFile},
		{"offset", fmt.Sprint(int64(i) * g.weightBytes())},
		{"length", fmt.Sprint(g.weightBytes())},
	} {
		var entry message
		entry.bytes(1, []byte(e[0]))
		entry.bytes(2, []byte(e[1]))
		b.bytes(13, entry)
	}
	b.varint(14, 1) // EXTERNAL
	return b
}

func node(op, out string, in ...string) (b message) {
	for _, name := range in {
		b.bytes(1, []byte(name))
	}
	b.bytes(2, []byte(out))
	b.bytes(4, []byte(op))
	return b
}

// encode is v as a ValueInfoProto.
func (v value) encode(name string) (b message) {
	var shape, tensor, typ message
	for _, d := range v.shape {
		var dim message
		dim.varint(1, d)
		shape.bytes(1, dim)
	}
	tensor.varint(1, v.element)
	tensor.bytes(2, shape)
	typ.bytes(1, tensor)
	b.bytes(1, []byte(name))
	b.bytes(2, typ)
	return b
}

// A message is a protobuf message under construction.
type message []byte

func (b *message) varint(field int, v int64) {
	*b = binary.AppendUvarint(*b, uint64(field)<<3)
	*b = binary.AppendUvarint(*b, uint64(v))
}

func (b *message) bytes(field int, v []byte) {
	*b = binary.AppendUvarint(*b, uint64(field)<<3|2)
	*b = binary.AppendUvarint(*b, uint64(len(v)))
	*b = append(*b, v...)
}
