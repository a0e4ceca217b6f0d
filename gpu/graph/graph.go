// Package graph builds the graphs of models that were published without one:
// a config and a safetensors file, as most models of the hub are.
//
// A graph is built from verified files alone, and judged by package onnx like
// one that came with the model. What a config says and this package does not
// know how to compute is refused, never guessed.
package graph

import (
	"context"
	"io/fs"

	"github.com/weightgate/weightgate/formats"
)

// A Graph is an ONNX model that was built over the tensors of a model. Its
// weights, which are its tensors of onnx.Threshold bytes and more, are external
// data, bound by place: file, offset and length are those of a tensor in a
// safetensors file, and so are dtype and shape, or it is refused. Any ONNX
// runtime that finds those files beside it can load it.
type Graph struct {
	// File is the name that it would have among the model's files: a path in the
	// sense of fs.ValidPath, and of no file of the model. Locations of external
	// data are relative to its directory.
	File string

	// Model is the encoded ModelProto.
	Model []byte

	// Unused are the tensors that it does not compute with, sorted: heads that
	// the architecture was trained with and that its outputs do not depend on.
	Unused []formats.TensorID
}

// A Builder makes the graph of a model from its verified files and the tensors
// in them, which are its own. It keeps no file, and may be called by several
// goroutines at once. Its error is an *Error unless reading failed or ctx ended.
type Builder func(ctx context.Context, files fs.FS, tensors []formats.Tensor) (*Graph, error)
