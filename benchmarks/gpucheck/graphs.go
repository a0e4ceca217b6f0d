package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Element types of onnx.TensorProto.
const (
	onnxFloat = 1
	onnxInt64 = 7
)

const (
	graphFile   = "model.onnx"
	weightsFile = "weights.bin"
)

// A stack is a chain of products with square matrices, whose floats lie in a
// file beside the graph. It takes "x" and gives "y".
type stack struct{ weights, side int64 }

func (s stack) weightBytes() int64 { return 4 * s.side * s.side }
func (s stack) bytes() int64       { return s.weights * s.weightBytes() }

// write makes the model in a directory. The floats are the same each time.
func (s stack) write(dir string) error {
	if err := writeGraph(dir, s.encode()); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, weightsFile))
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	scale := float32(math.Sqrt(3 / float64(s.side))) // y is as large as x
	if err := writeFloats(w, s.bytes()/4, scale); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

func writeGraph(dir string, graph []byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, graphFile), graph, 0o644)
}

func seeded() *rand.ChaCha8 { return rand.NewChaCha8([32]byte{'g', 'p', 'u', 'c', 'h', 'e', 'c', 'k'}) }

// writeFloats writes n random float32 within ±scale.
func writeFloats(w io.Writer, n int64, scale float32) error {
	random := seeded()
	chunk := make([]byte, 1<<20)
	for n > 0 {
		chunk = chunk[:min(4*n, int64(cap(chunk)))]
		random.Read(chunk) // never fails
		for at := 0; at < len(chunk); at += 4 {
			unit := float32(int32(binary.LittleEndian.Uint32(chunk[at:]))) / (1 << 31)
			binary.LittleEndian.PutUint32(chunk[at:], math.Float32bits(unit*scale))
		}
		if _, err := w.Write(chunk); err != nil {
			return err
		}
		n -= int64(len(chunk)) / 4
	}
	return nil
}

func (s stack) encode() []byte {
	var g message
	from := "x"
	for i := range s.weights {
		to := "y"
		if i < s.weights-1 {
			to = fmt.Sprint("h", i)
		}
		g.bytes(1, node("MatMul", to, from, fmt.Sprint("w", i)))
		from = to
	}
	for i := range s.weights {
		g.bytes(5, s.weight(i))
	}
	return model(g, value("x", onnxFloat, 1, s.side), value("y", onnxFloat, 1, s.side))
}

// weight is a TensorProto whose data lies in weightsFile.
func (s stack) weight(i int64) (b message) {
	b.varint(1, s.side)
	b.varint(1, s.side)
	b.varint(2, onnxFloat)
	b.bytes(8, []byte(fmt.Sprint("w", i)))
	for _, e := range [][2]string{
		{"location", weightsFile}, {"offset", fmt.Sprint(i * s.weightBytes())}, {"length", fmt.Sprint(s.weightBytes())},
	} {
		var entry message
		entry.bytes(1, []byte(e[0]))
		entry.bytes(2, []byte(e[1]))
		b.bytes(13, entry)
	}
	b.varint(14, 1) // EXTERNAL
	return b
}

// zeros gives as many zeros as its input asks for: a graph that takes as much
// memory as one likes.
func zeros() []byte {
	var g message
	g.bytes(1, node("ConstantOfShape", "y", "x"))
	return model(g, value("x", onnxInt64, 1), value("y", onnxFloat, -1))
}

// determinant computes with floats by an operator for which ONNX Runtime has a
// kernel of the CPU and none of CUDA.
func determinant() []byte {
	var g message
	g.bytes(1, node("Det", "y", "x"))
	return model(g, value("x", onnxFloat, 1, 2, 2), value("y", onnxFloat, 1))
}

// model is a graph of nodes as a ModelProto
// (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
func model(graph, input, output message) []byte {
	graph.bytes(2, []byte("gpucheck"))
	graph.bytes(11, input)
	graph.bytes(12, output)
	var opset, b message
	opset.varint(2, 17)
	b.varint(1, 8) // IR version
	b.bytes(7, graph)
	b.bytes(8, opset)
	return b
}

func node(op, out string, in ...string) (b message) {
	for _, name := range in {
		b.bytes(1, []byte(name))
	}
	b.bytes(2, []byte(out))
	b.bytes(3, []byte("/"+out))
	b.bytes(4, []byte(op))
	return b
}

// value is a ValueInfoProto; a negative dimension is known at run time only.
func value(name string, element int64, shape ...int64) (b message) {
	var dims, tensor, typ message
	for _, d := range shape {
		var dim message
		if d < 0 {
			dim.bytes(2, []byte("n"))
		} else {
			dim.varint(1, d)
		}
		dims.bytes(1, dim)
	}
	tensor.varint(1, element)
	tensor.bytes(2, dims)
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
