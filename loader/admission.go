package loader

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"time"

	"github.com/weightgate/weightgate/formats"
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

	formats   formats.Set
	limits    formats.Limits
	keeps     func(name string) bool      // files.only
	beneath   func(root fs.FileInfo) bool // does the policy lie in the model?
	sha256    bool                        // measure it beside the tree
	shardSize int64                       // and that of shards of so many bytes; 0: of none
	evidence  []policy.Evidence           // that the rules want to see
	room      *room                       // for the bytes; nil: a ring, only their hashes are kept
	via       reading
	pause     func(pausePoint, string, int64)
	progress  *progress
	converter Converter                                        // nil: pickles stay unjudged
	rule      *policy.Convert                                  // nil: so do they
	gathered  int64                                            // bytes that conversions copied
	derived   func(name string, size int64) (io.Writer, error) // where conversions go; nil: nowhere
	tolerant  bool                                             // a file that cannot be read is a finding, not the end

	tree   Tree    // open until release
	space  *space  // until staged takes it over
	staged *staged // until a Model takes it over
}

// newAdmission starts the facts and the report of one call.
func newAdmission(event Event, name string, origin policy.Origin, tell func(Progress)) *admission {
	now := time.Now
	return &admission{
		facts: policy.Facts{Name: name, Origin: origin},
		now:   now,
		phase: policy.PhaseStat,
		report: &Report{
			Version: ReportVersion, Event: event, Name: name, Origin: origin, Began: now(),
		},
		progress: newProgress(name, tell),
	}
}

// begin starts a call of the gate under the first entry of the policy that
// fits.
func (g *Gate) begin(event Event, name string, src Source) *admission {
	a := newAdmission(event, name, src.Origin(), g.cfg.Progress)
	a.gate, a.via, a.pause = g, g.via, g.pause
	a.formats, a.limits, a.beneath = g.cfg.Formats, g.cfg.Limits, g.cfg.Policy.Beneath
	if g.cfg.Now != nil { // the zero Gate denies like any other without a policy
		a.now = g.cfg.Now
	}
	a.report.Policy, a.report.Began = g.cfg.Policy.Digest(), a.now()
	if a.rules = g.cfg.Policy.For(name, a.facts.Origin); a.rules != nil {
		a.limits = a.limits.Lowered(a.rules.Limits())
		a.keeps, a.sha256, a.shardSize, a.evidence = a.rules.Keep, a.rules.SHA256(), a.rules.ShardSize(), a.rules.Evidence()
		a.report.Vouched = a.rules.Vouched()
		if rule, ok := a.rules.Convert(); ok {
			a.converter, a.rule = g.cfg.Converter, &rule
		}
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
	a.report.take(d)
	a.phase = p + 1
	if d.Refused() {
		return errRefused
	}
	a.report.Pending = a.rules.Opens(p)
	return nil
}

// take adds a decision. What only the mode audit let pass stays refused, whatever
// later phases say, and goes on as long as they do.
func (r *Report) take(d policy.Decision) {
	r.Decisions, r.Pending = append(r.Decisions, d), nil
	if r.Verdict = d.Verdict; r.Audit {
		for _, before := range r.Decisions {
			r.Verdict = min(r.Verdict, before.Verdict)
		}
	}
	r.Audit = !d.Refused() && (r.Audit || d.Audit)
	r.Vouched = r.Vouched && !d.Refused() && !d.Audit && !slices.ContainsFunc(d.Waived, func(w policy.Waived) bool {
		return slices.Contains([]formats.Code{policy.CodePinMissing, policy.CodeSignatureMissing, policy.CodeCompanionExtra}, w.Code)
	})
}

// record closes the report and hands it to the Recorder, whatever the line
// said. Its error is a *Rejection or nil. The report is not changed once the
// Recorder has it: if the Recorder fails, the Rejection gets a copy.
func (a *admission) record(ctx context.Context, judged error) error {
	cause := a.report.refuseFor(judged, a.phase)
	a.report.fill(&a.facts)
	if err := a.tell(ctx); err != nil {
		told := *a.report
		told.Decisions = slices.Clone(told.Decisions)
		failed := &fault{Finding: codes.Finding(CodeRecord, "", 0, "%v", err), err: err}
		cause = errors.Join(cause, told.refuseFor(failed, a.phase))
		a.report = &told
	}
	if a.report.Audit || a.report.Verdict == policy.Admitted || a.report.Verdict == policy.Pending {
		return nil
	}
	return &Rejection{Report: a.report, cause: cause}
}

// refuseFor puts an error that no decision made into the report as one, and
// returns its cause. What was denied stays denied.
func (r *Report) refuseFor(err error, p policy.Phase) error {
	if err == nil || errors.Is(err, errRefused) {
		return nil
	}
	f := faultFor(err, "")
	denied := r.Verdict == policy.Denied && len(r.Decisions) > 0
	r.take(f.decision(p))
	if denied {
		r.Verdict = policy.Denied
	}
	if f.err != nil {
		r.Error = f.err.Error()
	}
	return f.err
}

// tell hands the report to the Logger and the Recorder.
func (a *admission) tell(ctx context.Context) error {
	if a.gate == nil {
		return nil
	}
	if l := a.gate.cfg.Logger; l != nil {
		a.report.log(ctx, l)
	}
	if a.gate.cfg.Recorder == nil {
		return nil
	}
	// A caller who hangs up does not take the record with it.
	return a.gate.cfg.Recorder.Record(context.WithoutCancel(ctx), a.report)
}

// log writes one line: what was judged, the verdict, the first reason.
func (r *Report) log(ctx context.Context, l *slog.Logger) {
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("event", string(r.Event)),
		slog.String("model", r.Name),
		slog.String("verdict", r.Verdict.String()),
		slog.String("identity", r.Identity.String()),
	}
	if reasons := r.Reasons(); len(reasons) > 0 {
		level = slog.LevelWarn
		if r.Audit {
			attrs = append(attrs, slog.String("mode", "audit")) // it goes on, and enforce would refuse it
		}
		attrs = append(attrs, slog.String("reason", escape(reasons[0].String())), slog.Int("reasons", len(reasons)))
	}
	l.LogAttrs(ctx, level, "weightgate", attrs...)
}

// release lets go of what no Model took over.
func (a *admission) release() {
	if a.staged != nil {
		a.staged.release()
		a.staged = nil
	}
	if a.space != nil {
		a.space.release()
		a.space = nil
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
		r.Findings, r.Shards = append(r.Findings, d.Findings...), d.Shards
	}
	if e := f.Evidence; e != nil {
		r.Evidence = summary(e)
		r.Findings = append(r.Findings, problems(e)...)
	}
	if i := f.Inspect; i != nil {
		r.Tensors = i.Tensors
		for n := range r.Files {
			r.Files[n].Format = cmp.Or(i.Formats[r.Files[n].Name], i.Sidecars[r.Files[n].Name])
		}
		r.Findings = append(r.Findings, i.Findings...)
		if len(i.Derived) > 0 {
			r.Derived, r.DerivedFiles = i.Derived.Identity(), i.Derived
		}
	}
	if l := f.Library; l != nil {
		r.Library = l.Files
	}
	r.Session = f.Session
}
