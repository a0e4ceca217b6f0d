package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/attestation"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/revocation"
	"github.com/weightgate/weightgate/policy/signature"
)

// maxSkew is how far the clock of whoever signed may be ahead of ours.
const maxSkew = 5 * time.Minute

// evidence is what was verified; nothing, if nothing was.
func (f *Facts) evidence() EvidenceFacts {
	if f.Evidence == nil {
		return EvidenceFacts{}
	}
	return *f.Evidence
}

// nothingIsRevoked asks for a list that is fresh, and for the files in it.
func nothingIsRevoked(r *Rules, f *Facts) []formats.Finding {
	rule := r.doc.Revocation
	if rule.List == "" {
		return nil
	}
	fact := f.evidence().Revocation
	switch {
	case fact == nil:
		return []formats.Finding{codes.Finding(CodeRevocationMissing, "", 0, "%s was not read", rule.List)}
	case fact.Problem != nil:
		return []formats.Finding{*fact.Problem}
	case !slices.Contains(rule.Signers, fact.By) || fact.List.Version == 0:
		return []formats.Finding{codes.Finding(CodePhase, "", 0, "a list of nobody who may revoke")}
	}
	var found []formats.Finding
	issued, now, version := fact.List.IssuedAt, f.Now, fact.List.Version
	switch age := now.Sub(issued); {
	case now.IsZero():
		found = append(found, codes.Finding(CodePhase, "", 0, "no time is given that the list could be fresh at"))
	case issued.After(now.Add(maxSkew)):
		found = append(found, codes.Finding(CodeRevocationEarly, "", 0, "list %d is of %s, and it is %s", version, stamp(issued), stamp(now)))
	case age > time.Duration(rule.MaxAge):
		found = append(found, codes.Finding(CodeRevocationStale, "", 0, "list %d is of %s, %s old, and the policy takes %s", version, stamp(issued),
			age.Round(time.Minute), time.Duration(rule.MaxAge)))
	}
	if version < uint64(rule.MinVersion) {
		found = append(found, codes.Finding(CodeRevocationOlder, "", 0, "list %d, and the policy takes %d and later", version, rule.MinVersion))
	}
	if rule.Monotonic {
		found = append(found, f.against(r.revocationMark(), version, CodeRevocationRollback)...)
	}
	return append(found, revoked(fact.List.Index(), f.Digest.Manifest, r.pin)...)
}

// against holds a number against what the host's State has seen.
func (f *Facts) against(key string, value uint64, rollback formats.Code) []formats.Finding {
	mark, known := f.evidence().Marks[key]
	switch {
	case !known:
		return []formats.Finding{codes.Finding(CodePhase, "", 0, "%s was not looked up in the host's state", key)}
	case value < mark:
		return []formats.Finding{codes.Finding(rollback, "", 0, "%s is %d here, and was %d before", key, value, mark)}
	}
	return nil
}

func derivedAreNotRevoked(r *Rules, f *Facts) []formats.Finding {
	fact := f.evidence().Revocation
	if r.doc.Revocation.List == "" || fact == nil || len(f.Inspect.Derived) == 0 {
		return nil
	}
	return revoked(fact.List.Index(), f.Inspect.Derived, r.derived)
}

// revoked are the files that a list has, and their identity if it has that. The
// SHA-256 of what is as it was pinned is the pinned one, measured or not.
func revoked(list *revocation.Index, files, pin manifest.Manifest) []formats.Finding {
	var found []formats.Finding
	identity := files.Identity()
	if e, is := list.Identity(identity); is && !identity.IsZero() {
		found = append(found, codes.Finding(CodeRevokedIdentity, "", 0, "%s was revoked%s", identity, because(e)))
	}
	for _, file := range files {
		known := []manifest.Digest{file.Verity, file.SHA256}
		if p, pinned := pin.Find(file.Name); pinned && p.Verity == file.Verity {
			known = append(known, p.SHA256)
		}
		for _, d := range known {
			if e, is := list.File(d); is && !d.IsZero() {
				found = append(found, codes.Finding(CodeRevokedFile, file.Name, 0, "%s was revoked%s", d, because(e)))
				break
			}
		}
	}
	return found
}

// modelIsSigned asks that enough signers signed what was measured, and nothing
// else than that.
func modelIsSigned(r *Rules, f *Facts) []formats.Finding {
	rule := r.entry.Signatures
	if !r.entry.signed() {
		return nil
	}
	var against []formats.Finding // why some bundle does not count
	var by []Vouched
	for _, s := range f.evidence().Signatures {
		if found := r.unsigned(s, f); len(found) > 0 {
			against = append(against, found...)
			continue
		}
		by = append(by, s.Vouched)
	}
	have, need := len(principals(by)), max(rule.Need, 1)
	switch {
	case have >= need && (len(r.pin) > 0 || rule.AnyModel || rule.Subject != "" || r.approved(f)):
		return nil
	case have >= need:
		return []formats.Finding{codes.Finding(CodeSignatureUnbound, "", 0, "signed, and nothing signed or pinned says that this is %+q", r.name)}
	case have > 0 || len(against) == 0:
		against = append(against, codes.Finding(CodeSignatureFew, "", 0, "%d of the %d signers that the policy asks for", have, need))
	}
	return against
}

// unsigned is why a bundle does not count.
func (r *Rules) unsigned(s SignatureFact, f *Facts) []formats.Finding {
	rule := r.entry.Signatures
	one := func(c formats.Code, detail string, args ...any) []formats.Finding {
		return []formats.Finding{codes.Finding(c, "", 0, s.Document+": "+detail, args...)}
	}
	over := s.Statement
	switch {
	case s.Problem != nil:
		return []formats.Finding{*s.Problem}
	case !slices.Contains(rule.Signers, s.By):
		return one(CodePhase, "by nobody who may sign it")
	case over.Method == signature.Shards && over.ShardSize != rule.Shards:
		return one(CodeSignatureMeasure, "over shards of %d bytes, and the policy has shards: %d", over.ShardSize, rule.Shards)
	case over.Method == signature.Files && rule.Shards != 0:
		return one(CodeSignatureMeasure, "over files, and the policy has shards: %d", rule.Shards)
	case rule.Subject != "" && rule.Subject != over.Subject:
		return one(CodeSignatureSubject, "of %+q, and the policy takes %+q", over.Subject, rule.Subject)
	}
	return signature.Compare(&signature.Verified{Statement: over, Signer: s.Signer}, f.Digest.Manifest, f.Digest.Shards)
}

// principals are the signers, each once, and one for each key: who signs in two
// names with one key is one.
func principals(by []Vouched) []string {
	first := map[manifest.Digest]string{}
	var names []string
	for _, v := range by {
		name := cmp.Or(first[v.Signer.Key], v.By)
		first[v.Signer.Key] = name
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// modelIsApproved asks for the word of enough people in each role.
func modelIsApproved(r *Rules, f *Facts) []formats.Finding {
	rule := r.entry.Approvals
	if len(rule.Roles) == 0 {
		return nil
	}
	var against []formats.Finding
	var counted []ApprovalFact
	for _, a := range f.evidence().Approvals {
		if finding, is := r.disapproved(a, f); is {
			against = append(against, finding)
			continue
		}
		counted = append(counted, a)
	}
	short := assign(rule.Roles, counted)
	if len(short) == 0 {
		return nil
	}
	for _, s := range short {
		against = append(against, codes.Finding(CodeApprovalMissing, "", 0, "%s", s))
	}
	return against
}

// approved reports whether people have said which model this is; an exception or
// the mode audit says nothing of that.
func (r *Rules) approved(f *Facts) bool {
	return len(r.entry.Approvals.Roles) > 0 && len(modelIsApproved(r, f)) == 0
}

// disapproved is why an approval does not count.
func (r *Rules) disapproved(a ApprovalFact, f *Facts) (formats.Finding, bool) {
	rule, said := r.entry.Approvals, a.Approval
	one := func(c formats.Code, detail string, args ...any) (formats.Finding, bool) {
		return codes.Finding(c, "", 0, a.Document+": "+detail, args...), true
	}
	i := slices.IndexFunc(rule.Roles, func(r role) bool { return r.Role == said.Role })
	identity := f.Digest.Manifest.Identity()
	switch {
	case a.Problem != nil:
		return *a.Problem, true
	case i < 0 || !slices.Contains(rule.Roles[i].Signers, a.By):
		return one(CodeApprovalRole, "%s is not one who approves as %+q", formats.Quote(a.By), said.Role)
	case identity.IsZero() || said.Identity != identity:
		return one(CodeApprovalOther, "of the model %s, and this is %s", said.Identity, identity)
	case said.Name != r.name:
		return one(CodeApprovalName, "of the name %+q, and this is %+q", said.Name, r.name)
	case said.Environment != "" && said.Environment != rule.Environment:
		return one(CodeApprovalEnvironment, "for %+q, and this is %+q", said.Environment, rule.Environment)
	case f.Now.IsZero() || said.IssuedAt.After(f.Now.Add(maxSkew)):
		return one(CodeApprovalEarly, "of %s, and it is %s", stamp(said.IssuedAt), stamp(f.Now))
	case !said.Expires.IsZero() && !f.Now.Before(said.Expires):
		return one(CodeApprovalExpired, "until %s, and it is %s", stamp(said.Expires), stamp(f.Now))
	case rule.MaxAge != 0 && f.Now.Sub(said.IssuedAt) > time.Duration(rule.MaxAge):
		return one(CodeApprovalExpired, "of %s, and the policy takes none older than %s", stamp(said.IssuedAt), time.Duration(rule.MaxAge))
	}
	return formats.Finding{}, false
}

// assign finds people for the places of all roles, each person for one place,
// and says which roles stay short. It is bipartite matching by augmenting paths.
func assign(roles []role, counted []ApprovalFact) (short []string) {
	person := make([]string, len(counted)) // whose key it is; two documents may have one name
	first := map[manifest.Digest]string{}
	for i, a := range counted {
		first[a.Signer.Key] = cmp.Or(first[a.Signer.Key], a.By)
		person[i] = first[a.Signer.Key]
	}
	takes := map[string]int{} // person: the role that has them
	var place func(role int, seen map[string]bool) bool
	place = func(at int, seen map[string]bool) bool {
		for i, a := range counted {
			who := person[i]
			if a.Approval.Role != roles[at].Role || seen[who] {
				continue
			}
			seen[who] = true
			if other, taken := takes[who]; !taken || place(other, seen) {
				takes[who] = at
				return true
			}
		}
		return false
	}
	for i, role := range roles {
		need, have := max(role.Need, 1), 0
		for have < need && place(i, map[string]bool{}) {
			have++
		}
		if have < need {
			short = append(short, fmt.Sprintf("%d of the %d people that the role %+q needs", have, need, role.Role))
		}
	}
	return short
}

// releaseIsNotOlder holds the number that approvals give the model against the
// least that the policy takes, and against those that were loaded before.
func releaseIsNotOlder(r *Rules, f *Facts) []formats.Finding {
	rule := r.entry.Release
	if rule == (release{}) {
		return nil
	}
	number := r.release(f)
	switch {
	case number == 0:
		return []formats.Finding{codes.Finding(CodeReleaseMissing, "", 0, "not every approval that counts says which release this is")}
	case number < uint64(rule.Min):
		return []formats.Finding{codes.Finding(CodeReleaseOlder, "", 0, "release %d, and the policy takes %d and later", number, rule.Min)}
	case rule.Monotonic:
		return f.against(r.releaseMark(), number, CodeReleaseRollback)
	}
	return nil
}

// release is the lowest that the approvals which count say; 0: one says none, or
// there is none. Nobody sets it alone.
func (r *Rules) release(f *Facts) uint64 {
	if f.Digest == nil {
		return 0
	}
	var said []uint64
	for _, a := range f.evidence().Approvals {
		if _, is := r.disapproved(a, f); !is {
			said = append(said, a.Approval.Release)
		}
	}
	if len(said) == 0 {
		return 0
	}
	return slices.Min(said)
}

// weightsHaveProvenance follows each weight file back, through conversions, to
// what an allowed builder made.
func weightsHaveProvenance(r *Rules, f *Facts) []formats.Finding {
	rule := r.entry.Provenance
	if len(rule.Signers) == 0 {
		return nil
	}
	var found []formats.Finding
	var hops []attestation.Provenance
	for _, a := range f.evidence().Attestations {
		said := a.Attestation
		switch {
		case a.Problem != nil:
			found = append(found, *a.Problem)
		case !slices.Contains(rule.Signers, a.By):
			found = append(found, codes.Finding(CodePhase, "", 0, "%s: by nobody who may say it", a.Document))
		case said.PredicateType == attestation.SLSAType && !slices.Contains(rule.Builders, said.Builder):
			found = append(found, codes.Finding(CodeProvenanceBuilder, "", 0, "%s: built by %+q, whom the policy does not take", a.Document, said.Builder))
		default:
			hops = append(hops, said)
		}
	}
	w := newWalk(hops)
	identity := f.Digest.Manifest.Identity()
	missing := 0
	for _, file := range f.Digest.Manifest {
		if f.Inspect.Formats[file.Name] == "" {
			continue // no weights
		}
		made, of := w.builders(attestation.Resource{SHA256: file.SHA256, Identity: identity})
		if !made {
			missing++
			found = append(found, codes.Finding(CodeProvenanceUncovered, file.Name, 0, "no attestation that counts leads from its SHA-256 %s to a builder", file.SHA256))
			continue
		}
		for _, uri := range rule.Materials {
			if !of[uri] {
				missing++
				found = append(found, codes.Finding(CodeProvenanceMaterial, file.Name, 0, "no builder says that it was made of %+q", uri))
			}
		}
	}
	if missing == 0 {
		return nil // what one attestation does not say, others do
	}
	return found
}

// A walk goes from files back to builders. Each attestation is gone through
// once: one that leads to itself leads nowhere.
type walk struct {
	hops    []attestation.Provenance
	files   map[manifest.Digest][]int // by SHA-256: the hops whose subject it is
	models  map[manifest.Digest][]int // by identity
	reached []reach                   // of each hop
	of      []map[string]bool         // by hop that leads to builders: the URIs of what those used
}

type reach uint8

const (
	unasked reach = iota
	nowhere       // also while it is asked
	builder
)

func newWalk(hops []attestation.Provenance) *walk {
	w := &walk{hops: hops, files: map[manifest.Digest][]int{}, models: map[manifest.Digest][]int{}, reached: make([]reach, len(hops)), of: make([]map[string]bool, len(hops))}
	for i, p := range hops {
		for _, s := range p.Subjects {
			if !s.SHA256.IsZero() {
				w.files[s.SHA256] = append(w.files[s.SHA256], i)
			}
			if !s.Identity.IsZero() {
				w.models[s.Identity] = append(w.models[s.Identity], i)
			}
		}
	}
	return w
}

// builders reports whether some attestation leads from a file to a builder, and
// the URIs of what builders used on all ways that do.
func (w *walk) builders(file attestation.Resource) (made bool, of map[string]bool) {
	of = map[string]bool{}
	for _, i := range slices.Concat(w.files[file.SHA256], w.models[file.Identity]) {
		if w.toBuilder(i) {
			made = true
			maps.Copy(of, w.of[i])
		}
	}
	return made, of
}

// toBuilder reports whether hop i is a builder's, or leads to one from all that
// it was made of.
func (w *walk) toBuilder(i int) bool {
	if w.reached[i] != unasked {
		return w.reached[i] == builder
	}
	w.reached[i] = nowhere
	p, all := w.hops[i], map[string]bool{}
	for _, m := range p.Materials {
		if p.PredicateType == attestation.SLSAType {
			all[m.URI] = true
			continue
		}
		made, of := w.builders(m)
		if !made {
			return false
		}
		maps.Copy(all, of)
	}
	if p.PredicateType != attestation.SLSAType && len(p.Materials) == 0 {
		return false
	}
	w.reached[i], w.of[i] = builder, all
	return true
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
