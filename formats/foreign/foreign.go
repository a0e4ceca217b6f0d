// Package foreign names files that weightgate recognises and does not read, so
// that a refusal says what a file is: pickles and what contains them, formats of
// other runtimes, archives, compressed files, programs, and what a failed
// download leaves behind.
//
// Each kind is a [formats.Format] of its own. It claims by structure, never by
// name, reads at most [MaxRead] bytes to do so, and executes nothing. Its Inspect
// admits nothing: the inspection has one finding, of the kind's own code.
package foreign

import (
	"context"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/peek"
)

// MaxRead is how many bytes of a file one format reads, at most, to recognise it.
// Only what fits a format for so long is read so far.
const MaxRead = 2 << 20

// Formats is every kind, from the ones that hold code to plain text. Kinds refine
// each other and the formats "zip" and "npz", which have packages of their own.
// The caller owns the set.
func Formats() formats.Set {
	var set formats.Set
	for _, group := range [][]kind{
		pickleKinds(),
		torchKinds(),
		bundleKinds(),
		runtimeKinds(),
		protobufKinds(),
		xmlKinds(),
		rKinds(),
		archiveKinds(),
		compressedKinds(),
		executableKinds(),
		downloadKinds(),
	} {
		for _, k := range group {
			if k.name != zipWrapped {
				k.refines = append(k.refines, zipWrapped)
			}
			set = append(set, &k)
		}
	}
	return set
}

// A kind is one foreign format.
type kind struct {
	name    string
	code    formats.Code
	what    string // what such a file is, for people
	verdict verdict
	refines []string
	fits    func(*peek.File) bool
}

var _ formats.Characterized = (*kind)(nil)

// A verdict is what becomes of a model that holds such a file.
type verdict struct {
	class    formats.Class
	severity formats.Severity
	advice   string
}

// program is the verdict on what runs code when it is loaded as it is meant to be.
func program(advice string) verdict { return verdict{formats.Denied, formats.Critical, advice} }

// misplaced is the verdict on what has no place in a model.
func misplaced(advice string) verdict { return verdict{formats.Denied, formats.High, advice} }

// unread is the verdict on what may be harmless but is not parsed.
func unread(advice string) verdict { return verdict{formats.Unverifiable, formats.High, advice} }

func (k *kind) Name() string           { return k.name }
func (k *kind) Traits() formats.Traits { return formats.Traits{Refines: k.refines} }

// Codes is the one code of the kind.
func (k *kind) Codes() formats.CodeTable {
	return formats.CodeTable{{Code: k.code, Class: k.verdict.class, Severity: k.verdict.severity, Advice: k.verdict.advice}}
}

func (k *kind) Claims(ctx context.Context, in formats.Input) (bool, error) {
	p := peek.New(ctx, in, MaxRead)
	fits := k.fits(p)
	if p.Err != nil {
		return false, p.Err
	}
	return fits, nil
}

// Inspect is Claims: the kind's finding stands for the whole file. What the kind
// does not claim is no file of it.
func (k *kind) Inspect(ctx context.Context, in formats.Input, _ formats.Limits) (*formats.Inspection, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	claimed, err := k.Claims(ctx, in)
	if err != nil {
		return nil, err
	}
	if !claimed {
		return nil, k.Codes().Syntax(k.name, k.code, in.Name(), 0, "this is not %s", k.what)
	}
	return &formats.Inspection{
		Format:   k.name,
		Findings: []formats.Finding{k.Codes().Finding(k.code, in.Name(), 0, "this is %s", k.what)},
		Claims:   []formats.Range{{File: in.Name(), Length: in.Size()}},
	}, nil
}
