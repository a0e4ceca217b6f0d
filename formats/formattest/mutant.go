package formattest

import (
	"reflect"
	"slices"

	"github.com/weightgate/weightgate/formats"
)

func (c *checker) mutants(s specimen, base outcome) {
	var room []byte
	for _, m := range c.terms.chosen(s.data) {
		room = m.apply(room, s.data)
		mutant := specimen{name: s.name, mutation: m.String(), data: room, siblings: s.siblings}
		c.slack(mutant, s.data, base, c.judged(mutant))
	}
}

// slack finds a mutant that is admitted as what it is a mutant of.
func (c *checker) slack(mutant specimen, file []byte, base, o outcome) {
	if !base.admitted() || !o.accepted() || len(mutant.data) != len(file) || !reflect.DeepEqual(base.found, o.found) {
		return
	}
	for at := range file {
		if file[at] != mutant.data[at] && (data(o.found, mutant.name, int64(at)) || c.terms.Free(file, at)) {
			return
		}
	}
	c.report(Slack, mutant, "the file is another, and the Inspection is not")
}

// data reports whether the byte at is a tensor's, or of a stream that others judge.
func data(found *formats.Inspection, file string, at int64) bool {
	holds := func(r formats.Range) bool { return r.File == file && r.Offset <= at && at < r.End() }
	return slices.ContainsFunc(found.Pickles, holds) ||
		slices.ContainsFunc(found.Tensors, func(t formats.Tensor) bool { return holds(t.Place) })
}
