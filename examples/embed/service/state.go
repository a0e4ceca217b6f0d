package service

import (
	"errors"
	"io/fs"
	"net/http"
	"time"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

// A State is how far the model is.
type State string

const (
	Loading      State = "loading"
	Verified     State = "verified"     // it is served
	Denied       State = "denied"       // the gate refused it: something is wrong
	Unverifiable State = "unverifiable" // the gate refused it: something could not be read or verified
	Failed       State = "failed"       // for something that no policy decides, such as a device that is not there
	Draining     State = "draining"     // the service ends, and answers new requests of operators alone; no other state follows
)

// Health is what /healthz answers: 200 if State is Verified, 503 otherwise.
type Health struct {
	State   State     `json:"state"`
	Model   string    `json:"model"`
	Since   time.Time `json:"since"`
	Reasons []Reason  `json:"reasons,omitempty"` // for which it was refused
	Error   string    `json:"error,omitempty"`   // in one line; for operators alone
}

// A Reason is one of those that a *loader.Rejection has.
type Reason struct {
	Code   formats.Code `json:"code"`
	File   string       `json:"file,omitempty"`   // operators see paths too, all others a name within the model
	Detail string       `json:"detail,omitempty"` // for operators alone
	Advice string       `json:"advice,omitempty"`
}

// public is h without errors, details and places on this machine.
func (h Health) public() Health {
	told := Health{State: h.State, Model: h.Model, Since: h.Since}
	for _, r := range h.Reasons {
		r.Detail = ""
		if !fs.ValidPath(r.File) {
			r.File = ""
		}
		told.Reasons = append(told.Reasons, r)
	}
	return told
}

// A standing is all that the service says and serves in a state. It is not
// changed once it was stored.
type standing struct {
	health Health
	model  Model          // nil: none is served
	report *loader.Report // nil: there is none
}

// Ready serves m from now on, unless the service ends already.
func (s *Service) Ready(m Model) {
	s.enter(&standing{health: s.health(Verified), model: m, report: m.Report()})
}

// Refuse says why there is no model. It stays that way: what was refused is
// looked into by a person.
func (s *Service) Refuse(err error) {
	after := &standing{health: s.health(Failed)}
	if rejection, ok := errors.AsType[*loader.Rejection](err); ok {
		after.report = rejection.Report
		after.health.State = Denied
		if rejection.Report.Verdict == policy.Unverifiable {
			after.health.State = Unverifiable
		}
		for _, r := range rejection.Report.Reasons() {
			after.health.Reasons = append(after.health.Reasons, Reason{Code: r.Code, File: r.File, Detail: r.Detail, Advice: r.Advice})
		}
	}
	after.health.Error = err.Error()
	s.enter(after)
}

func (s *Service) health(state State) Health {
	return Health{State: state, Model: s.cfg.Model, Since: time.Now()}
}

// enter ends the loading, and no other state.
func (s *Service) enter(next *standing) { s.now.CompareAndSwap(s.loading, next) }

// drain answers that the service ends. What it serves it still serves.
func (s *Service) drain() {
	for {
		before := s.now.Load()
		after := *before
		after.health.State, after.health.Since = Draining, time.Now()
		if s.now.CompareAndSwap(before, &after) {
			return
		}
	}
}

// Health is the state and its reasons, as operators see it.
func (s *Service) Health() Health { return s.now.Load().health }

// model is what is served, or nil.
func (s *Service) model() Model { return s.now.Load().model }

// healthz answers GET /healthz, to whoever may ask.
func (s *Service) healthz(w http.ResponseWriter, _ *http.Request) {
	writeHealth(w, s.Health().public())
}

// adminHealthz answers it to operators.
func (s *Service) adminHealthz(w http.ResponseWriter, _ *http.Request) { writeHealth(w, s.Health()) }

func writeHealth(w http.ResponseWriter, h Health) {
	status := http.StatusServiceUnavailable
	if h.State == Verified {
		status = http.StatusOK
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, status, h)
}

// notReady is the problem of a request in a state that serves no model.
func (now *standing) notReady() *problem {
	p := &problem{
		status: http.StatusServiceUnavailable, kind: serverError, code: "model_" + string(now.health.State),
		message: "The model is not served: see /healthz.",
	}
	if now.health.State == Loading {
		p.retryAfter = time.Second
	}
	return p
}

// Details are what /debug/models answers for a model.
type Details struct {
	Health
	Width     int            `json:"width,omitempty"`
	MaxTokens int            `json:"maxTokens,omitempty"`
	Identity  string         `json:"identity,omitempty"`
	VouchedBy []string       `json:"vouchedBy"` // see vouchers; none: nobody did, or it was refused
	Phases    []Phase        `json:"phases,omitempty"`
	Report    *loader.Report `json:"report,omitempty"` // everything that the gate knows
}

// A Phase is a part of the load and how long it took.
type Phase struct {
	Name         string  `json:"name"`
	Milliseconds float64 `json:"milliseconds"`
}

// vouchers are who stands behind what was admitted: the signers and approvers
// whose documents were verified, by the policy's names, and the pin in the lock
// where nobody signed.
func vouchers(r *loader.Report) []string {
	by := []string{}
	if r == nil || !r.Vouched {
		return by
	}
	e := r.Evidence
	if e == nil {
		e = new(policy.EvidenceFacts)
	}
	for _, s := range e.Signatures {
		if s.Problem == nil {
			by = append(by, "signer "+s.By)
		}
	}
	if len(by) == 0 {
		by = append(by, "pin")
	}
	for _, a := range e.Approvals {
		if a.Problem == nil {
			by = append(by, "approver "+a.By)
		}
	}
	return by
}

// debugModels answers GET /debug/models.
func (s *Service) debugModels(w http.ResponseWriter, _ *http.Request) {
	now := s.now.Load()
	d := Details{Health: now.health, Report: now.report, VouchedBy: vouchers(now.report)}
	var phases []loader.PhaseTime
	if r := d.Report; r != nil {
		phases = r.Phases
		if !r.Identity.IsZero() {
			d.Identity = r.Identity.String()
		}
	}
	if m := now.model; m != nil {
		d.Width, d.MaxTokens, phases = m.Width(), m.MaxTokens(), m.Phases()
	}
	for _, p := range phases {
		d.Phases = append(d.Phases, Phase{Name: p.Phase, Milliseconds: p.Duration.Seconds() * 1e3})
	}
	writeJSON(w, http.StatusOK, map[string]any{"models": []Details{d}})
}
