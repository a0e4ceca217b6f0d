// Package plan is what parent and child say to each other: a [Job] goes in
// with the pickle streams, frames with a grammar.Checkpoint come out. The
// child's half runs confined and imports nothing that needs an operating
// system; the parent's half believes nothing.
//
// A frame is a length (four bytes), a type (one byte, counted by the length)
// and fields of fixed form: integers are little-endian, strings and lists stand
// behind their length. Frames come in the order of their types: one checkpoint,
// its storages, keys and tensors, what it drops, the uses and the findings of
// its pickles, and a last one with the number of each. Of a stream that could
// not be read to its end only uses and findings come, and an error as the last.
package plan

import (
	"errors"
	"slices"

	"github.com/weightgate/weightgate/formats/pickle/machine"
	"github.com/weightgate/weightgate/formats/torch/grammar"
)

// The budgets of one plan.
const (
	MaxFrame   = 1 << 20  // bytes of a frame, its type included
	MaxOutput  = 64 << 20 // bytes of all frames
	MaxEntries = 1_000_000
	MaxRank    = 64 // dimensions, as NumPy and PyTorch have them

	// MaxText is the length in bytes of what is said to people; the child cuts
	// it there. MaxName is that of what names something; it is never cut.
	MaxText = 512
	MaxName = 4096

	// Of each pickle the machine lists up to 10,000 uses, and 1,000 findings and
	// one that says there are more. A legacy file has five, and what reads them
	// adds a finding of each of its codes.
	MaxUses     = 5 * 10_000
	MaxFindings = 5*1_001 + 100
	MaxDropped  = grammar.MaxDropped + 1
)

// most is how many frames of a type a plan has.
func most(kind uint8) uint32 {
	switch kind {
	case frameDropped:
		return MaxDropped
	case frameUse:
		return MaxUses
	case frameFinding:
		return MaxFindings
	}
	return MaxEntries
}

// CodeLimit is the code of a checkpoint whose plan is beyond the budgets, and
// CodeJob of a job that the child cannot do. Both are codes of a *machine.Error.
const (
	CodeLimit = "convert.limit"
	CodeJob   = "convert.job"
)

// The types of frames, in the order in which they come.
const (
	frameCheckpoint = 1 + iota
	frameStorage
	frameKey
	frameTensor
	frameDropped
	frameUse
	frameFinding
	frameDone
	frameError
)

// counts are the frames of each type so far.
type counts [frameError + 1]uint32

// The flags of a tensor.
const (
	flagConj = 1 << iota
	flagNeg
)

// The flags of a use.
const (
	flagCall = 1 << iota
	flagKnown
)

// An Error says why bytes are no plan, or no job. The offset is that of the
// frame.
type Error struct {
	Offset int
	Detail string
}

func (e *Error) Error() string { return "plan: " + e.Detail }

// rules are those of the job's packs.
func (j Job) rules() (*machine.Rules, *machine.Error) {
	var packs []machine.Pack
	for _, name := range j.Packs {
		i := slices.IndexFunc(machine.Packs(), func(p machine.Pack) bool { return p.Name == name })
		if i < 0 {
			return nil, &machine.Error{Code: CodeJob, Detail: "no pack has the name " + name}
		}
		packs = append(packs, machine.Packs()[i])
	}
	rules, err := machine.NewRules(packs...)
	if err != nil {
		return nil, &machine.Error{Code: CodeJob, Detail: err.Error()}
	}
	return rules, nil
}

// machineError is err as what it is said to be.
func machineError(err error) *machine.Error {
	if e, ok := errors.AsType[*machine.Error](err); ok {
		return e
	}
	return &machine.Error{Code: CodeJob, Detail: err.Error()}
}

// Answer is all that the child does: it reads a job and its stream from input
// and writes frames, MaxOutput bytes at most. Its error is write's.
func Answer(input []byte, write func(frames []byte) error) error {
	return write(answer(input))
}

func answer(input []byte) []byte {
	job, stream, err := decodeJob(input)
	if err != nil {
		return EncodeError(&machine.Error{Code: CodeJob, Detail: err.Detail})
	}
	rules, failed := job.rules()
	if failed != nil {
		return EncodeError(failed)
	}
	opt := grammar.Options{
		Options: machine.Options{Rules: rules, Unknown: job.Unknown, Limits: job.Limits},
		Root:    job.Root,
	}
	checkpoint, cause := grammar.Read(job.Form, stream, opt)
	if cause != nil {
		return EncodeError(machineError(cause))
	}
	frames, fits := Encode(checkpoint)
	if !fits {
		return EncodeError(&machine.Error{Code: CodeLimit, Detail: "more tensors, or longer names, than a plan can have"})
	}
	return frames
}
