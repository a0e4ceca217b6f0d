package service

import (
	"errors"
	"net/http"
	"time"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
)

// A State is how far the model is.
type State string

const (
	Loading  State = "loading"
	Verified State = "verified" // it is served
	Denied   State = "denied"   // the gate refused it
	Failed   State = "failed"   // it was admitted, or not judged, and cannot be served
	Draining State = "draining" // the service ends
)

// Health is what /healthz answers: 200 if State is Verified, 503 otherwise.
type Health struct {
	State   State     `json:"state"`
	Model   string    `json:"model"`
	Since   time.Time `json:"since"`
	Verdict string    `json:"verdict,omitempty"` // of the gate
	Reasons []Reason  `json:"reasons,omitempty"` // for which it was refused
	Error   string    `json:"error,omitempty"`   // why it failed
}

// A Reason is one of those that a *loader.Rejection has.
type Reason struct {
	Code   formats.Code `json:"code"`
	File   string       `json:"file,omitempty"`
	Detail string       `json:"detail,omitempty"`
	Advice string       `json:"advice,omitempty"`
}

// Ready serves m from now on.
func (s *Service) Ready(m Model) {
	s.enter(Health{State: Verified, Verdict: m.Report().Verdict.String()}, m, m.Report())
}

// Refuse says why there is no model. It stays that way: what was refused is
// looked into by a person.
func (s *Service) Refuse(err error) {
	rejection, ok := errors.AsType[*loader.Rejection](err)
	if !ok {
		s.enter(Health{State: Failed, Error: err.Error()}, nil, nil)
		return
	}
	h := Health{State: Denied, Verdict: rejection.Report.Verdict.String()}
	for _, r := range rejection.Report.Reasons() {
		h.Reasons = append(h.Reasons, Reason{Code: r.Code, File: r.File, Detail: r.Detail, Advice: r.Advice})
	}
	s.enter(h, nil, rejection.Report)
}

// enter begins a state.
func (s *Service) enter(h Health, m Model, report *loader.Report) {
	h.Model, h.Since = s.cfg.Model, time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health, s.served, s.report = h, m, report
}

// drain answers that the service ends, and still serves.
func (s *Service) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health.State, s.health.Since = Draining, time.Now()
}

// Health is the state and its reasons.
func (s *Service) Health() Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.health
}

// model is what is served, or nil.
func (s *Service) model() Model {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.served
}

// healthz answers GET /healthz.
func (s *Service) healthz(w http.ResponseWriter, _ *http.Request) {
	h := s.Health()
	status := http.StatusServiceUnavailable
	if h.State == Verified {
		status = http.StatusOK
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, status, h)
}

// notReady is the problem of every request until the model is verified.
func (s *Service) notReady() *problem {
	h := s.Health()
	p := &problem{
		status: http.StatusServiceUnavailable, kind: serverError, code: "model_" + string(h.State),
		message: "The model is " + string(h.State) + ": see /healthz.",
	}
	if h.State == Loading {
		p.retryAfter = 1
	}
	return p
}

// Details are what /debug/models answers for a model.
type Details struct {
	Health
	Width     int            `json:"width,omitempty"`
	MaxTokens int            `json:"maxTokens,omitempty"`
	Identity  string         `json:"identity,omitempty"`
	Vouched   bool           `json:"vouched"` // by the pin or the signatures that the report has
	Phases    []Phase        `json:"phases,omitempty"`
	Report    *loader.Report `json:"report,omitempty"` // everything that the gate knows
}

// A Phase is a part of the load and how long it took.
type Phase struct {
	Name         string  `json:"name"`
	Milliseconds float64 `json:"milliseconds"`
}

// debugModels answers GET /debug/models.
func (s *Service) debugModels(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	d, m := Details{Health: s.health, Report: s.report}, s.served
	s.mu.Unlock()
	var phases []loader.PhaseTime
	if r := d.Report; r != nil {
		phases = r.Phases
		d.Vouched = r.Vouched
		if !r.Identity.IsZero() {
			d.Identity = r.Identity.String()
		}
	}
	if m != nil {
		d.Width, d.MaxTokens, phases = m.Width(), m.MaxTokens(), m.Phases()
	}
	for _, p := range phases {
		d.Phases = append(d.Phases, Phase{Name: p.Phase, Milliseconds: p.Duration.Seconds() * 1e3})
	}
	writeJSON(w, http.StatusOK, map[string]any{"models": []Details{d}})
}
