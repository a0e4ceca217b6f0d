package cli

import (
	"cmp"
	"slices"
	"time"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

// A threshold is the lowest severity that is wrong where no policy says so. It
// is the value of a flag.
type threshold formats.Severity

func (t threshold) String() string      { return formats.Severity(t).String() }
func (t *threshold) Type() string       { return "severity" }
func (t *threshold) Set(s string) error { return (*formats.Severity)(t).UnmarshalText([]byte(s)) }

// judge is the report of a look with all its findings, the worst first, under
// one decision. Reasons are what reaches t, and whatever could not be read. The
// verdict stays pending without any.
func (t threshold) judge(look *loader.Report) (*loader.Report, error) {
	named, err := names(look)
	if err != nil {
		return nil, err
	}
	r := *look
	r.Findings = slices.Concat(look.Findings, named, unrecognised(look))
	return t.judgeFindings(&r), nil
}

// judgeFindings is judge for the findings that the report has.
func (t threshold) judgeFindings(look *loader.Report) *loader.Report {
	r := *look
	r.Findings = slices.Clone(look.Findings)
	r.Verdict, r.Decisions = policy.Pending, nil
	for _, reason := range look.Reasons() { // why the look ended early
		r.Findings = append(r.Findings, reason.Finding)
	}
	slices.SortStableFunc(r.Findings, func(a, b formats.Finding) int {
		return cmp.Compare(b.Severity.Rank(), a.Severity.Rank())
	})
	var reasons []policy.Reason
	for _, f := range r.Findings {
		switch {
		case f.Class == formats.Unverifiable:
			if r.Verdict != policy.Denied {
				r.Verdict = policy.Unverifiable
			}
		case f.Severity.Rank() >= formats.Severity(t):
			r.Verdict = policy.Denied
		default:
			continue
		}
		reasons = append(reasons, policy.Reason{Finding: f, Rule: "fail-on"})
	}
	if len(reasons) > 0 {
		r.Decisions = []policy.Decision{{Phase: policy.PhaseInspect, Verdict: r.Verdict, Reasons: reasons}}
	}
	return &r
}

// anyName is a policy that finds whatever a policy can find in names.
const anyName = `{version: 1, models: [{name: model, source: [dir], formats: [safetensors], unpinned: true, findings: {refuse: info}}]}`

// names are the findings in the names of a report, which only a policy makes.
func names(r *loader.Report) ([]formats.Finding, error) {
	facts := r.Facts()
	if facts.Stat == nil {
		return nil, nil // the listing failed, and the report says so
	}
	p, err := policy.Parse([]byte(anyName), nil)
	if err != nil {
		return nil, err
	}
	facts.Name, facts.Origin, facts.Now = "model", policy.Origin{Kind: "dir"}, time.Now()
	known := map[formats.Finding]bool{}
	for _, f := range r.Findings {
		known[f] = true
	}
	var found []formats.Finding
	for _, reason := range p.For(facts.Name, facts.Origin).Decide(policy.PhaseStat, facts).Reasons {
		if !known[reason.Finding] {
			found = append(found, reason.Finding)
		}
	}
	return found, nil
}

// unrecognised are the files that no format claims. One that several claim has
// its finding.
func unrecognised(r *loader.Report) []formats.Finding {
	if r.Facts().Inspect == nil {
		return nil // it was not reached
	}
	explained := map[string]bool{}
	for _, f := range r.Findings {
		explained[f.File] = explained[f.File] || f.Code == loader.CodeAmbiguous || f.Code == loader.CodeParser
	}
	var found []formats.Finding
	for _, f := range r.Files {
		if f.Format == "" && !explained[f.Name] {
			found = append(found, policy.Codes().Finding(policy.CodeFormatUnknown, f.Name, 0, "no format claims it"))
		}
	}
	return found
}
