// Package formats is the vocabulary of model files: what a format, a file, a
// tensor and a finding are. The parsers are its children; each turns hostile
// bytes into an [Inspection] or an error and executes nothing.
//
// The package imports none of its children, and there is no registry: a host
// lists in a [Set] which parsers hostile bytes can reach.
package formats

import "context"

// A Format recognises and reads one file format.
//
// Implementations are stateless and safe for concurrent use, and keep no
// reference to an Input after they return. They allocate nothing by a number
// from the file before it was checked against the bytes that are there.
type Format interface {
	// Name is the format's stable, lower-case name: it appears in policies and reports.
	Name() string

	// Claims reports whether the structure of in fits this format. It may read
	// head and tail of in and never looks at the name. An error is a failed
	// read, not a misfit.
	Claims(ctx context.Context, in Input) (bool, error)

	// Inspect parses in fully or fails: on error the result is nil. What is
	// not well formed is a *SyntaxError, what is well formed but calls for a
	// decision is a Finding, anything else is a failed read or ctx's error.
	Inspect(ctx context.Context, in Input, lim Limits) (*Inspection, error)

	// Codes lists every code that Inspect can raise.
	Codes() CodeTable
}

// Traits say how a format stands to other formats and files.
type Traits struct {
	// Refines names the formats whose hits a hit of this one removes, as a
	// torch checkpoint is also a zip file.
	Refines []string

	// Owner is set if files of this format claim siblings as their data, as a
	// graph with external tensors does. Owners are inspected first.
	Owner bool

	// Data is set if a file of this format may at the same time be the data of
	// an owner, as a safetensors file beside an ONNX graph is.
	Data bool

	// Sidecar is set if files of this format carry no tensors and only steer a
	// load: policies admit them as companions.
	Sidecar bool
}

// A Characterized format has traits; the zero Traits are those of any other.
type Characterized interface {
	Format
	Traits() Traits
}

// TraitsOf returns f's traits.
func TraitsOf(f Format) Traits {
	if c, ok := f.(Characterized); ok {
		return c.Traits()
	}
	return Traits{}
}

// An Inspection is what a parser learned of one file. It holds places, never
// tensor bytes, and is valid without the Input it came from.
type Inspection struct {
	Format   string    // the Name of the format
	Tensors  []Tensor  // in the order of the file
	Findings []Finding // in the order of their offsets
	Claims   []Range   // what of this file and of its siblings the parser accounts for
	Pickles  []Range   // streams that only a converter may judge
}

// A Range is a place in a file of the model.
type Range struct {
	File           string // slash-separated, beneath the model's root
	Offset, Length int64  // in bytes
}

// End is the offset of the first byte after r.
func (r Range) End() int64 { return r.Offset + r.Length }

// Within reports whether r lies in a file of the given size.
func (r Range) Within(size int64) bool {
	return r.Offset >= 0 && r.Length >= 0 && r.Offset <= size && r.Length <= size-r.Offset
}
