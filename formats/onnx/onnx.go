// Package onnx reads, judges and re-encodes ONNX models (https://onnx.ai,
// onnx.proto and docs/IR.md of onnx 1.23).
//
// One walk serves inspection and hand-over: a runtime gets only bytes that
// [Model.Encode] wrote from the tree which [Read] validated, never the file.
// The reader is stricter than the runtimes: it refuses every field that it does
// not know, names that two readers could resolve in two ways, operators outside
// its packs, and what would make a runtime compute or allocate without bound
// while it creates a session.
package onnx

import (
	"context"

	"github.com/weightgate/weightgate/formats"
)

// Name is the name of the format.
const Name = "onnx"

// Threshold is the size in bytes from which a tensor of the graph is a weight of
// its own. Smaller ones travel in the graph, where a runtime's optimizers read them.
const Threshold = 64 << 10

// Format is the ONNX format. Its files own the files of their external data.
func Format() formats.Format { return format{} }

type format struct{}

var _ formats.Characterized = format{}

func (format) Name() string             { return Name }
func (format) Codes() formats.CodeTable { return codes }
func (format) Traits() formats.Traits   { return formats.Traits{Owner: true} }

// Inspect is Read and Model.Inspection.
func (format) Inspect(ctx context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
	m, err := Read(ctx, in, lim)
	if err != nil {
		return nil, err
	}
	return m.Inspection(), nil
}

// Claims looks for the skeleton of a model, since ONNX has no magic: the fields
// of a ModelProto tile the file exactly, and among them are an IR version, one
// graph whose fields tile it in the same way, and the operator sets that every
// model since IR version 3 imports.
func (format) Claims(ctx context.Context, in formats.Input) (bool, error) {
	if in.Size() == 0 {
		return false, nil
	}
	w := newWire(ctx, in, formats.Limits{})
	w.shallow = true
	var version int64
	var graph, opset bool
	for f := range w.message(schema["ModelProto"], in.Size()) {
		switch f.name {
		case "ir_version":
			version = int64(f.value)
		case "graph":
			graph = f.end > f.from
			for range w.message(schema["GraphProto"], f.end) {
			}
		case "opset_import":
			opset = true
			for range w.message(schema["OperatorSetIdProto"], f.end) {
			}
		}
	}
	if _, misfit := w.err.(*formats.SyntaxError); w.err != nil && !misfit {
		return false, w.err
	}
	return w.err == nil && version > 0 && version < 256 && graph && (opset || version < 3), nil
}
