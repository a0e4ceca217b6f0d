package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Description is what a part of a policy says, in plain sentences for people.
// The words may change; no program should read them.
type Description struct {
	Name      string // of the entry; empty: the policy as a whole
	Sentences []string
}

// Describe tells what the policy says as a whole and then entry by entry, in the
// order in which For asks them. With a name it tells of the entries that fit it
// alone, and only if there are any.
func (p *Policy) Describe(name string) []Description {
	if p == nil || p.json == nil {
		return nil
	}
	var entries []Description
	for i := range p.doc.Models {
		if e := &p.doc.Models[i]; name == "" || e.names(name) {
			entries = append(entries, Description{Name: e.Name, Sentences: p.describe(e, name)})
		}
	}
	if len(entries) == 0 {
		return nil
	}
	return slices.Insert(entries, 0, Description{Sentences: p.whole()})
}

// whole is what holds for every entry.
func (p *Policy) whole() []string {
	var s sentences
	if p.Audit() {
		s.add("The mode is audit: a missing pin, signature or approval, an extra file and what formats find below critical severity are reported and let the load go on.")
	} else {
		s.add("The mode is enforce: a load that is not admitted is refused.")
	}
	if p.doc.Lock != "" {
		s.add("The lock is %s and pins %s and %s.", p.doc.Lock, count(len(p.Lock().pins), "model"), count(len(p.Lock().libraries), "library"))
	}
	if p.doc.Libraries == pinned {
		s.add("A runtime is opened only if its libraries are those in the lock.")
	} else {
		s.add("No runtime is opened: libraries are not mentioned.")
	}
	for _, one := range p.doc.Signers {
		s.add("%s vouches with %s.", one.Name, one.means())
	}
	if r := p.doc.Revocation; r.List != "" {
		s.add("A list of what was revoked must lie beside the policy as %s, signed by %s and at most %s old.", r.List, either(r.Signers), span(r.MaxAge))
		if r.MinVersion > 0 {
			s.add("Its version is at least %d.", r.MinVersion)
		}
		if r.Monotonic {
			s.add("Its version never goes back from what the host has seen.")
		}
	}
	return s
}

// means is what a signer vouches with.
func (s signer) means() string {
	var with []string
	if len(s.Keys) > 0 {
		with = append(with, count(len(s.Keys), "key"))
	}
	if len(s.Roots) > 0 {
		like := slices.Clone(s.Names)
		if s.Subject != "" {
			like = append(like, fmt.Sprintf("the subject %q", s.Subject))
		}
		with = append(with, fmt.Sprintf("a certificate for %s that leads to one of %s", strings.Join(like, " and "), count(len(s.Roots), "root")))
	}
	text := strings.Join(with, " and ")
	if s.InsecureLeafNotBefore {
		text += "; an expired certificate counts as of the day it began"
	}
	return text
}

// describe is what an entry says of all its names, or of one.
func (p *Policy) describe(e *entry, name string) []string {
	var s sentences
	s.add("It comes from %s.", e.sources())
	if len(e.Files.Only) > 0 {
		s.add("Only files that fit %s belong to it; others are never opened.", either(e.Files.Only))
	}
	s.add("Weights and graphs are %s.", either(e.Formats))
	if len(e.Companions) > 0 {
		s.add("Files without weights are taken if they fit %s, and each of these patterns has one.", either(e.Companions))
	}
	s.pins(p.Lock(), e, name)
	if e.converts() {
		s.add("Pickles are converted to safetensors in a sandbox of at least %s, by the packs %s; %s.", e.Convert.least(), both(e.Convert.Packs), e.Convert.unknown())
		if e.Convert.Unpinned {
			s.add("What they are converted into need not be pinned.")
		}
	}
	s.vouched(e)
	s.add("Findings of formats refuse it from %s severity up.", e.Findings.threshold())
	if e.Limits != (limits{}) {
		text, _ := json.Marshal(e.Limits) // numbers
		s.add("It has these limits, where the host has no lower ones: %s.", strings.NewReplacer(`"`, "", ":", " ", ",", ", ").Replace(strings.Trim(string(text), "{}")))
	}
	if slices.Contains(e.Measure, sha256d) {
		s.add("The SHA-256 of each file is measured too.")
	}
	if len(e.Session.Device) > 0 {
		s.add("It runs on %s.", either(e.Session.Device))
		if len(e.Session.CPUNodes) > 0 {
			s.add("On another device, nodes that may still run on the CPU are %s.", both(e.Session.CPUNodes))
		}
	} else {
		s.add("No session is opened for it.")
	}
	for _, x := range e.Exceptions {
		files := "whatever file they are about"
		if len(x.Files) > 0 {
			files = "files that fit " + either(x.Files)
		}
		s.add("Until %s, findings of %s pass for %s: %s's word, because %q.", x.Expires, either(x.Codes), files, x.Owner, x.Reason)
	}
	return s
}

// unknown is what becomes of globals that no pack has.
func (c convert) unknown() string {
	if c.Unknown == extract {
		return "objects that no pack knows are dropped"
	}
	return "one that names anything else is refused"
}

type sentences []string

func (s *sentences) add(format string, args ...any) {
	*s = append(*s, fmt.Sprintf(format, args...))
}

// pins says what the lock has for an entry.
func (s *sentences) pins(lock *Lock, e *entry, name string) {
	before := len(*s)
	for _, pin := range lock.pins {
		if !e.names(pin.Name) || name != "" && name != pin.Name {
			continue
		}
		s.add("%s is pinned to %s, identity %s.", pin.Name, count(len(pin.Files), "file"), pin.Files.Identity())
		if len(pin.Derived) > 0 {
			s.add("What it is converted into is pinned to %s, identity %s.", count(len(pin.Derived), "file"), pin.Derived.Identity())
		}
	}
	switch pinned := len(*s) > before; {
	case pinned && e.Pin == "":
		s.add("Names that the lock does not have need no pin.")
	case e.Pin == "":
		s.add("It needs no pin.")
	case !pinned:
		s.add("It needs a pin, and the lock has none yet.")
	}
}

// vouched says who has to vouch for an entry.
func (s *sentences) vouched(e *entry) {
	if r := e.Signatures; e.signed() {
		over := "files"
		if r.Shards > 0 {
			over = fmt.Sprintf("shards of %d bytes", r.Shards)
		}
		s.add("At least %d of %s must have signed it, over %s, in %s.", max(r.Need, 1), both(r.Signers), over, r.Bundles)
		if r.Subject != "" {
			s.add("The signed subject is %q.", r.Subject)
		}
		if r.AnyModel {
			s.add("Any model of theirs may be loaded under this name.")
		}
	}
	if a := e.Approvals; len(a.Roles) > 0 {
		for _, r := range a.Roles {
			s.add("In the role %s, at least %d of %s must have approved it.", r.Role, max(r.Need, 1), both(r.Signers))
		}
		s.add("Approvals are in %s.", a.Documents)
		if a.Environment != "" {
			s.add("They are for the environment %s.", a.Environment)
		}
		if a.MaxAge > 0 {
			s.add("They are at most %s old.", span(a.MaxAge))
		}
	}
	if e.Release.Min > 0 {
		s.add("Its release is at least %d.", e.Release.Min)
	}
	if e.Release.Monotonic {
		s.add("Its release never goes back from what the host has seen.")
	}
	if r := e.Provenance; len(r.Signers) > 0 {
		s.add("Its weights have provenance, signed by %s, from the builder %s, in %s.", either(r.Signers), either(r.Builders), r.Documents)
		if len(r.Materials) > 0 {
			s.add("They are made of %s.", either(r.Materials))
		}
	}
}

// String names the documents for people.
func (d documents) String() string {
	var where []string
	if len(d.Model) > 0 {
		where = append(where, both(d.Model)+" in the model")
	}
	if len(d.Policy) > 0 {
		where = append(where, both(d.Policy)+" beside the policy")
	}
	return strings.Join(where, ", and ")
}

func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "ry"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(noun, "y"))
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func either(words []string) string { return list(words, "or") }
func both(words []string) string   { return list(words, "and") }

// list joins words as a sentence does.
func list(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}

// span is a time span in days if it has whole ones.
func span(d duration) string {
	hours := int(time.Duration(d) / time.Hour)
	if hours%24 == 0 {
		return count(hours/24, "day")
	}
	return count(hours, "hour")
}
