package loader

import (
	"context"
	"errors"
	"fmt"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader/internal/memory"
	"github.com/weightgate/weightgate/policy"
)

// What a Rejection unwraps to, by its verdict.
var (
	ErrDenied       = errors.New("weightgate: denied")
	ErrUnverifiable = errors.New("weightgate: unverifiable")
)

// A Rejection is a load that was refused, with everything that is known of it.
// It unwraps to ErrDenied or ErrUnverifiable and to its cause, so that
// errors.Is(err, context.Canceled) works.
type Rejection struct {
	Report *Report
	cause  error
}

// Error is one line: verdict, name, the first reason, how many more.
func (r *Rejection) Error() string {
	if r.Report == nil {
		return ErrDenied.Error()
	}
	s := fmt.Sprintf("weightgate: %s %s", r.Report.Verdict, formats.Quote(r.Report.Name))
	reasons := r.Report.Reasons()
	if len(reasons) > 0 {
		s += ": " + escape(reasons[0].String())
	}
	if n := len(reasons) - 1; n > 0 {
		s += fmt.Sprintf(" (and %d more)", n)
	}
	return s
}

// Unwrap is the verdict's error and the cause, if there is one.
func (r *Rejection) Unwrap() []error {
	verdict := ErrDenied
	if r.Report != nil && r.Report.Verdict == policy.Unverifiable {
		verdict = ErrUnverifiable
	}
	if r.cause == nil {
		return []error{verdict}
	}
	return []error{verdict, r.cause}
}

// errRefused is how a decision ends the line; its reasons are in the report.
var errRefused = errors.New("loader: refused by a decision")

// A fault ends the line for something that no rule is asked about: a read that
// failed, a file that changed, a context that ended.
type fault struct {
	formats.Finding
	err error
}

func (f *fault) Error() string { return f.Finding.String() }
func (f *fault) Unwrap() error { return f.err }

// faultFor is err as a fault, whatever it is.
func faultFor(err error, file string) *fault {
	if f, ok := errors.AsType[*fault](err); ok {
		return f
	}
	code := CodeRead
	switch {
	case errors.Is(err, memory.ErrClosed):
		code = CodeClosed
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		code = CodeCanceled
	case errors.Is(err, ErrReplaced):
		code = CodeChanged
	case errors.Is(err, ErrIrregular):
		return &fault{Finding: irregular(file), err: err}
	}
	return &fault{Finding: codes.Finding(code, file, 0, "%v", err), err: err}
}

// irregular is the finding of a name that stands for no regular file.
func irregular(file string) formats.Finding {
	return policy.Codes().Finding(policy.CodeIrregular, file, 0, "a link, pipe, socket or device, not a regular file")
}

// decision is f in the form of a decision, so that a report holds every reason
// in one way.
func (f *fault) decision(p policy.Phase) policy.Decision {
	verdict := policy.Denied
	if f.Class == formats.Unverifiable {
		verdict = policy.Unverifiable
	}
	return policy.Decision{Phase: p, Verdict: verdict, Reasons: []policy.Reason{{Finding: f.Finding, Rule: "line"}}}
}
