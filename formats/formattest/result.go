package formattest

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/weightgate/weightgate/formats"
)

// refused holds an error against the contract; no read failed.
func (c *checker) refused(s specimen, w *watch, err error) {
	syntax, ok := errors.AsType[*formats.SyntaxError](err)
	switch {
	case !ok:
		c.report(Errors, s, "no read failed, and Inspect fails with %T: %v", err, err)
		return
	case !c.speaksFor(syntax.Format):
		c.report(Errors, s, "the error is of the format %q: %v", syntax.Format, err)
	}
	c.finding(s, w, syntax.Finding)
}

// speaksFor reports whether an error of the named format is the format's own.
func (c *checker) speaksFor(name string) bool {
	part := func(f formats.Format) bool { return f.Name() == name }
	return name == c.format.Name() || slices.ContainsFunc(c.terms.Parts, part)
}

// finding holds one finding against the table and the files.
func (c *checker) finding(s specimen, w *watch, f formats.Finding) {
	info, listed := c.codes[f.Code]
	switch {
	case !listed:
		c.report(Table, s, "Codes does not list %q", f.Code)
	case info.Class != f.Class || info.Severity != f.Severity || info.Advice != f.Advice:
		c.report(Table, s, "%s is not rated as Codes rates it", f.Code)
	}
	if !c.known(s, w, f.File) {
		return
	}
	if size := int64(len(s.bytes(f.File))); f.Offset < 0 || f.Offset > size {
		c.report(Errors, s, "%s points at %d of %s, which has %d bytes", f.Code, f.Offset, f.File, size)
	}
	if !escaped(f.Detail) {
		c.report(Errors, s, "%s quotes the file unescaped: %+q", f.Code, f.Detail)
	}
}

// escaped reports whether text can be shown on a terminal as it is.
func escaped(text string) bool {
	hostile := func(r rune) bool {
		return r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
	}
	return utf8.ValidString(text) && !slices.ContainsFunc([]rune(text), hostile)
}

// known reports a file that the call did not ask for.
func (c *checker) known(s specimen, w *watch, file string) bool {
	if !w.asked[file] {
		c.report(Siblings, s, "something is said of %q, which is neither the input nor a sibling that was asked for", file)
		return false
	}
	return true
}

// accepted holds an Inspection against the contract.
func (c *checker) accepted(s specimen, w *watch, found *formats.Inspection) {
	if found.Format != c.format.Name() {
		c.report(Errors, s, "the Inspection is of the format %q", found.Format)
	}
	last := map[string]int64{}
	for _, f := range found.Findings {
		c.finding(s, w, f)
		if f.Offset < last[f.File] {
			c.report(Errors, s, "%s at %d stands behind a finding at %d", f.Code, f.Offset, last[f.File])
		}
		last[f.File] = f.Offset
	}
	claims := slices.Concat(found.Claims, found.Pickles)
	for _, r := range claims {
		if c.known(s, w, r.File) && !r.Within(int64(len(s.bytes(r.File)))) {
			c.report(Coverage, s, "a claim to %d bytes at %d of %s, which has %d", r.Length, r.Offset, r.File, len(s.bytes(r.File)))
		}
	}
	c.places(s, w, found.Tensors)
	c.coverage(s, found.Tensors, claims)
}

// places holds each tensor against the files, and all of them against each other.
func (c *checker) places(s specimen, w *watch, tensors []formats.Tensor) {
	ids := make(map[formats.TensorID]bool, len(tensors))
	for _, t := range tensors {
		name := formats.Quote(t.ID.Name)
		switch {
		case t.ID.File != s.name:
			c.report(Places, s, "tensor %s is of the file %q", name, t.ID.File)
		case ids[t.ID]:
			c.report(Places, s, "a second tensor %s", name)
		}
		ids[t.ID] = true
		if t.Inline {
			if t.Place != (formats.Range{}) {
				c.report(Places, s, "tensor %s is inline and has a place", name)
			}
			continue
		}
		if !c.known(s, w, t.Place.File) {
			continue
		}
		if size := int64(len(s.bytes(t.Place.File))); !t.Place.Within(size) {
			c.report(Places, s, "tensor %s has %d bytes at %d of %s, which has %d", name, t.Place.Length, t.Place.Offset, t.Place.File, size)
		}
		if n, ok := formats.ByteLen(t.DType, t.Shape); !ok || n != t.Place.Length {
			c.report(Places, s, "tensor %s: %s %s in %d bytes", name, t.DType, formats.ShapeString(t.Shape), t.Place.Length)
		}
	}
	if !c.terms.Tied {
		c.disjoint(s, tensors)
	}
}

func (c *checker) disjoint(s specimen, tensors []formats.Tensor) {
	full := slices.DeleteFunc(slices.Clone(tensors), func(t formats.Tensor) bool { return t.Place.Length <= 0 })
	slices.SortFunc(full, func(a, b formats.Tensor) int { return byOffset(a.Place, b.Place) })
	for i, t := range full {
		if i > 0 && full[i-1].Place.File == t.Place.File && full[i-1].Place.End() > t.Place.Offset {
			c.report(Places, s, "tensors %s and %s share bytes", formats.Quote(full[i-1].ID.Name), formats.Quote(t.ID.Name))
		}
	}
}

func byOffset(a, b formats.Range) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Offset, b.Offset))
}

// coverage looks for places that no claim covers, and for bytes of the input
// that are neither claimed nor zero.
func (c *checker) coverage(s specimen, tensors []formats.Tensor, claims []formats.Range) {
	slices.SortFunc(claims, byOffset)
	for _, t := range tensors {
		for gap := range gaps(claims, t.Place) {
			c.report(Coverage, s, "no claim covers %d bytes at %d of tensor %s", gap.Length, gap.Offset, formats.Quote(t.ID.Name))
		}
	}
	for gap := range gaps(claims, formats.Range{File: s.name, Length: int64(len(s.data))}) {
		if len(bytes.Trim(s.data[gap.Offset:gap.End()], "\x00")) > 0 {
			c.report(Coverage, s, "nothing accounts for the %d bytes at %d, and they are not zeros", gap.Length, gap.Offset)
		}
	}
}

// gaps are the parts of want that no claim covers; claims are sorted.
func gaps(claims []formats.Range, want formats.Range) func(yield func(formats.Range) bool) {
	return func(yield func(formats.Range) bool) {
		next := want.Offset
		for _, r := range append(slices.Clip(claims), formats.Range{File: want.File, Offset: want.End()}) {
			if r.File != want.File {
				continue
			}
			if to := min(r.Offset, want.End()); to > next && !yield(formats.Range{File: want.File, Offset: next, Length: to - next}) {
				return
			}
			next = max(next, r.End())
		}
	}
}
