package loader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader/internal/hashing"
	"github.com/weightgate/weightgate/policy"
)

// content is stage 4: what the verified bytes are.
type content struct {
	tensors []formats.Tensor
	derived []*derivedFile
	facts   policy.InspectFacts
}

func (c *content) addTo(f *policy.Facts) { f.Inspect = &c.facts }

// inspect says what every file is, and has pickles converted. What is malformed
// is a finding; only a failed read ends the stage.
func (a *admission) inspect(ctx context.Context, s *staged) (*content, error) {
	i := &inspection{a: a, s: s, claims: map[string][]formats.Range{}, judged: map[string]bool{}, sound: map[string]bool{}, from: map[string]*derivedFile{}}
	i.facts.Formats, i.facts.Sidecars = map[string]string{}, map[string]string{}
	if err := i.read(ctx); err != nil {
		return nil, err
	}
	if err := i.convert(ctx); err != nil {
		return nil, err
	}
	i.facts.Tensors = len(i.tensors)
	return &i.content, nil
}

// An inspection is stage 4 under way.
type inspection struct {
	a *admission
	s *staged
	content
	claims  map[string][]formats.Range // what parsers account for, by file
	judged  map[string]bool            // files that have met their parser
	pickled []pickled                  // in the order of the files
	sound   map[string]bool            // files that were parsed
	from    map[string]*derivedFile    // what was derived, by its source
}

// read detects and parses every file. Graphs and indexes come first: a file that
// one of them claims as its data is not asked what else it looks like.
func (i *inspection) read(ctx context.Context) error {
	defer i.a.timed("inspect")()
	for _, step := range []func(context.Context, *stagedFile) error{i.owner, i.rest, i.coverage} {
		for _, f := range i.s.files {
			if err := step(ctx, f); err != nil {
				return faultFor(err, f.name)
			}
		}
	}
	return i.s.failed()
}

// owner inspects f if some format that may own other files claims it.
func (i *inspection) owner(ctx context.Context, f *stagedFile) error {
	for _, format := range i.a.formats {
		if !formats.TraitsOf(format).Owner {
			continue
		}
		claimed := false
		err := i.guarded(f, format.Name(), func() (err error) {
			claimed, err = format.Claims(ctx, f)
			return err
		})
		if err != nil {
			return err
		}
		if claimed {
			return i.any(ctx, i.a.formats, f)
		}
	}
	return nil
}

// rest inspects what no owner was: data of an owner may be a format that can
// be both; anything else is what the whole set says.
func (i *inspection) rest(ctx context.Context, f *stagedFile) error {
	if i.judged[f.name] {
		return nil
	}
	if _, owned := i.claims[f.name]; !owned {
		return i.any(ctx, i.a.formats, f)
	}
	i.facts.Formats[f.name] = policy.DataFormat
	var both formats.Set
	for _, format := range i.a.formats {
		if formats.TraitsOf(format).Data {
			both = append(both, format)
		}
	}
	return i.any(ctx, both, f)
}

// any detects f among set, and parses it.
func (i *inspection) any(ctx context.Context, set formats.Set, f *stagedFile) error {
	i.judged[f.name] = true
	before := len(i.facts.Findings)
	format, err := i.detect(ctx, set, f)
	if err != nil {
		return err
	}
	if format == nil {
		if _, owned := i.claims[f.name]; owned || len(i.facts.Findings) > before {
			return nil // data of an owner, or refused already
		}
		return i.plain(ctx, f)
	}
	if formats.TraitsOf(format).Sidecar {
		i.facts.Sidecars[f.name] = format.Name()
	} else {
		i.facts.Formats[f.name] = format.Name()
	}
	return i.parse(ctx, format, f)
}

// detect is the one format of set that fits f, or nil: none does, or it is a
// finding that several do.
func (i *inspection) detect(ctx context.Context, set formats.Set, f *stagedFile) (formats.Format, error) {
	var format formats.Format
	err := i.guarded(f, "detect", func() (err error) {
		format, err = set.Detect(ctx, f)
		return err
	})
	var ambiguous *formats.AmbiguousError
	switch {
	case errors.Is(err, formats.ErrUnknown):
		return nil, nil
	case errors.As(err, &ambiguous):
		i.find(codes.Finding(CodeAmbiguous, f.name, 0, "it fits %v", ambiguous.Formats))
		return nil, nil
	case err != nil:
		return nil, err
	}
	return format, nil
}

func (i *inspection) parse(ctx context.Context, format formats.Format, f *stagedFile) error {
	var found *formats.Inspection
	before := len(i.facts.Findings)
	err := i.guarded(f, format.Name(), func() (err error) {
		found, err = format.Inspect(ctx, f, i.a.limits)
		return err
	})
	if syntax, ok := errors.AsType[*formats.SyntaxError](err); ok {
		malformed := syntax.Finding
		malformed.Severity = formats.Critical // no threshold of a policy waives what could not be parsed
		i.refuse(f, malformed)
		return nil
	}
	if err != nil {
		return err
	}
	if found == nil { // it panicked, and said so, or it broke its contract
		if len(i.facts.Findings) == before {
			i.refuse(f, codes.Finding(CodeParser, f.name, 0, "the parser of %s returned nothing", format.Name()))
		}
		return nil
	}
	for _, finding := range found.Findings {
		i.find(finding)
	}
	i.claims[f.name] = append(i.claims[f.name], formats.Range{File: f.name}) // also of a parser that accounts for nothing
	if lie := i.lie(f, found); lie != "" {
		i.refuse(f, codes.Finding(CodeParser, f.name, 0, "the parser of %s %s", format.Name(), lie))
		return nil
	}
	i.sound[f.name] = true
	if len(found.Pickles) > 0 {
		i.pickled = append(i.pickled, pickled{f, found})
	}
	i.tensors = append(i.tensors, found.Tensors...)
	for _, r := range found.Claims {
		i.claims[r.File] = append(i.claims[r.File], r)
	}
	return nil
}

// lie holds what a parser says against the files that are there: a Model lends
// these bytes.
func (i *inspection) lie(f *stagedFile, found *formats.Inspection) string {
	for _, r := range found.Claims {
		if at, ok := i.s.find(r.File); !ok || !r.Within(at.size) {
			return fmt.Sprintf("accounts for %d bytes at %d of %s, which are not there", r.Length, r.Offset, formats.Quote(r.File))
		}
	}
	for _, r := range found.Pickles {
		if r.File != f.name || !r.Within(f.size) {
			return fmt.Sprintf("finds a pickle of %d bytes at %d, which is not there", r.Length, r.Offset)
		}
	}
	seen := make(map[formats.TensorID]bool, len(found.Tensors))
	for _, t := range found.Tensors {
		if seen[t.ID] || t.ID.File != f.name {
			return fmt.Sprintf("names tensor %s twice, or of another file", formats.Quote(t.ID.Name))
		}
		seen[t.ID] = true
		if t.Inline {
			continue
		}
		at, ok := i.s.find(t.Place.File)
		n, known := formats.ByteLen(t.DType, t.Shape)
		if !ok || !known || n != t.Place.Length || !t.Place.Within(at.size) {
			return fmt.Sprintf("places tensor %s where it cannot lie", formats.Quote(t.ID.Name))
		}
	}
	return ""
}

// guarded runs a parser. A panic is a finding: hostile bytes do not take the
// service down with somebody's parser.
func (i *inspection) guarded(f *stagedFile, what string, parse func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			i.refuse(f, codes.Finding(CodeParser, f.name, 0, "%s panicked: %v", what, p))
			err = nil
		}
	}()
	return parse()
}

// refuse is find for a file that is refused as a whole: what hides between its
// parts need not be told.
func (i *inspection) refuse(f *stagedFile, finding formats.Finding) {
	i.find(finding)
	i.claims[f.name] = append(i.claims[f.name], formats.Range{File: f.name, Length: f.size})
}

func (i *inspection) find(f formats.Finding) { i.facts.Findings = append(i.facts.Findings, f) }

// coverage finds bytes that no parser accounts for, zeros aside: alignment is
// no hiding place.
func (i *inspection) coverage(ctx context.Context, f *stagedFile) error {
	claims, ok := i.claims[f.name]
	if !ok {
		return nil // no format claims it: format.unknown, or a companion
	}
	slices.SortFunc(claims, func(a, b formats.Range) int { return cmp.Compare(a.Offset, b.Offset) })
	end := int64(0)
	for _, r := range append(claims, formats.Range{Offset: f.size}) {
		if r.Offset > end {
			at, err := nonZero(ctx, f, end, r.Offset)
			if err != nil {
				return err
			}
			if at >= 0 {
				i.find(codes.Finding(CodeUnclaimed, f.name, at, "bytes that are not zero lie where the format accounts for none, up to %d", r.Offset))
				return nil
			}
		}
		end = max(end, r.End())
	}
	return nil
}

// nonZero is the offset of the first byte in [from, to) that is not zero, or -1.
func nonZero(ctx context.Context, f *stagedFile, from, to int64) (int64, error) {
	buf := make([]byte, min(hashing.Chunk, to-from))
	for from < to {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		b := buf[:min(int64(len(buf)), to-from)]
		if n, err := f.ReadAt(b, from); n < len(b) {
			return 0, err
		}
		if at := slices.IndexFunc(b, func(c byte) bool { return c != 0 }); at >= 0 {
			return from + int64(at), nil
		}
		from += int64(len(b))
	}
	return -1, nil
}
