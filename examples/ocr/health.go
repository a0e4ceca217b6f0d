package main

import (
	"errors"
	"io/fs"
	"net/http"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
)

// The words of /healthz. A refused model is its verdict, denied or unverifiable.
const (
	loading  = "loading"
	verified = "verified"
	failed   = "failed"   // for something that no policy decides, such as a device that is not there
	draining = "draining" // the service ends, and answers nobody who asks from then on; no other state follows
)

// health is what /healthz says, to whoever may ask: no paths, no digests and no
// errors, which the log has. It is not changed once it was stored.
type health struct {
	State   string   `json:"state"`
	Model   string   `json:"model,omitempty"`   // the refused one, or the one whose session was refused
	Reasons []reason `json:"reasons,omitempty"` // all of them

	reader reader // nil unless verified
}

type reason struct {
	Code   formats.Code `json:"code"`
	File   string       `json:"file,omitempty"` // a name, as the model or the lock has it
	Advice string       `json:"advice,omitempty"`
}

// healthAfter is that of a service whose models could not be opened.
func healthAfter(err error) *health {
	rejection, ok := errors.AsType[*loader.Rejection](err)
	if !ok {
		return &health{State: failed}
	}
	h := &health{State: rejection.Report.Verdict.String(), Model: rejection.Report.Name}
	for _, r := range rejection.Report.Reasons() {
		told := reason{Code: r.Code, Advice: r.Advice}
		if fs.ValidPath(r.File) { // not a place on this machine
			told.File = r.File
		}
		h.Reasons = append(h.Reasons, told)
	}
	return h
}

func (h *health) code() int {
	if h.reader == nil {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}
