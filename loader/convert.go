package loader

import (
	"cmp"
	"context"
	"errors"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
)

// A Converter judges files that hold pickles, and makes safetensors of those
// that are checkpoints, without running them: package loader/convert has one.
// It is safe for concurrent use.
type Converter interface {
	// Convert reads in, in which a format found Pickles. What it has against
	// the file, the plan or the sandbox is in the Conversion's findings; its
	// error is that of a read, of alloc, or ctx's. The memory of alloc is the
	// caller's, and filled when Convert returns; tensors that do not lie in the
	// source lie there.
	Convert(ctx context.Context, in formats.Input, found *formats.Inspection, rule policy.Convert,
		lim formats.Limits, alloc func(n int64) ([]byte, error)) (*formats.Conversion, error)

	// Reindex is an index of shards, which a format has read without a finding
	// of its form, as it is for what was made of them: shard says where a tensor
	// lies now, and is false for one that has gone.
	Reindex(ctx context.Context, index formats.Input, lim formats.Limits, shard func(shard, tensor string) (string, bool)) (*formats.Conversion, error)
}

// pickled is a file that holds pickles.
type pickled struct {
	file  *stagedFile
	found *formats.Inspection
}

// convert has the pickles of each file judged, and reads what came of them with
// the formats that read everything else: once, what was derived holds none.
func (i *inspection) convert(ctx context.Context) error {
	if len(i.pickled) == 0 {
		return nil
	}
	if i.a.converter == nil || i.a.rule == nil {
		for _, p := range i.pickled {
			i.find(codes.Finding(CodeAbsent, p.file.name, p.found.Pickles[0].Offset, "%s", unjudged(i.a)))
		}
		return nil
	}
	defer i.a.timed("convert")()
	for _, p := range i.pickled {
		if err := i.judge(ctx, p); err != nil {
			return faultFor(err, p.file.name)
		}
	}
	if len(i.derived) == 0 {
		return nil
	}
	for _, f := range i.s.files {
		if i.facts.Sidecars[f.name] != indexFormat || !i.sound[f.name] {
			continue
		}
		if err := i.reindex(ctx, f); err != nil {
			return faultFor(err, f.name)
		}
	}
	return i.settle(ctx)
}

// unjudged is why nobody read a pickle.
func unjudged(a *admission) string {
	if a.converter == nil {
		return "it holds a pickle, and this host has no converter that could judge it"
	}
	return "it holds a pickle, and the policy's entry has no convert rule"
}

// judge converts one file and inspects what came of it.
func (i *inspection) judge(ctx context.Context, p pickled) error {
	c, err := i.converted(p.file, func() (*formats.Conversion, error) {
		return i.a.converter.Convert(ctx, p.file, p.found, *i.a.rule, i.a.limits, i.a.alloc)
	})
	if c == nil || err != nil {
		return err
	}
	if err := i.s.protect(); err != nil {
		return err
	}
	i.facts.Findings = append(i.facts.Findings, c.Findings...)
	report := ConversionReport{File: p.file.name, Converter: c.Converter, Packs: c.Packs, Sandbox: c.Sandbox, Uses: c.Uses, Dropped: c.Dropped}
	if c.File != "" {
		if report.Derived, err = i.derive(ctx, p.file, c, tensorFormat); err != nil {
			return err
		}
	}
	fact := policy.Conversion{File: p.file.name, Derived: report.Derived, Converter: c.Converter, Packs: c.Packs, Dropped: len(c.Dropped)}
	if c.Sandbox != nil {
		fact.Sandbox = c.Sandbox.Level
	}
	i.a.report.Conversions, i.facts.Conversions = append(i.a.report.Conversions, report), append(i.facts.Conversions, fact)
	return nil
}

// reindex rewrites an index that places tensors in files that were converted:
// it says where they lie now, and no longer names those that share another's
// bytes and went with it.
func (i *inspection) reindex(ctx context.Context, f *stagedFile) error {
	moved := false
	c, err := i.converted(f, func() (*formats.Conversion, error) {
		return i.a.converter.Reindex(ctx, f, i.a.limits, func(shard, tensor string) (string, bool) {
			d := i.madeOf(f, shard)
			if d == nil {
				return shard, true
			}
			moved = true
			return beneath(f.name, d.name), !d.merged[tensor]
		})
	})
	if cause := cmp.Or(ctx.Err(), i.s.failed()); cause != nil {
		return cause
	}
	if err != nil {
		i.find(codes.Finding(CodeParser, f.name, 0, "the converter cannot rewrite the index: %v", err))
		return nil
	}
	if c == nil || !moved {
		return nil
	}
	derived, err := i.derive(ctx, f, c, indexFormat)
	if err != nil {
		return err
	}
	i.facts.Conversions = append(i.facts.Conversions, policy.Conversion{File: f.name, Derived: derived, Converter: c.Converter, Index: true})
	return nil
}

// converted is what a converter answers; nil if it panicked or broke its
// contract, which is a finding.
func (i *inspection) converted(f *stagedFile, answer func() (*formats.Conversion, error)) (c *formats.Conversion, err error) {
	before := len(i.facts.Findings)
	err = i.guarded(f, "converter", func() (err error) {
		c, err = answer()
		return err
	})
	if c == nil && err == nil && len(i.facts.Findings) == before {
		i.find(codes.Finding(CodeParser, f.name, 0, "the converter returned nothing"))
	}
	return c, err
}

// alloc is memory for what a conversion cannot leave where it lies.
func (a *admission) alloc(n int64) ([]byte, error) {
	kept := a.gathered
	if a.room != nil {
		kept = addSaturating(kept, a.report.Bytes)
	}
	if n < 0 || n > a.limits.MaxBytes-kept {
		return nil, tooMuch(CodeMemory, "", "the conversion takes %s beside %s, Limits.MaxBytes is %s", size(n), size(kept), size(a.limits.MaxBytes))
	}
	var b []byte
	if a.room == nil {
		if n > available() {
			return nil, tooMuch(CodeMemory, "", "the conversion takes %s, the machine and its control group have %s left", size(n), size(available()))
		}
		b = make([]byte, n)
	} else {
		s, err := a.room.take([]int64{n})
		if errors.Is(err, errNoRoom) {
			return nil, tooMuch(CodeMemory, "", "the conversion takes %s beside the files, the machine and its control group have %s left", size(n), size(available()))
		}
		if err != nil {
			return nil, err
		}
		a.staged.gathered = append(a.staged.gathered, s)
		b = s.region.Bytes()[:n:n]
	}
	a.gathered += n
	return b, nil
}
