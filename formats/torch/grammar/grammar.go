// Package grammar knows what PyTorch writes into its pickles: it turns what
// the inert machine built into a list of tensors, each a view of a storage,
// and a list of everything else. It sees no weights.
//
// The package runs in the sandboxed child and imports nothing but the machine
// and what needs no operating system.
package grammar

import "github.com/weightgate/weightgate/formats/pickle/machine"

// Form is how a checkpoint is packed.
type Form uint8

const (
	Plain  Form = iota + 1 // one pickle that is no checkpoint: judged, and without tensors
	Zip                    // data.pkl of a zip file (torch 1.6 and later)
	Legacy                 // five pickles in a row and the storages behind them
)

// DType is the type of a tensor's elements, as torch names it. Its values are
// part of the plan's encoding.
type DType uint8

// A Storage is a run of elements that tensors are views of.
type Storage struct {
	Key      string
	DType    DType // UntypedStorage: U8
	Elements int64
}

// A Tensor is a view of a storage. Strides and Offset count elements of DType.
type Tensor struct {
	Name           string
	Storage        int // index into Checkpoint.Storages
	DType          DType
	Shape, Strides []int64
	Offset         int64
	Conj, Neg      bool // the bits of lazy conjugation and negation
}

// Dropped is something that the checkpoint holds besides its tensors.
type Dropped struct {
	Path   string // keys from the root of the pickle, joined by dots
	What   string // its type: "int", "dict of 3", "argparse.Namespace"
	Offset int64  // 0: unknown
}

// A Checkpoint is what a child says of one file: a plan for whoever copies.
type Checkpoint struct {
	Form     Form
	Protocol int    // of the pickle that holds the tensors
	Root     string // key beneath which Tensors were found; "" is the pickle's root
	Tensors  []Tensor
	Storages []Storage // each key once, in the order of first use
	Dropped  []Dropped
	Uses     []machine.Use
	Findings []machine.Finding

	// Of Legacy:
	End       int64    // offset of the first byte behind the pickles
	Keys      []string // in the order in which the storages lie in the file
	BigEndian bool     // what sys_info says of the writer; torch writes the storages little-endian all the same
}

// Options are what a stream is judged and read by. Unknown globals that are to be
// dropped are denied where no tensors come out.
type Options struct {
	machine.Options
	// Root is the key whose dict holds the tensors, "." the pickle's root itself.
	// Empty: the only place that holds any.
	Root string
}
