package loader

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader/internal/memory"
	"github.com/weightgate/weightgate/policy"
)

// An admission is one load under way: what it stands under, what is known so
// far, and the report that grows with it.
type admission struct {
	gate   *Gate         // nil: Inspect, which asks no policy
	rules  *policy.Rules // nil: no entry fits, and all is denied
	facts  policy.Facts
	report *Report
	now    func() time.Time
	phase  policy.Phase // the phase that the next decision belongs to

	formats  formats.Set
	limits   formats.Limits
	keeps    func(name string) bool      // files.only
	beneath  func(root fs.FileInfo) bool // does the policy lie in the model?
	sha256   bool                        // measure it beside the tree
	arena    *memory.Arena               // nil: a ring, nothing is kept
	via      reading
	pause    func(pausePoint, string, int64)
	progress *progress
	tolerant bool // a file that cannot be read is a finding, not the end

	tree   Tree    // open until release
	staged *staged // until a Model takes it over
}

// A mode says what becomes of the bytes once they were hashed.
type mode bool

const (
	keep mode = true  // in memory, for a Model
	ring mode = false // nothing but the hashes
)

// newAdmission starts the facts and the report of one call.
func newAdmission(event Event, name string, origin policy.Origin) *admission {
	now := time.Now
	return &admission{
		facts: policy.Facts{Name: name, Origin: origin},
		now:   now,
		phase: policy.PhaseStat,
		report: &Report{
			Version: ReportVersion, Event: event, Name: name, Origin: origin, Began: now(),
		},
		progress: newProgress(name, nil),
	}
}

// begin starts a load under the first entry of the policy that fits.
func (g *Gate) begin(name string, src Source, m mode) *admission {
	a := newAdmission(EventVerify, name, src.Origin())
	if m == keep {
		a.arena, a.report.Event = g.arena, EventLoad
	}
	a.gate, a.now, a.via, a.pause = g, g.cfg.Now, g.via, g.pause
	a.formats, a.limits, a.beneath = g.cfg.Formats, g.cfg.Limits, g.cfg.Policy.Beneath
	a.progress = newProgress(name, g.cfg.Progress)
	a.report.Policy, a.report.Began = g.cfg.Policy.Digest(), g.cfg.Now()
	if a.rules = g.cfg.Policy.For(name, a.facts.Origin); a.rules != nil {
		a.limits = a.limits.Lowered(a.rules.Limits())
		a.keeps, a.sha256, a.report.Vouched = a.rules.Keep, a.rules.SHA256(), a.rules.Vouched()
	}
	return a
}

// match denies before anything is opened if no entry fits.
func (a *admission) match() error {
	if a.rules != nil {
		return nil
	}
	return a.decide(policy.PhaseStat)
}

// A fact is a stage's result, which knows its place in Facts; nothing else
// writes there.
type fact interface{ addTo(*policy.Facts) }

// decide adds what became known and asks the policy.
func (a *admission) decide(p policy.Phase, known ...fact) error {
	for _, f := range known {
		f.addTo(&a.facts)
	}
	a.facts.Now = a.now()
	d := a.rules.Decide(p, &a.facts)
	a.report.Decisions = append(a.report.Decisions, d)
	a.report.Verdict, a.report.Pending = d.Verdict, nil
	a.phase = p + 1
	if d.Refused() {
		return errRefused
	}
	if d.Verdict == policy.Pending {
		a.report.Pending = a.rules.Opens(p)
	}
	return nil
}

// record closes the report and hands it to the Recorder, whatever the line
// said. Its error is a *Rejection or nil.
func (a *admission) record(ctx context.Context, judged error) error {
	a.refuseFor(judged)
	a.report.fill(&a.facts)
	var cause error
	if judged != nil && !errors.Is(judged, errRefused) {
		cause = faultFor(judged, "").err
	}
	if err := a.tell(ctx); err != nil {
		f := &fault{Finding: codes.Finding(CodeRecord, "", 0, "%v", err), err: err}
		a.refuseFor(f)
		cause = errors.Join(cause, err)
	}
	if a.report.Verdict == policy.Admitted || a.report.Verdict == policy.Pending {
		return nil
	}
	if cause != nil {
		a.report.Error = cause.Error()
	}
	return &Rejection{Report: a.report, cause: cause}
}

// refuseFor puts an error that no decision made into the report as one.
func (a *admission) refuseFor(err error) {
	if err == nil || errors.Is(err, errRefused) {
		return
	}
	d := faultFor(err, "").decision(a.phase)
	a.report.Decisions = append(a.report.Decisions, d)
	a.report.Verdict = d.Verdict
}

// tell hands the report to the Recorder and the Logger.
func (a *admission) tell(ctx context.Context) error {
	if a.gate == nil {
		return nil
	}
	level, reasons := slog.LevelInfo, a.report.Reasons()
	attrs := []slog.Attr{
		slog.String("event", string(a.report.Event)),
		slog.String("model", a.report.Name),
		slog.String("verdict", a.report.Verdict.String()),
		slog.String("identity", a.report.Identity.String()),
	}
	if len(reasons) > 0 {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("reason", escape(reasons[0].String())), slog.Int("reasons", len(reasons)))
	}
	a.gate.cfg.Logger.LogAttrs(ctx, level, "weightgate", attrs...)
	if a.gate.cfg.Recorder == nil {
		return nil
	}
	// A caller who hangs up does not take the record with it.
	return a.gate.cfg.Recorder.Record(context.WithoutCancel(ctx), a.report)
}

// release lets go of what no Model took over.
func (a *admission) release() {
	if a.staged != nil {
		a.staged.release()
		a.staged = nil
	}
	if a.tree != nil {
		a.tree.Close()
		a.tree = nil
	}
}

// timed measures one part of the line: defer a.timed("copy")().
func (a *admission) timed(phase string) func() {
	start := time.Now() // a duration for people; decisions get Config.Now
	return func() {
		a.report.Phases = append(a.report.Phases, PhaseTime{Phase: phase, Duration: time.Since(start)})
	}
}

// fill copies what was measured into the report.
func (r *Report) fill(f *policy.Facts) {
	r.facts, r.Files, r.Findings = *f, nil, nil
	if s := f.Stat; s != nil {
		r.LeftOut = s.LeftOut
		r.Findings = append(r.Findings, s.Findings...)
	}
	if d := f.Digest; d != nil {
		r.Identity = d.Manifest.Identity()
		for _, e := range d.Manifest {
			r.Files = append(r.Files, FileReport{Entry: e})
		}
		r.Findings = append(r.Findings, d.Findings...)
	}
	if i := f.Inspect; i != nil {
		r.Tensors = i.Tensors
		for n := range r.Files {
			r.Files[n].Format = cmp.Or(i.Formats[r.Files[n].Name], i.Sidecars[r.Files[n].Name])
		}
		r.Findings = append(r.Findings, i.Findings...)
	}
	if l := f.Library; l != nil {
		r.Library = l.Files
	}
	r.Session = f.Session
}
