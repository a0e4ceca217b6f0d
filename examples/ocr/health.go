package main

import (
	"errors"
	"net/http"

	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

// The words of /healthz. A refused model is its verdict, denied or unverifiable.
const (
	loading  = "loading"
	verified = "verified"
	failed   = "failed" // for something that no policy decides, such as a device that is not there
	draining = "draining"
)

// health is what /healthz says, to whoever may ask: no paths unless a load
// failed. It is not changed once it was stored.
type health struct {
	Status  string          `json:"status"`
	Models  []modelHealth   `json:"models,omitempty"`  // once verified
	Refused string          `json:"refused,omitempty"` // the model, or the one whose session it was
	Reasons []policy.Reason `json:"reasons,omitempty"` // all of them, with what to do
	Error   string          `json:"error,omitempty"`   // in one line

	reader reader // nil unless verified
}

type modelHealth struct {
	Name     string          `json:"name"`
	Identity manifest.Digest `json:"identity"` // over names, sizes and contents of its files
	Vouched  bool            `json:"vouched"`  // a pin stands behind it
	Device   string          `json:"device"`
	Runtime  string          `json:"runtime"` // version of ONNX Runtime
}

// healthOf is that of a service whose models have these reports, each of an
// open session.
func healthOf(r reader, reports []*loader.Report) *health {
	h := &health{Status: verified, reader: r}
	for _, report := range reports {
		h.Models = append(h.Models, modelHealth{report.Name, report.Identity, report.Vouched, report.Session.Device, report.Session.Runtime})
	}
	return h
}

// healthAfter is that of a service whose models could not be opened.
func healthAfter(err error) *health {
	if r, ok := errors.AsType[*loader.Rejection](err); ok {
		return &health{Status: r.Report.Verdict.String(), Refused: r.Report.Name, Reasons: r.Report.Reasons(), Error: err.Error()}
	}
	return &health{Status: failed, Error: err.Error()}
}

func (h *health) code() int {
	if h.reader == nil {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}
