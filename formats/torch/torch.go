// Package torch reads the containers of PyTorch's checkpoints: the zip archive
// that torch.save writes since 1.6, and the legacy form from before, a row of
// pickles with the storages behind them (torch/serialization.py,
// caffe2/serialize/inline_container.cc).
//
// The pickles are not read here. What tensors a checkpoint has stands in them,
// and only a confined child may follow a pickle: an [formats.Inspection] names
// their place, and a converter brings the tensors.
package torch

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/peek"
	"github.com/weightgate/weightgate/formats/pickle"
	"github.com/weightgate/weightgate/formats/torch/grammar"
	"github.com/weightgate/weightgate/formats/zipfile"
)

// The names of the formats.
const (
	Name       = "torch"
	LegacyName = "torch.legacy"
)

// zipWrapped is the format of a file of which nothing more is known than that a
// zip file is somewhere in it.
const zipWrapped = "zip.wrapped"

// MaxRead is how many bytes of a file are read, at most, to recognise it.
const MaxRead = 2 << 20

// Format is the archive. Its inspection checks the archive and the checksums of
// all members, and has no tensors. Beside its own codes it raises those of
// package zipfile, which stand in their table.
func Format() formats.Format { return archive{} }

// Legacy is the form of torch before 1.6. Of its file nothing is known but where
// it begins: the pickles say where they end.
func Legacy() formats.Format { return legacy{} }

type archive struct{}

var _ formats.Characterized = archive{}

func (archive) Name() string             { return Name }
func (archive) Codes() formats.CodeTable { return containerCodes }
func (archive) Traits() formats.Traits {
	return formats.Traits{Refines: []string{zipfile.Name, zipWrapped}}
}

// Claims looks for data.pkl among the names in the archive's directory, wherever
// in the file that is: whether an archive may lie there is for Inspect to say.
func (archive) Claims(ctx context.Context, in formats.Input) (bool, error) {
	p := peek.New(ctx, in, MaxRead)
	ok := slices.ContainsFunc(p.ZipNames(), func(name string) bool {
		_, inside, ok := strings.Cut(name, "/")
		return ok && inside == pickleMember
	})
	if p.Err != nil {
		return false, p.Err
	}
	return ok, nil
}

// Inspect reads the archive and all of its members.
func (archive) Inspect(ctx context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
	c, a, err := read(ctx, in, lim)
	if err != nil {
		return nil, err
	}
	if err := a.Verify(ctx); err != nil {
		return nil, err
	}
	return c.inspection(in, Name), nil
}

type legacy struct{}

var _ formats.Characterized = legacy{}

func (legacy) Name() string             { return LegacyName }
func (legacy) Codes() formats.CodeTable { return legacyCodes }
func (legacy) Traits() formats.Traits {
	return formats.Traits{Refines: []string{pickle.Name, zipWrapped}}
}

// Claims looks for the first pickle, which is the magic number.
func (legacy) Claims(ctx context.Context, in formats.Input) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	begins, _, err := startsLegacy(ctx, in)
	return begins, err
}

// Inspect names the place of the pickles. That the storages fill the file behind
// them is for whoever knows the pickles to check.
func (legacy) Inspect(ctx context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
	c, err := readLegacy(ctx, in, lim)
	if err != nil {
		return nil, err
	}
	return c.inspection(in, LegacyName), nil
}

// A Container is where things lie in a checkpoint.
type Container struct {
	Form grammar.Form

	// Pickles is the place of data.pkl. Of a legacy file it is the head, at most
	// [Head] bytes: the five pickles begin at its start and end somewhere in it.
	Pickles formats.Range

	// Storages are the places of the storages by their keys. Of a legacy file
	// they are nil: its pickles say which there are.
	Storages map[string]formats.Range

	// BigEndian is set if elements lie in the storages with the high byte first,
	// which is never so in a legacy file.
	BigEndian bool

	// Findings are what Inspect reports too.
	Findings []formats.Finding
}

func (c *Container) inspection(in formats.Input, format string) *formats.Inspection {
	return &formats.Inspection{
		Format:   format,
		Findings: c.Findings,
		Claims:   []formats.Range{{File: in.Name(), Length: in.Size()}},
		Pickles:  []formats.Range{c.Pickles},
	}
}

// Read reads the structure of a checkpoint of either form. It reads no storage
// and checks no checksum but those of the members that it reads; Inspect checks
// all. What is wrong with the file is a *formats.SyntaxError, with a code of this
// package or of zipfile; other errors are failed reads and ctx's.
//
// Of lim it keeps MaxHeader for the pickles, MaxTensors for the storages, and for
// an archive what zipfile.Read keeps, but MaxFiles: members are storages here.
func Read(ctx context.Context, in formats.Input, lim formats.Limits) (*Container, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	begins, _, err := startsLegacy(ctx, in)
	if err != nil {
		return nil, err
	}
	if begins {
		return readLegacy(ctx, in, lim)
	}
	c, _, err := read(ctx, in, lim)
	return c, err
}

func sorted(findings []formats.Finding) []formats.Finding {
	slices.SortStableFunc(findings, func(a, b formats.Finding) int { return cmp.Compare(a.Offset, b.Offset) })
	return findings
}
