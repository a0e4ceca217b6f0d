package policy

import (
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/weightgate/weightgate/formats"
)

// exception is somebody's word that some findings may pass for a while.
type exception struct {
	Codes   []string `json:"codes"`
	Expires string   `json:"expires"`         // the first day on which it is none, in UTC
	Files   []string `json:"files,omitempty"` // globs; none: whatever it is about
	Owner   string   `json:"owner"`
	Reason  string   `json:"reason"`
}

// Waived is a reason that an exception lets pass.
type Waived struct {
	Reason
	Owner   string `json:"owner"`
	Expires string `json:"expires"` // the first day, in UTC, on which it counts again
}

func (e *entry) readExceptions(n *yaml.Node) error {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		return errAt(n, "exceptions is a list that is not empty, not %s", describe(n))
	}
	for _, item := range n.Content {
		var x exception
		err := readMapping(item, "an exception", map[string]reader{
			"codes":   readSet(&x.Codes, isCode),
			"files":   readSet(&x.Files, isGlob),
			"owner":   readString(&x.Owner, isAny),
			"expires": readDay(&x.Expires),
			"reason":  readString(&x.Reason, isAny),
		})
		switch {
		case err != nil:
			return err
		case len(x.Codes) == 0 || x.Owner == "" || x.Expires == "" || x.Reason == "":
			return errAt(item, "an exception has codes, owner, expires and reason")
		}
		e.Exceptions = append(e.Exceptions, x)
	}
	return nil
}

// isCode takes a code that an exception could let pass.
func isCode(s string) string {
	before, after, dotted := strings.Cut(s, ".")
	switch {
	case !dotted || !formatSyntax.MatchString(before) || !formatSyntax.MatchString(after):
		return "is no code, such as onnx.domain"
	case slices.Contains(reserved, before) && !slices.Contains(yielding, formats.Code(s)) && before != "approval":
		return "can be waived by no exception"
	}
	return ""
}

const day = "2006-01-02"

// readDay reads a date, which YAML has a type for and JSON has not: both
// spellings are the same here.
func readDay(dst *string) reader {
	return func(n *yaml.Node) error {
		if n.Kind != yaml.ScalarNode {
			return errAt(n, "expected a day, not %s", describe(n))
		}
		t, err := time.Parse(day, n.Value)
		if err != nil || t.Format(day) != n.Value {
			return errAt(n, "%q is no day, as 2027-01-31", n.Value)
		}
		*dst = n.Value
		return nil
	}
}

// lets reports whether the exception is for the finding at this time.
func (x exception) lets(f formats.Finding, now time.Time) bool {
	end, err := time.Parse(day, x.Expires)
	return err == nil && !now.IsZero() && now.Before(end) &&
		slices.Contains(x.Codes, string(f.Code)) && (len(x.Files) == 0 || matches(x.Files, f.File))
}

// yielding are the codes of rules that a mode or an exception may let pass.
var yielding = []formats.Code{CodePinMissing, CodeSignatureMissing, CodeCompanionExtra}

// yields reports whether the mode audit downgrades the finding, and whether an
// exception may waive it: the list is closed. Beside the codes above these are
// approvals, and what a format says of content below critical severity. Neither
// is what could not be read.
func (r *Rules) yields(rule string, finding formats.Finding, f *Facts) bool {
	switch {
	case finding.Class != formats.Denied:
		return false
	case slices.Contains(yielding, finding.Code), area(finding) == "approval":
		return true
	case rule != contentRule || f.Inspect == nil || finding.Severity.Rank() >= formats.Critical:
		return false
	}
	severity, is := firm[area(finding)]
	return isContent(finding, f.Inspect) && !(is && finding.Severity.Rank() >= severity)
}

// settle takes out of d what exceptions let pass, and marks it if the mode
// audit downgrades all that is left.
func (r *Rules) settle(d *Decision, f *Facts) {
	d.Reasons = slices.DeleteFunc(d.Reasons, func(reason Reason) bool {
		if !r.yields(reason.Rule, reason.Finding, f) {
			return false
		}
		i := slices.IndexFunc(r.entry.Exceptions, func(x exception) bool { return x.lets(reason.Finding, f.Now) })
		if i < 0 {
			return false
		}
		x := r.entry.Exceptions[i]
		d.Waived = append(d.Waived, Waived{Reason: reason, Owner: x.Owner, Expires: x.Expires})
		return true
	})
	d.Audit = r.audit && len(d.Reasons) > 0 &&
		!slices.ContainsFunc(d.Reasons, func(reason Reason) bool { return !r.yields(reason.Rule, reason.Finding, f) })
}
