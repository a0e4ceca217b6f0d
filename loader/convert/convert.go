// Package convert makes safetensors of files that hold pickles, and runs none
// of them: a confined child reads the pickles and says which tensors there are,
// and this side, which believes nothing of it, checks every bound, lays out the
// file and copies what cannot be used where it lies.
//
// What comes out equals what Hugging Face's converter writes
// (bindings/python/convert.py of safetensors), byte for byte but for the order
// of the metadata, which is left to chance there and is by key here. It differs
// where the reference fails or writes other values than it read: views that are
// conjugated, negated or not contiguous are copied with the values that they
// have, whatever they share.
package convert

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/pickle/machine"
	"github.com/weightgate/weightgate/formats/torch"
	"github.com/weightgate/weightgate/formats/torch/grammar"
	"github.com/weightgate/weightgate/loader/convert/plan"
	"github.com/weightgate/weightgate/loader/internal/sandbox"
	"github.com/weightgate/weightgate/policy"
)

// Name is the name and version of the converter.
const Name = "weightgate.convert/1"

// A Converter judges and converts files in a confined child of this process.
// The zero Converter is ready, and safe for concurrent use while its fields are
// left alone.
type Converter struct {
	// HelperPath names a program that is started as the child, and links this
	// package, as the weightgate command does. Empty: the program that runs,
	// which cannot be if that is no Go program.
	HelperPath string

	// Timeout is how long one child may take. Zero: 30 seconds.
	Timeout time.Duration
}

// New is a Converter that starts its own program.
func New() *Converter { return &Converter{} }

// Convert reads in, in which a format found a pickle or a checkpoint of
// PyTorch, as the rule says. What is wrong with the file, with the plan that the
// child made of it, or with the sandbox is among the findings; nothing is
// derived if one of them is of high severity or above, or leaves something
// unverified. The error is that of a read, of alloc, or ctx's.
//
// Of lim it keeps MaxHeader, for the bytes of pickles, and MaxTensors. All
// tensors together may have eight times the bytes of the file and 16 MiB.
// Tensors that are contiguous are lent where they lie, but for those of less
// than 64 KiB where their order would have a reader go over the file again and
// again. Memory for all others comes from alloc, at most once; beside it Convert
// takes a small multiple of the pickles and of the plan.
func (c *Converter) Convert(ctx context.Context, in formats.Input, found *formats.Inspection, rule policy.Convert,
	lim formats.Limits, alloc func(n int64) ([]byte, error)) (*formats.Conversion, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := &run{
		Converter: c,
		checker:   checker{file: in.Name(), size: in.Size()},
		in:        in,
		rule:      rule,
		lim:       lim.WithDefaults(),
		out:       &formats.Conversion{Converter: Name},
	}
	if err := r.convert(ctx, found, alloc); err != nil {
		return nil, err
	}
	r.out.Findings = slices.Concat(r.heard, r.findings)
	slices.SortStableFunc(r.out.Findings, func(a, b formats.Finding) int { return cmp.Compare(a.Offset, b.Offset) })
	return r.out, nil
}

// A run is one conversion.
type run struct {
	*Converter
	checker
	in   formats.Input
	rule policy.Convert
	lim  formats.Limits
	out  *formats.Conversion

	heard []formats.Finding // of the container and of the child
}

// convert fills the conversion; what stops it early is among the findings.
func (r *run) convert(ctx context.Context, found *formats.Inspection, alloc func(int64) ([]byte, error)) error {
	if !r.packs() {
		return nil
	}
	from, err := r.container(ctx, found)
	if from == nil || err != nil {
		return err
	}
	answer, err := r.ask(ctx, from)
	if answer == nil || err != nil {
		return err
	}
	checkpoint := r.hear(answer, from.Pickles)
	if checkpoint == nil || r.refused() {
		return nil
	}
	l, err := r.lay(ctx, r.in, from, checkpoint, r.lim.MaxTensors)
	if l == nil || len(checkpoint.Tensors) == 0 || err != nil {
		return err
	}
	parts, err := r.gather(ctx, r.in, l, from.BigEndian, alloc)
	if parts == nil || err != nil {
		return err
	}
	r.out.File, r.out.Parts, r.out.Merged = rename(r.in.Name()), parts, l.merged
	return nil
}

// refused reports whether a finding stands against the file already.
func (r *run) refused() bool {
	return slices.ContainsFunc(slices.Concat(r.heard, r.findings), func(f formats.Finding) bool {
		return f.Class != formats.Denied || f.Severity.Rank() >= formats.High
	})
}

// packs lists the rule's packs; it is false if one is not there.
func (r *run) packs() bool {
	for _, name := range r.rule.Packs {
		i := slices.IndexFunc(machine.Packs(), func(p machine.Pack) bool { return p.Name == name })
		if i < 0 {
			r.find(CodePack, 0, "no pack has the name %s", quote(name))
			return false
		}
		r.out.Packs = append(r.out.Packs, digest(machine.Packs()[i]))
	}
	return true
}

// container is what the parent itself reads of the file; nil if it cannot.
func (r *run) container(ctx context.Context, found *formats.Inspection) (*torch.Container, error) {
	if found.Format == torch.Name || found.Format == torch.LegacyName {
		from, err := torch.Read(ctx, r.in, r.lim)
		if syntax, malformed := errors.AsType[*formats.SyntaxError](err); malformed {
			r.heard = append(r.heard, syntax.Finding)
			return nil, nil
		}
		return from, err
	}
	if len(found.Pickles) != 1 || !found.Pickles[0].Within(r.size) {
		r.find(CodeLimit, 0, "%d pickles in a file of the format %s, where one can be read", len(found.Pickles), quote(found.Format))
		return nil, nil
	}
	return &torch.Container{Form: grammar.Plain, Pickles: found.Pickles[0]}, nil
}

// ask has the child read the pickles, and returns what it wrote; nil if there
// is no such thing.
func (r *run) ask(ctx context.Context, from *torch.Container) ([]byte, error) {
	if from.Pickles.Length > r.lim.MaxHeader {
		r.find(CodeLimit, from.Pickles.Offset, "a pickle of %d bytes; MaxHeader is %d", from.Pickles.Length, r.lim.MaxHeader)
		return nil, nil
	}
	stream := make([]byte, from.Pickles.Length)
	if err := formats.ReadFull(r.in, stream, from.Pickles.Offset); err != nil {
		return nil, err
	}
	job := plan.Job{Form: from.Form, Packs: r.rule.Packs, Root: r.rule.Root}
	if r.rule.Extract {
		job.Unknown = machine.Extract
	}
	outcome, err := sandbox.Run(ctx, sandbox.Spec{
		Input:     [][]byte{job.Append(nil), stream},
		Helper:    r.HelperPath,
		Least:     max(r.rule.Sandbox, formats.SandboxSeccomp),
		Timeout:   r.Timeout,
		MaxOutput: plan.MaxOutput,
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		r.find(fault(err), 0, "%v", err)
		return nil, nil
	}
	r.out.Sandbox = &outcome.Sandbox
	return outcome.Output, nil
}

// fault is the code of what ended a child.
func fault(err error) formats.Code {
	for _, f := range []struct {
		err  error
		code formats.Code
	}{
		{sandbox.ErrUnsupported, CodeUnsupported},
		{sandbox.ErrLevel, CodeLevel},
		{sandbox.ErrViolation, CodeViolation},
		{sandbox.ErrResources, CodeResources},
		{sandbox.ErrDeadline, CodeDeadline},
		{sandbox.ErrOutput, CodeOutput},
	} {
		if errors.Is(err, f.err) {
			return f.code
		}
	}
	return CodeCrashed
}
