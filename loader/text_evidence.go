package loader

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/attestation"
	"github.com/weightgate/weightgate/policy/signature"
)

const (
	maxVouchersShown  = 8 // of each kind
	maxMaterialsShown = 6 // of each attestation
)

// summary is e without the lists that are as long as the model is large: its
// files are the report's, and what speaks against one is a finding. It is nil if
// there was no evidence.
func summary(e *policy.EvidenceFacts) *policy.EvidenceFacts {
	short := *e
	short.Signatures = slices.Clone(e.Signatures)
	for i := range short.Signatures {
		short.Signatures[i].Statement.Resources = nil
	}
	short.Attestations = slices.Clone(e.Attestations)
	for i := range short.Attestations {
		short.Attestations[i].Attestation.Subjects = nil
	}
	if e.Revocation != nil {
		list := *e.Revocation
		list.List.Entries = nil
		short.Revocation = &list
	}
	if len(short.Signatures)+len(short.Approvals)+len(short.Attestations) == 0 && short.Revocation == nil {
		return nil
	}
	return &short
}

// problems are why documents vouch for nothing, whether or not a rule needed them.
func problems(e *policy.EvidenceFacts) []formats.Finding {
	var found []formats.Finding
	add := func(v policy.Vouched) {
		if v.Problem != nil {
			found = append(found, *v.Problem)
		}
	}
	for _, s := range e.Signatures {
		add(s.Vouched)
	}
	for _, a := range e.Approvals {
		add(a.Vouched)
	}
	for _, a := range e.Attestations {
		add(a.Vouched)
	}
	if e.Revocation != nil {
		add(e.Revocation.Vouched)
	}
	return found
}

// waived writes what exceptions let pass, and until when.
func (t *textWriter) waived(all []policy.Waived) {
	for _, w := range all[:min(len(all), maxFindingsShown)] {
		place := ""
		if w.File != "" {
			place = " " + formats.Quote(w.File)
		}
		t.wrap("  waived    ", indent, fmt.Sprintf("%s%s by %s until %s", w.Code, place, formats.Quote(w.Owner), w.Expires))
	}
	if n := len(all) - maxFindingsShown; n > 0 {
		t.line("%sand %d more", indent, n)
	}
}

// evidence writes who said what of the model, the verified alone.
func (t *textWriter) evidence(e *policy.EvidenceFacts) {
	if e == nil {
		return
	}
	var signed, approved, made [][]string
	for _, s := range e.Signatures {
		if s.Problem == nil {
			signed = append(signed, []string{"signed", describeSignature(s)})
		}
	}
	for _, a := range e.Approvals {
		if a.Problem == nil {
			approved = append(approved, []string{"approved", describeApproval(a)})
		}
	}
	for _, a := range e.Attestations {
		if a.Problem == nil {
			made = append(made, describeOrigin(a.Attestation))
		}
	}
	for _, kind := range [][][]string{signed, approved, made} {
		for _, lines := range kind[:min(len(kind), maxVouchersShown)] {
			t.wrap(fmt.Sprintf("  %-9s ", lines[0]), indent, lines[1])
			for _, more := range lines[2:] {
				t.wrap(indent, indent+"  ", more)
			}
		}
		if n := len(kind) - maxVouchersShown; n > 0 {
			t.line("%sand %d more", indent, n)
		}
	}
	if r := e.Revocation; r != nil && r.Problem == nil {
		entries := fmt.Sprintf("%d entries", len(r.List.Entries))
		if len(r.List.Entries) == 1 {
			entries = "1 entry"
		}
		t.wrap("  revoked   ", indent, fmt.Sprintf("list %d of %s, %s, by %s", r.List.Version, day(r.List.IssuedAt), entries, formats.Quote(r.By)))
	}
}

func describeSignature(s policy.SignatureFact) string {
	files := map[string]bool{}
	for _, r := range s.Statement.Resources {
		files[r.Name] = true
	}
	text := fmt.Sprintf("by %s (key %s…) as %s, %s", formats.Quote(s.By), s.Signer.Key.String()[:12], strconv.QuoteToASCII(s.Statement.Subject), count(len(files), "file"))
	if s.Statement.Method == signature.Shards {
		text += " in shards of " + size(s.Statement.ShardSize)
	}
	return text
}

func describeApproval(a policy.ApprovalFact) string {
	text := fmt.Sprintf("by %s as %s", formats.Quote(a.By), formats.Quote(a.Approval.Role))
	if a.Approval.Environment != "" {
		text += " for " + formats.Quote(a.Approval.Environment)
	}
	if a.Approval.Release > 0 {
		text += fmt.Sprintf(", release %d", a.Approval.Release)
	}
	if !a.Approval.Expires.IsZero() {
		text += ", until " + day(a.Approval.Expires)
	}
	return text
}

// describeOrigin is one hop: a label, who made it, and a line for each thing
// that it was made of.
func describeOrigin(p attestation.Provenance) []string {
	label := "built"
	if p.PredicateType == attestation.ConversionType {
		label = "converted"
	}
	lines := []string{label, "by " + formats.Quote(p.Builder)}
	for _, m := range p.Materials[:min(len(p.Materials), maxMaterialsShown)] {
		lines = append(lines, "of "+describeMaterial(m))
	}
	if n := len(p.Materials) - maxMaterialsShown; n > 0 {
		lines = append(lines, fmt.Sprintf("and of %d more", n))
	}
	return lines
}

func describeMaterial(m attestation.Resource) string {
	text := formats.Quote(cmp.Or(m.URI, m.Name, "something without a name"))
	switch {
	case !m.Identity.IsZero():
		text += " (identity " + m.Identity.String()[:12] + "…)"
	case !m.SHA256.IsZero():
		text += " (SHA-256 " + m.SHA256.String()[:12] + "…)"
	}
	return text
}

// day is the day of a time in UTC.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
