package sidecar

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/weightgate/weightgate/formats"
)

// maxFindings is how many findings of one code are kept: the last says how many
// more there are.
const maxFindings = 32

// A report collects findings.
type report struct {
	found []formats.Finding
	seen  map[formats.Code]*tally
}

type tally struct{ n, last int }

// find is a finding at pos, the offset of the key that is to blame.
func (r *reader) find(c formats.Code, pos int, detail string, args ...any) {
	if r.seen == nil {
		r.seen = map[formats.Code]*tally{}
	}
	t := r.seen[c]
	if t == nil {
		t = &tally{}
		r.seen[c] = t
	}
	if t.n++; t.n > maxFindings {
		return
	}
	t.last = len(r.found)
	r.found = append(r.found, codes.Finding(c, r.in.Name(), int64(pos), detail, args...))
}

// findings are those that were kept, in the order of their offsets.
func (r *report) findings() []formats.Finding {
	for _, t := range r.seen {
		if t.n > maxFindings {
			r.found[t.last].Detail += fmt.Sprintf(" (and %d more like it)", t.n-maxFindings)
		}
	}
	slices.SortStableFunc(r.found, func(a, b formats.Finding) int { return cmp.Compare(a.Offset, b.Offset) })
	return r.found
}
