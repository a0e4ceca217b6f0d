// Package graphs makes ONNX models with a few large weights of equal shape, in a
// file beside the graph. They take "x" and give "y", and are the same each time.
package graphs

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	o "github.com/weightgate/weightgate/formats/onnx/onnxtest"
)

// Element types of onnx.TensorProto.
const (
	Float = 1
	Int64 = 7
)

// The files of a model.
const (
	GraphFile   = "model.onnx"
	WeightsFile = "weights.bin"
)

// A Graph is a model that Write makes.
type Graph struct {
	Weights       int   // how many
	Rows, Columns int64 // of each
	scale         float32
	ends          []o.Part // the input and the output
	nodes         []o.Part
}

// MatMuls is a chain of products with square matrices, of [1, side].
func MatMuls(weights int, side int64) Graph {
	g := Graph{
		Weights: weights, Rows: side, Columns: side,
		scale: float32(math.Sqrt(3 / float64(side))), // y is as large as x
		ends:  []o.Part{o.Input("x", Float, 1, side), o.ShapedOutput("y", Float, 1, side)},
	}
	from := "x"
	for i := range weights {
		to := "y"
		if i < weights-1 {
			to = fmt.Sprint("h", i)
		}
		g.nodes = append(g.nodes, o.Node("MatMul", from+" "+weight(i), to))
		from = to
	}
	return g
}

// Gathers takes the four rows of each weight that "x" names, and adds them up.
func Gathers(weights int, rows, columns int64) Graph {
	const taken = 4
	g := Graph{
		Weights: weights, Rows: rows, Columns: columns, scale: 1,
		ends: []o.Part{o.Input("x", Int64, taken), o.ShapedOutput("y", Float, taken, columns)},
	}
	var all []string
	for i := range weights {
		all = append(all, fmt.Sprint("h", i))
		g.nodes = append(g.nodes, o.Node("Gather", weight(i)+" x", all[i]))
	}
	g.nodes = append(g.nodes, o.Node("Sum", strings.Join(all, " "), "y"))
	return g
}

func weight(i int) string { return fmt.Sprint("w", i) }

// Bytes is the size of all weights.
func (g Graph) Bytes() int64 { return int64(g.Weights) * g.each() }

func (g Graph) each() int64 { return 4 * g.Rows * g.Columns }

// Encode is the file of the graph.
func (g Graph) Encode() []byte {
	parts := append(g.nodes[:len(g.nodes):len(g.nodes)], g.ends...)
	for i := range g.Weights {
		parts = append(parts, o.Initializer(o.Head(weight(i), Float, g.Rows, g.Columns), o.External(
			"location", WeightsFile, "offset", fmt.Sprint(int64(i)*g.each()), "length", fmt.Sprint(g.each()))))
	}
	return Model(parts...)
}

// Model is a model with a graph of those fields.
func Model(graph ...o.Part) []byte { return o.Standard(append(graph, o.String(2, "made"))...) }

// Write makes dir and the model's files in it, and returns when storage has them.
func (g Graph) Write(dir string) error {
	if err := WriteFile(filepath.Join(dir, WeightsFile), g.WriteWeights); err != nil {
		return err
	}
	return WriteFile(filepath.Join(dir, GraphFile), func(w io.Writer) error {
		_, err := w.Write(g.Encode())
		return err
	})
}

// WriteWeights writes the weights, one after the other.
func (g Graph) WriteWeights(w io.Writer) error {
	return WriteFloats(w, Seeded(), g.Bytes()/4, g.scale)
}

// WriteFile makes a file, and its directory, and returns when storage has it:
// pages that are still to be written cannot leave the page cache.
func WriteFile(path string, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// Seeded gives the same numbers each time.
func Seeded() *rand.ChaCha8 { return rand.NewChaCha8([32]byte{'w', 'e', 'i', 'g', 'h', 't', 's'}) }

// WriteFloats writes n random float32 within ±scale.
func WriteFloats(w io.Writer, random *rand.ChaCha8, n int64, scale float32) error {
	var b [4]byte
	for range n {
		unit := float32(int32(random.Uint64())) / (1 << 31)
		binary.LittleEndian.PutUint32(b[:], math.Float32bits(unit*scale))
		if _, err := w.Write(b[:]); err != nil {
			return err
		}
	}
	return nil
}
