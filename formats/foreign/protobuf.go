package foreign

import (
	"encoding/binary"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/peek"
)

// TensorFlow's models, which are protobuf messages without a magic.
const (
	CodeSavedModel formats.Code = "foreign.savedmodel"
	CodeGraphDef   formats.Code = "foreign.graphdef"
)

func protobufKinds() []kind {
	verdict := program("Do not load it: its operators read and write files. Export the model to ONNX (tf2onnx).")
	return []kind{
		{name: "savedmodel", code: CodeSavedModel, what: "a TensorFlow SavedModel", verdict: verdict, fits: isSavedModel},
		{name: "graphdef", code: CodeGraphDef, what: "a TensorFlow graph", verdict: verdict, fits: isGraphDef},
	}
}

// isSavedModel checks that the file is a schema version and meta graphs, and that
// the first of them has a graph, or objects in its place, and what describes it
// (tensorflow/core/protobuf/saved_model.proto, meta_graph.proto).
func isSavedModel(p *peek.File) bool {
	p.Left = min(p.Left, protobufRead)
	var meta formats.Range
	version := false
	ok := messageOf(p, formats.Range{Length: p.Size}, func(field int, wire byte, body formats.Range) bool {
		switch {
		case field == 1 && wire == wireVarint:
			version = true
			return true
		case field == 2 && wire == wireBytes:
			if meta.Length == 0 {
				meta = body
			}
			return true
		}
		return false
	})
	if !ok || !version || meta.Length == 0 {
		return false
	}
	var seen [8]bool
	ok = messageOf(p, meta, func(field int, wire byte, body formats.Range) bool {
		if field < 1 || field > 7 || wire != wireBytes {
			return false
		}
		seen[field] = true
		return true
	})
	return ok && seen[1] && (seen[2] || seen[7])
}

// isGraphDef checks that the file is nodes, a library and versions, as far as it
// is read, and that the first node has what nodes have: name, operator, attributes
// (tensorflow/core/framework/graph.proto, node_def.proto).
func isGraphDef(p *peek.File) bool {
	p.Left = min(p.Left, protobufRead)
	nodes, versions := 0, false
	whole := messageOf(p, formats.Range{Length: p.Size}, func(field int, wire byte, body formats.Range) bool {
		if field == 1 {
			nodes++
		}
		versions = versions || field == 4
		fits := field >= 1 && field <= 4 && (wire == wireBytes) == (field != 3)
		return fits && (nodes != 1 || field != 1 || isNodeDef(p, body))
	})
	return nodes > 0 && (whole && versions || p.Left == 0)
}

func isNodeDef(p *peek.File, body formats.Range) bool {
	var seen [8]bool
	ok := messageOf(p, body, func(field int, wire byte, _ formats.Range) bool {
		if field < 1 || field > 7 || wire != wireBytes {
			return false
		}
		seen[field] = true
		return true
	})
	return ok && seen[1] && seen[2] && seen[5]
}

// protobufRead is how much of a graph is read: its fields are looked at one by one.
const protobufRead = 128 << 10

const (
	wireVarint byte = 0
	wireBytes  byte = 2
)

// protobufStep is how much is read to see one field.
const protobufStep = 16

// messageOf calls field for the fields of the message in body, until one is not
// to its liking. It is true if the fields are all of body.
func messageOf(p *peek.File, body formats.Range, field func(number int, wire byte, body formats.Range) bool) bool {
	for at := body.Offset; at < body.End(); {
		b := p.At(at, int(min(protobufStep, body.End()-at)))
		tag, n := binary.Uvarint(b)
		if n <= 0 || tag>>3 == 0 || tag>>3 >= 1<<29 {
			return false
		}
		value, m := binary.Uvarint(b[n:])
		if m <= 0 {
			return false
		}
		content := formats.Range{Offset: at + int64(n+m)}
		switch wire := byte(tag & 7); wire {
		case wireVarint:
		case wireBytes:
			if value > uint64(body.End()-content.Offset) {
				return false
			}
			content.Length = int64(value)
		default:
			return false // these messages have no fields of fixed size
		}
		if !field(int(tag>>3), byte(tag&7), content) {
			return false
		}
		at = content.End()
	}
	return true
}
