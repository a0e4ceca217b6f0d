package machine

import (
	"cmp"
	"slices"
)

// A report is what was seen of one stream.
type report struct {
	uses     []Use
	findings []Finding
	origin   int64 // of the outermost string that this stream lies in, -1: none
	seen     map[Finding]bool
	used     map[use]int // index into uses
	keys     []use       // of uses
	full     bool
}

const (
	maxFindings = 1000
	maxUses     = 10_000
)

func (r *report) find(code string, offset int64, detail string) {
	if r.origin >= 0 {
		offset, detail = r.origin, "in a nested pickle: "+detail
	}
	if r.full || r.seen[Finding{Code: code, Detail: detail}] {
		return
	}
	if len(r.findings) == maxFindings {
		r.full = true
		r.findings = append(r.findings, Finding{CodeFindings, offset, "there are more than " + itoa(maxFindings)})
		return
	}
	if r.seen == nil {
		r.seen = map[Finding]bool{}
	}
	r.seen[Finding{Code: code, Detail: detail}] = true
	r.findings = append(r.findings, Finding{code, offset, detail})
}

func (r *report) sort() {
	slices.SortStableFunc(r.findings, func(a, b Finding) int { return cmp.Compare(a.Offset, b.Offset) })
	slices.SortStableFunc(r.uses, func(a, b Use) int { return cmp.Compare(a.Offset, b.Offset) })
}

// A use is what tells one Use from another.
type use struct {
	module, name string
	call         bool
}

// use notes that a global is named or called. It is true at the first place.
func (r *report) use(u use, known bool, offset int64) (first bool) {
	if i, ok := r.used[u]; ok {
		r.uses[i].Known = r.uses[i].Known && known
		return false
	}
	if r.used == nil {
		r.used = map[use]int{}
	}
	if r.origin >= 0 {
		offset = r.origin
	}
	r.used[u], r.keys = len(r.uses), append(r.keys, u)
	r.uses = append(r.uses, Use{Name: u.module + "." + u.name, Offset: offset, Call: u.call, Known: known})
	return true
}

// adopt takes over what was seen of a stream that lies in a string at offset.
func (r *report) adopt(inner *report) {
	for _, f := range inner.findings {
		r.find(f.Code, f.Offset, f.Detail)
	}
	for i, u := range inner.uses {
		r.use(inner.keys[i], u.Known, u.Offset)
	}
}
