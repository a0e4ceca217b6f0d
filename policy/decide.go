package policy

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/manifest"
)

// Rules is what a policy says of one name. It is immutable and safe for
// concurrent use. The nil and the zero Rules deny.
type Rules struct {
	entry     *entry
	name      string            // the one that For was asked for
	pin       manifest.Manifest // of name; none if the lock has none
	derived   manifest.Manifest // of name; none if the lock has none
	recipe    manifest.Digest   // of derived; zero if the lock has none
	lock      *Lock
	doc       *document // signers and revocation
	audit     bool      // the policy's mode
	libraries bool      // the policy says that they are pinned
	strict    bool      // see Strict
}

// Limits are the entry's limits, with zero where it says nothing. They are
// there to lower others.
func (r *Rules) Limits() formats.Limits {
	if r.deny() {
		return formats.Limits{}
	}
	l := r.entry.Limits
	return formats.Limits{MaxBytes: l.Bytes, MaxFiles: l.Files, MaxDepth: l.Depth, MaxTensors: l.Tensors,
		MaxHeader: l.Header, MaxNesting: l.Nesting, MaxNodes: l.Nodes, MaxFold: l.Fold, MaxInflate: l.Inflate}
}

// Keep reports whether the file belongs to the model: whether files.only, if
// the entry has it, fits its name. A file that is not kept is never opened;
// evidence in the model is none of its files either.
func (r *Rules) Keep(name string) bool {
	return !r.deny() && !r.isEvidence(name) && (len(r.entry.Files.Only) == 0 || matches(r.entry.Files.Only, name))
}

// SHA256 reports whether a rule asks for the SHA-256 of each file.
func (r *Rules) SHA256() bool {
	return !r.deny() && (slices.Contains(r.entry.Measure, sha256d) || r.entry.signed() && r.entry.Signatures.Shards == 0 ||
		len(r.entry.Provenance.Signers) > 0 || r.doc.Revocation.List != "" && len(r.pin) == 0)
}

// Opens are the phases after the given one that have rules, in their order.
func (r *Rules) Opens(after Phase) []Phase {
	if r.deny() {
		return nil
	}
	var open []Phase
	for p := after + 1; p > after && p <= PhaseSession; p++ {
		switch {
		case p == PhaseLibrary && !r.libraries:
		case p == PhaseSession && len(r.entry.Session.Device) == 0:
		default:
			open = append(open, p)
		}
	}
	return open
}

// Pinned reports whether the files are held against a pin. It is false where
// the entry does not ask for one and the lock has none of the name: one that is
// there is held whatever the entry says.
func (r *Rules) Pinned() bool { return !r.deny() && (r.entry.Pin != "" || len(r.pin) > 0) }

// Vouched reports whether a pin or a signature stands behind all that is
// admitted: behind the files, and behind what they may be converted into. A load
// that an exception or the mode audit let pass has nobody behind it all the same.
func (r *Rules) Vouched() bool {
	return !r.deny() && (r.Pinned() || r.entry.signed()) && (!r.entry.Convert.Unpinned || len(r.derived) > 0)
}

// Strict are the same rules for whoever vouches for a model by pinning it:
// findings of high severity are refused whatever the entry lets pass, the mode
// audit downgrades nothing, and what others say of the model is not asked.
func (r *Rules) Strict() *Rules {
	if r.deny() {
		return nil
	}
	strict := *r
	strict.strict, strict.audit = true, false
	return &strict
}

// threshold is the lowest severity that refuses.
func (r *Rules) threshold() formats.Severity {
	if r.strict {
		return min(r.entry.Findings.threshold(), formats.High)
	}
	return r.entry.Findings.threshold()
}

// Pin is what the lock says of this name, nil if it has no such name. The
// caller owns it.
func (r *Rules) Pin() manifest.Manifest {
	if r.deny() {
		return nil
	}
	return slices.Clone(r.pin)
}

// Decide answers one phase: it holds the facts against every rule of the phase
// and gives every reason that there is. It is pure and total. The facts of the
// phase and of all before it must be there; the nil and the zero Rules, nil
// facts and a phase that is none are denied.
//
// The verdict is Denied if one reason is of that class, Unverifiable if there
// are only such, Pending while a later phase has rules, else Admitted.
func (r *Rules) Decide(p Phase, f *Facts) Decision {
	if gap := r.unprepared(p, f); gap != nil {
		return Decision{Phase: p, Verdict: Denied, Reasons: []Reason{{Finding: *gap, Rule: "facts"}}}
	}
	d := Decision{Phase: p}
	for _, rule := range rules {
		if rule.phase == p && !(r.strict && slices.Contains(others, rule.name)) {
			d.add(rule.name, rule.judge(r, f))
		}
	}
	r.settle(&d, f)
	d.Verdict = r.verdict(p, d.Reasons)
	return d
}

// verdict is what reasons make of a phase.
func (r *Rules) verdict(p Phase, reasons []Reason) Verdict {
	switch {
	case slices.ContainsFunc(reasons, func(r Reason) bool { return r.Class != formats.Unverifiable }):
		return Denied
	case len(reasons) > 0:
		return Unverifiable
	case len(r.Opens(p)) > 0:
		return Pending
	}
	return Admitted
}

// add sorts what one rule found behind what is there.
func (d *Decision) add(rule string, found []formats.Finding) {
	slices.SortFunc(found, func(a, b formats.Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Offset, b.Offset),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Detail, b.Detail),
			cmp.Compare(a.Class, b.Class), cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Advice, b.Advice))
	})
	for _, f := range slices.Compact(found) {
		d.Reasons = append(d.Reasons, Reason{Finding: f, Rule: rule})
	}
}

// deny reports whether r has no entry of a policy behind it.
func (r *Rules) deny() bool { return r == nil || r.entry == nil }

// unprepared is why no rule of the phase can be asked at all.
func (r *Rules) unprepared(p Phase, f *Facts) *formats.Finding {
	gap := func(c formats.Code, detail string, args ...any) *formats.Finding {
		finding := codes.Finding(c, "", 0, detail, args...)
		return &finding
	}
	switch {
	case f == nil && r.deny():
		return gap(CodeNoMatch, "no entry of the policy, and nothing was measured")
	case r.deny():
		return gap(CodeNoMatch, "no entry of the policy is for %+q from %s", f.Name, describeOrigin(f.Origin))
	case p < PhaseStat || p > PhaseSession:
		return gap(CodePhase, "%s is none", p)
	case f == nil:
		return gap(CodePhase, "nothing was measured")
	}
	there := [...]bool{
		PhaseStat:    f.Stat != nil,
		PhaseDigest:  f.Digest != nil,
		PhaseInspect: f.Inspect != nil,
		PhaseLibrary: f.Library != nil,
		PhaseSession: f.Session != nil,
	}
	for q := PhaseStat; q <= p; q++ {
		if !there[q] {
			return gap(CodePhase, "the facts of the phase %s are missing", q)
		}
	}
	return nil
}

func describeOrigin(o Origin) string {
	s := fmt.Sprintf("a source of the kind %+q", o.Kind)
	if o.Repository != "" {
		s += fmt.Sprintf(", repository %+q", o.Repository)
	}
	if o.Commit != "" {
		s += fmt.Sprintf(", commit %+q", o.Commit)
	}
	return s
}
