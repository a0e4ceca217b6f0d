// Package pickle recognises Python pickles, which are programs for a stack
// machine that can import and call anything. It reads none: an
// [formats.Inspection] names the place of the stream, and what it holds is for a
// converter to say, whose confined child follows it with package machine.
package pickle

import (
	"context"
	"slices"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/peek"
)

// Name is the name of the format.
const Name = "pickle"

// MaxRead is how many bytes of a file are read, at most, to recognise it.
const MaxRead = 2 << 20

// Format is the pickle format: one stream, and whatever lies behind it.
func Format() formats.Format { return format{} }

type format struct{}

var _ formats.Characterized = format{}

func (format) Name() string { return Name }

// Codes is the one code of a file that is no pickle.
func (format) Codes() formats.CodeTable {
	return codes[slices.IndexFunc(codes, func(i formats.CodeInfo) bool { return i.Code == CodeOpcode }):][:1]
}

// Traits say that a zip file somewhere in a pickle makes it none.
func (format) Traits() formats.Traits { return formats.Traits{Refines: []string{"zip.wrapped"}} }

// Claims follows the opcodes, since protocols 0 and 1 have no magic and that of
// the others is the start of many files: a safetensors header of 640 bytes, say.
func (format) Claims(ctx context.Context, in formats.Input) (bool, error) {
	p := peek.New(ctx, in, MaxRead)
	s := Recognise(p)
	if p.Err != nil {
		return false, p.Err
	}
	return s.Pickle, nil
}

// Inspect names the whole file as a stream to be judged.
func (f format) Inspect(ctx context.Context, in formats.Input, _ formats.Limits) (*formats.Inspection, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	claimed, err := f.Claims(ctx, in)
	if err != nil {
		return nil, err
	}
	if !claimed {
		return nil, codes.Syntax(Name, CodeOpcode, in.Name(), 0, "this is not a pickle")
	}
	whole := []formats.Range{{File: in.Name(), Length: in.Size()}}
	return &formats.Inspection{Format: Name, Claims: whole, Pickles: whole}, nil
}

// A Sight is what the opcodes at the start of a file look like.
type Sight struct {
	Pickle bool // they are a pickle's, as far as they were followed
	Joblib bool // and the pickle holds joblib's stand-in for an array
}

// Recognise follows the opcodes at the start of a file.
func Recognise(p *peek.File) Sight {
	w := follow(p)
	looks := w.looks()
	return Sight{Pickle: looks, Joblib: looks && w.joblib}
}
