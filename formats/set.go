package formats

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Set is the explicit list of formats that hostile bytes can reach. A nil Set
// recognises nothing. A Set is not changed after its first use.
type Set []Format

// ErrUnknown says that no format of the Set fits a file.
var ErrUnknown = errors.New("formats: no format of the set fits")

// AmbiguousError says that a file fits several formats, none of which refines
// the others: what it is depends on who reads it.
type AmbiguousError struct {
	File    string
	Formats []string // sorted
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("formats: %q fits %s", e.File, strings.Join(e.Formats, " and "))
}

// With is s and more; s is unchanged.
func (s Set) With(more ...Format) Set { return append(slices.Clip(s), more...) }

// Codes lists the codes that the formats of s can raise; what several say of one
// code in the same words is listed once.
func (s Set) Codes() CodeTable {
	var all CodeTable
	seen := map[CodeInfo]bool{}
	for _, f := range s {
		for _, info := range f.Codes() {
			if !seen[info] {
				seen[info] = true
				all = append(all, info)
			}
		}
	}
	return all
}

// Detect finds the one format whose structure in fits. It asks every format of
// s, since the first that fits is not the only one that fits: the error is
// ErrUnknown, an *AmbiguousError, or a failed read.
func (s Set) Detect(ctx context.Context, in Input) (Format, error) {
	hits, err := s.claims(ctx, in)
	if err != nil {
		return nil, err
	}
	hits = unrefined(hits)
	switch len(hits) {
	case 0:
		return nil, ErrUnknown
	case 1:
		return hits[0], nil
	}
	amb := &AmbiguousError{File: in.Name()}
	for _, f := range hits {
		amb.Formats = append(amb.Formats, f.Name())
	}
	slices.Sort(amb.Formats)
	return nil, amb
}

func (s Set) claims(ctx context.Context, in Input) ([]Format, error) {
	var hits []Format
	for _, f := range s {
		ok, err := f.Claims(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		if ok {
			hits = append(hits, f)
		}
	}
	return hits, nil
}

// unrefined drops the hits that another hit refines, and only those.
func unrefined(hits []Format) []Format {
	return slices.DeleteFunc(slices.Clone(hits), func(h Format) bool {
		return slices.ContainsFunc(hits, func(other Format) bool {
			return slices.Contains(TraitsOf(other).Refines, h.Name())
		})
	})
}
