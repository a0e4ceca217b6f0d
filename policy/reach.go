package policy

import "strings"

// A demand is what one entry can be asked for: a name, or all names with one
// beginning, from one kind of source. An empty repository or commit is any.
type demand struct {
	name       string
	open       bool // name is the beginning
	kind       string
	repository string
	commit     string
}

func (e *entry) demands() []demand {
	name, open := strings.CutSuffix(e.Name, "*")
	var all []demand
	for _, kind := range e.Source {
		d := demand{name: name, open: open, kind: kind}
		if kind == "hub" {
			d.repository, d.commit = e.Repository, e.Commit
		}
		all = append(all, d)
	}
	return all
}

// taken are the demands of the entries so far, each with the number of the
// first that has it.
type taken map[demand]int

func (t taken) add(number int, e *entry) {
	for _, d := range e.demands() {
		if _, earlier := t[d]; !earlier {
			t[d] = number
		}
	}
}

// whole reports whether the entries so far leave nothing of e, and which of
// them takes what was left.
func (t taken) whole(e *entry) (last int, all bool) {
	for _, d := range e.demands() {
		number, found := t.meets(d)
		if !found {
			return 0, false
		}
		last = max(last, number)
	}
	return last, true
}

// meets finds the first entry that takes all of d: under its own name or under
// any beginning of it. To look for each keeps the work in the policy's length.
func (t taken) meets(d demand) (first int, found bool) {
	look := func(name string, open bool) {
		for _, wider := range []demand{
			{name: name, open: open, kind: d.kind},
			{name: name, open: open, kind: d.kind, repository: d.repository},
			{name: name, open: open, kind: d.kind, commit: d.commit},
			{name: name, open: open, kind: d.kind, repository: d.repository, commit: d.commit},
		} {
			if number, is := t[wider]; is && (!found || number < first) {
				first, found = number, true
			}
		}
	}
	look(d.name, d.open)
	for n := range len(d.name) + 1 {
		look(d.name[:n], true)
	}
	return first, found
}
