package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weightgate/weightgate/formats"
)

// soon is how long before its end an exception is worth a warning.
const soon = 30 * 24 * time.Hour

// Warnings say what is lawful in a policy and worth a second look at the time
// now: what nobody vouches for, what cannot be revoked, exceptions at their end.
// The words may change; no program should read them.
func (p *Policy) Warnings(now time.Time) []string {
	if p == nil || p.json == nil {
		return nil
	}
	var s sentences
	if p.Audit() {
		s.add("the mode is audit: it refuses less than enforce does")
	}
	if p.doc.Revocation.List == "" {
		s.add("no revocation: what was published cannot be taken back")
	}
	for _, one := range p.doc.Signers {
		if one.InsecureLeafNotBefore {
			s.add("the signer %s: certificates that have expired count for ever", one.Name)
		}
	}
	for i := range p.doc.Models {
		s.doubts(p, &p.doc.Models[i], now)
	}
	for _, name := range p.Lock().Names() {
		if !slices.ContainsFunc(p.doc.Models, func(e entry) bool { return e.names(name) }) {
			s.add("the lock pins %s, and no entry is for it", name)
		}
	}
	return s
}

// doubts are those about one entry.
func (s *sentences) doubts(p *Policy, e *entry, now time.Time) {
	about := func(format string, args ...any) { s.add("the model %s: %s", e.Name, fmt.Sprintf(format, args...)) }
	pin, _ := p.Lock().Pin(strings.TrimSuffix(e.Name, "*"))
	switch {
	case e.Unpinned:
		about("unpinned, so that nobody vouches for what is loaded")
	case e.Pin != "" && !strings.HasSuffix(e.Name, "*") && len(pin.Files) == 0:
		about("the lock has no pin of it yet: run weightgate pin")
	}
	if e.converts() && e.Convert.Unpinned {
		about("what it is converted into is not pinned")
	}
	if e.Signatures.AnyModel {
		about("any model of its signers may be loaded under this name")
	}
	if e.Findings.threshold().Rank() > formats.High {
		about("findings of high severity do not refuse it")
	}
	for _, x := range e.Exceptions {
		end, _ := time.Parse(day, x.Expires) // readDay has read it
		switch {
		case !now.Before(end):
			about("the exception of %s for %s has expired on %s", x.Owner, both(x.Codes), x.Expires)
		case end.Sub(now) <= soon:
			about("the exception of %s for %s expires on %s", x.Owner, both(x.Codes), x.Expires)
		}
	}
}
