package loader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

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
	// caller's, and filled when Convert returns.
	Convert(ctx context.Context, in formats.Input, found *formats.Inspection, rule policy.Convert,
		lim formats.Limits, alloc func(n int64) ([]byte, error)) (*formats.Conversion, error)

	// Reindex is an index of shards as it is for what was made of them: shard
	// says where a tensor lies now, and is false for one that has gone.
	Reindex(index formats.Input, lim formats.Limits, shard func(shard, tensor string) (string, bool)) (*formats.Conversion, error)
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
	if i.a.converter != nil && i.a.rule != nil {
		defer i.a.timed("convert")()
	}
	for _, p := range i.pickled {
		if i.a.converter == nil || i.a.rule == nil {
			i.find(codes.Finding(CodeAbsent, p.file.name, p.found.Pickles[0].Offset, "%s", unjudged(i.a)))
			continue
		}
		if err := i.derive(ctx, p); err != nil {
			return faultFor(err, p.file.name)
		}
	}
	if len(i.derived) == 0 {
		return nil
	}
	if err := i.reindex(ctx); err != nil {
		return err
	}
	return i.measure(ctx)
}

// unjudged is why nobody read a pickle.
func unjudged(a *admission) string {
	if a.converter == nil {
		return "it holds a pickle, and this host has no converter that could judge it"
	}
	return "it holds a pickle, and the policy's entry has no convert rule"
}

// derive converts one file and inspects what came of it.
func (i *inspection) derive(ctx context.Context, p pickled) error {
	var c *formats.Conversion
	before := len(i.facts.Findings)
	err := i.guarded(p.file, "converter", func() (err error) {
		c, err = i.a.converter.Convert(ctx, p.file, p.found, *i.a.rule, i.a.limits, i.a.alloc)
		return err
	})
	if err != nil {
		return err
	}
	if c == nil { // it panicked, and said so, or it broke its contract
		if len(i.facts.Findings) == before {
			i.find(codes.Finding(CodeParser, p.file.name, 0, "the converter returned nothing"))
		}
		return nil
	}
	if err := i.s.protect(); err != nil {
		return err
	}
	i.facts.Findings = append(i.facts.Findings, c.Findings...)
	report := ConversionReport{File: p.file.name, Converter: c.Converter, Packs: c.Packs, Sandbox: c.Sandbox, Uses: c.Uses, Dropped: c.Dropped}
	if c.File != "" {
		if report.Derived, err = i.made(ctx, p.file, c, tensorFormat); err != nil {
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

// made is the name of what was made of f, empty if that is a finding.
func (i *inspection) made(ctx context.Context, f *stagedFile, c *formats.Conversion, format string) (string, error) {
	d, err := newDerivedFile(f, c, i.beside)
	if err != nil {
		i.find(codes.Finding(CodeParser, f.name, 0, "the converter's %s: %v", formats.Quote(c.File), err))
		return "", nil
	}
	return i.inspectDerived(ctx, d, format)
}

// beside is the file of that name as derived files see it: what was derived
// comes before what it was derived from.
func (i *inspection) beside(name string) (formats.Input, bool) {
	if d := derivedNamed(i.derived, name); d != nil {
		return d, true
	}
	return i.s.sibling(name)
}

// reindex rewrites each index that places tensors in files that were converted:
// it says where they lie now, and no longer names those that share another's
// bytes and went with it.
func (i *inspection) reindex(ctx context.Context) error {
	for _, f := range i.s.files {
		if i.facts.Sidecars[f.name] != indexFormat {
			continue
		}
		moved := false
		c, err := i.a.converter.Reindex(f, i.a.limits, func(shard, tensor string) (string, bool) {
			name, ok := i.moved(f, shard)
			if !ok {
				return shard, true
			}
			moved = true
			return path.Base(name), i.holds(formats.TensorID{File: name, Name: tensor})
		})
		if cause := cmp.Or(ctx.Err(), i.s.failed()); cause != nil {
			return cause
		}
		if err != nil {
			i.find(codes.Finding(CodeParser, f.name, 0, "the converter cannot rewrite the index: %v", err))
			continue
		}
		if !moved {
			continue
		}
		derived, err := i.made(ctx, f, c, indexFormat)
		if err != nil {
			return err
		}
		i.facts.Conversions = append(i.facts.Conversions, policy.Conversion{File: f.name, Derived: derived, Converter: c.Converter, Index: true})
	}
	return nil
}

// moved is what was made of the shard that an index names.
func (i *inspection) moved(index *stagedFile, shard string) (string, bool) {
	full, ok := formats.SiblingName(index.name, shard)
	if !ok {
		return "", false
	}
	for _, c := range i.facts.Conversions {
		if c.File == full && c.Derived != "" {
			return c.Derived, true
		}
	}
	return "", false
}

// holds reports whether a derived file has a tensor.
func (i *inspection) holds(id formats.TensorID) bool {
	if i.held == nil {
		i.held = map[formats.TensorID]bool{}
		for _, t := range i.tensors {
			i.held[t.ID] = true
		}
	}
	return i.held[id]
}

// inspectDerived reads a derived file back with the formats of the set: the
// converter's word is not taken for what it wrote.
func (i *inspection) inspectDerived(ctx context.Context, d *derivedFile, format string) (string, error) {
	found, err := i.readBack(ctx, d, format)
	if cause := cmp.Or(ctx.Err(), i.s.failed()); cause != nil {
		return "", cause
	}
	if err != nil {
		i.find(codes.Finding(CodeParser, d.source.name, 0, "the converter wrote no %s: %v", format, err))
		return "", nil
	}
	i.facts.Findings = append(i.facts.Findings, found.Findings...)
	i.derived = append(i.derived, d)
	i.tensors = append(i.tensors, found.Tensors...)
	return d.name, nil
}

// measure says what was derived: by its digests, or by the lock's if the lock
// has the same recipe and nothing else asks for the bytes.
func (i *inspection) measure(ctx context.Context) error {
	slices.SortFunc(i.derived, func(x, y *derivedFile) int { return cmp.Compare(x.name, y.name) })
	recipe, err := recipeOf(i.derived)
	if err != nil {
		return err
	}
	i.a.report.Recipe = recipe
	if !i.a.sha256 && i.a.derived == nil {
		if files, known := i.a.rules.Made(); known == recipe {
			i.facts.Derived, i.a.report.Implied = files, true
			return nil
		}
	}
	for _, d := range i.derived {
		var to io.Writer
		if i.a.derived != nil {
			if to, err = i.a.derived(d.name, d.size); err != nil {
				return err
			}
		}
		entry, err := d.measure(ctx, i.a.sha256, to)
		if err != nil {
			return err
		}
		i.facts.Derived = append(i.facts.Derived, entry)
	}
	return nil
}

// readBack is what the set's formats make of a derived file.
func (i *inspection) readBack(ctx context.Context, d *derivedFile, want string) (*formats.Inspection, error) {
	format, err := i.a.formats.Detect(ctx, d)
	if err != nil {
		return nil, err
	}
	if format.Name() != want {
		return nil, fmt.Errorf("it is %s", format.Name())
	}
	found, err := format.Inspect(ctx, d, i.a.limits)
	if err != nil {
		return nil, err
	}
	for _, t := range found.Tensors {
		if _, ok := d.part(t.Place); !ok {
			return nil, fmt.Errorf("tensor %s lies in pieces", formats.Quote(t.ID.Name))
		}
	}
	return found, nil
}

// The formats of what converters write, and of what steers where tensors lie.
const (
	tensorFormat = "safetensors"
	indexFormat  = "index"
)

// alloc is memory for what a conversion cannot leave where it lies.
func (a *admission) alloc(n int64) ([]byte, error) {
	if n < 0 || n > a.limits.MaxBytes-a.gathered {
		return nil, tooMuch(CodeMemory, "", "the conversion takes %s beside the files, Limits.MaxBytes is %s", size(n), size(a.limits.MaxBytes))
	}
	a.gathered += n
	if a.room == nil {
		if n > available() {
			return nil, tooMuch(CodeMemory, "", "the conversion takes %s, the machine and its control group have %s left", size(n), size(available()))
		}
		return make([]byte, n), nil
	}
	s, err := a.room.take([]int64{n})
	if errors.Is(err, errNoRoom) {
		return nil, tooMuch(CodeMemory, "", "the conversion takes %s beside the files, the machine and its control group have %s left", size(n), size(available()))
	}
	if err != nil {
		return nil, err
	}
	a.staged.gathered = append(a.staged.gathered, s)
	return s.region.Bytes()[:n:n], nil
}
