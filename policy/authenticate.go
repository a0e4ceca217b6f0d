package policy

import (
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/attestation"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/revocation"
	"github.com/weightgate/weightgate/policy/signature"
)

// Evidence lists the documents that the rules want to see, each once for each
// use. Those in the model are no files of the model: nothing of them reaches a
// caller.
func (r *Rules) Evidence() []Evidence {
	if r.deny() {
		return nil
	}
	list := r.entry.Signatures.Bundles.evidence(UseSignature)
	list = append(list, r.entry.Approvals.Documents.evidence(UseApproval)...)
	list = append(list, r.entry.Provenance.Documents.evidence(UseAttestation)...)
	if name := r.doc.Revocation.List; name != "" {
		list = append(list, Evidence{Use: UseRevocation, Name: name})
	}
	return list
}

func (r *Rules) isEvidence(name string) bool {
	return slices.ContainsFunc(r.Evidence(), func(e Evidence) bool { return e.InModel && e.Name == name })
}

// ShardSize is the size in bytes of the shards whose SHA-256 a rule asks for; 0:
// none does.
func (r *Rules) ShardSize() int64 {
	if r.deny() {
		return 0
	}
	return r.entry.Signatures.Shards
}

// Authenticate verifies documents against the signers of the policy at the time
// now. It does no I/O and is total: what cannot be verified has a Problem. A
// document that Evidence does not list is left out.
func (r *Rules) Authenticate(docs []Document, now time.Time) *EvidenceFacts {
	f := &EvidenceFacts{}
	if r.deny() {
		return f
	}
	wanted := r.Evidence()
	docs = slices.DeleteFunc(slices.Clone(docs), func(d Document) bool { return !slices.Contains(wanted, d.Evidence) })
	revoked := (&revocation.List{}).Index()
	for _, d := range docs {
		if d.Use == UseRevocation {
			fact := RevocationFact{}
			payload := r.open(d, revocation.PayloadType, r.doc.Revocation.Signers, now, &fact.Vouched)
			fact.List = read(payload, revocation.Parse, &fact.Vouched)
			f.Revocation, revoked = &fact, fact.List.Index()
		}
	}
	for _, d := range docs {
		switch d.Use {
		case UseSignature:
			f.Signatures = append(f.Signatures, r.signature(d, now))
		case UseApproval:
			fact := ApprovalFact{}
			payload := r.open(d, signature.InToto, r.approvers(), now, &fact.Vouched)
			fact.Approval = read(payload, attestation.ParseApproval, &fact.Vouched)
			f.Approvals = append(f.Approvals, fact)
		case UseAttestation:
			fact := AttestationFact{}
			payload := r.open(d, signature.InToto, r.entry.Provenance.Signers, now, &fact.Vouched)
			fact.Attestation = read(payload, attestation.ParseProvenance, &fact.Vouched)
			f.Attestations = append(f.Attestations, fact)
		}
	}
	f.strike(revoked)
	return f
}

// strike takes what revoked signers said out of what counts.
func (f *EvidenceFacts) strike(revoked *revocation.Index) {
	var all []*Vouched
	for i := range f.Signatures {
		all = append(all, &f.Signatures[i].Vouched)
	}
	for i := range f.Approvals {
		all = append(all, &f.Approvals[i].Vouched)
	}
	for i := range f.Attestations {
		all = append(all, &f.Attestations[i].Vouched)
	}
	for _, v := range all {
		if v.Problem != nil {
			continue
		}
		if e, is := revoked.Key(v.Signer.Key); is {
			v.fail(codes.Finding(CodeRevokedSigner, "", 0, "the key %s of %s was revoked%s", v.Signer.Key, v.By, because(e)))
			continue
		}
		for _, c := range v.Signer.Chain {
			if e, is := revoked.Certificate(c.Issuer, c.Serial); is {
				v.fail(codes.Finding(CodeRevokedSigner, "", 0, "the certificate %s of %+q in the chain of %s was revoked%s", c.Serial, c.Issuer, v.By, because(e)))
				break
			}
		}
	}
}

// fail says why a document vouches for nothing. The first reason stays.
func (v *Vouched) fail(f formats.Finding) {
	if v.Problem == nil {
		f.Detail = v.Document + ": " + f.Detail
		v.Problem, v.By = &f, ""
	}
}

// missing are the codes of a document that is not there, and of one that could
// not be read.
var missing = map[Use][2]formats.Code{
	UseSignature:   {CodeSignatureMissing, CodeSignatureUnread},
	UseApproval:    {CodeApprovalMissing, CodeApprovalUnread},
	UseAttestation: {CodeProvenanceMissing, CodeProvenanceUnread},
	UseRevocation:  {CodeRevocationMissing, CodeRevocationUnread},
}

// present says what a document is without that it was read.
func (v *Vouched) present(d Document) bool {
	v.Document = d.Name
	switch {
	case d.Err != nil:
		v.fail(codes.Finding(missing[d.Use][1], "", 0, "%v", d.Err))
	case d.Text == nil:
		v.fail(codes.Finding(missing[d.Use][0], "", 0, "there is no such document"))
	}
	return v.Problem == nil
}

// problem is why a document was refused, as a finding.
func problem(err error) formats.Finding {
	if e, ok := errors.AsType[*signature.Error](err); ok {
		return e.Finding
	}
	if e, ok := errors.AsType[*attestation.Error](err); ok {
		return e.Finding
	}
	if e, ok := errors.AsType[*revocation.Error](err); ok {
		return e.Finding
	}
	return codes.Finding(CodePhase, "", 0, "%v", err)
}

// open verifies a document, and is its payload; nil if it has a Problem.
func (r *Rules) open(d Document, payloadType string, signers []string, now time.Time, v *Vouched) (payload []byte) {
	r.verify(d, signers, now, v, func(t signature.Trust) (by signature.Signer, err error) {
		payload, by, err = signature.Open(d.Text, payloadType, t)
		return by, err
	})
	if v.Problem != nil {
		return nil
	}
	return payload
}

// read parses a payload that was verified.
func read[T any](payload []byte, parse func([]byte) (*T, error), v *Vouched) (value T) {
	if v.Problem != nil {
		return value
	}
	p, err := parse(payload)
	if err != nil {
		v.fail(problem(err))
		return value
	}
	return *p
}

func (r *Rules) signature(d Document, now time.Time) SignatureFact {
	fact := SignatureFact{}
	r.verify(d, r.entry.Signatures.Signers, now, &fact.Vouched, func(t signature.Trust) (signature.Signer, error) {
		v, err := signature.Verify(d.Text, t)
		if err != nil {
			return signature.Signer{}, err
		}
		fact.Statement = v.Statement
		return v.Signer, nil
	})
	if fact.Problem != nil {
		fact.Statement = signature.Statement{}
	}
	return fact
}

// verify says by which of the signers a document is. Those who let certificates
// that have expired sign are asked after all others.
func (r *Rules) verify(d Document, signers []string, now time.Time, v *Vouched, check func(signature.Trust) (signature.Signer, error)) {
	if !v.present(d) {
		return
	}
	for _, insecure := range []bool{false, true} {
		trust := signature.Trust{Now: now, InsecureLeafNotBefore: insecure}
		var asked []*signer
		for _, name := range signers {
			if s := r.doc.signer(name); s != nil && (s.InsecureLeafNotBefore == insecure || !insecure) {
				asked = append(asked, s)
				trust.Keys, trust.Roots = append(trust.Keys, s.keys...), append(trust.Roots, s.roots...)
			}
		}
		if len(asked) == 0 {
			continue
		}
		by, err := check(trust)
		if err != nil {
			f := problem(err)
			v.fail(f)
			if f.Code == signature.CodeExpired {
				continue
			}
			return
		}
		v.Problem, v.Signer = nil, by
		if s := owner(asked, by); s != nil {
			v.By = s.Name
			return
		}
		v.fail(signature.Codes().Finding(signature.CodeUntrusted, "", 0, "signed by %s, who is none of the signers that the policy takes here", describeSigner(by)))
	}
	if v.Problem == nil && v.By == "" {
		v.fail(signature.Codes().Finding(signature.CodeTrust, "", 0, "nobody is trusted"))
	}
}

// owner is whose key or certificate it is.
func owner(signers []*signer, by signature.Signer) *signer {
	for _, s := range signers {
		if len(by.Chain) == 0 {
			for _, key := range s.keys {
				if id, err := signature.KeyID(key); err == nil && id == by.Key {
					return s
				}
			}
			continue
		}
		root := by.Chain[len(by.Chain)-1].SHA256
		for _, c := range s.roots {
			if manifest.Digest(sha256.Sum256(c.Raw)) == root && s.takes(by.Chain[0]) {
				return s
			}
		}
	}
	return nil
}

func describeSigner(by signature.Signer) string {
	if len(by.Chain) > 0 {
		return "the certificate of " + formats.Quote(by.Chain[0].Subject)
	}
	return "the key " + by.Key.String()
}

func because(e revocation.Entry) string {
	if e.Reason == "" {
		return ""
	}
	return ": " + formats.Quote(e.Reason)
}

// approvers are all signers that a role names.
func (r *Rules) approvers() []string {
	var names []string
	for _, role := range r.entry.Approvals.Roles {
		names = append(names, role.Signers...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Marks are the numbers of verified evidence that may only grow: the host looks
// each up in its State before it asks Decide, and stores it once the model is
// admitted. Without a monotonic rule there are none. A release is of approvals
// that count, which is known with the digests: before, its Value is 0.
func (r *Rules) Marks(f *Facts) []Mark {
	if r.deny() || f == nil {
		return nil
	}
	var marks []Mark
	if list := f.evidence().Revocation; r.doc.Revocation.Monotonic && list != nil && list.Problem == nil {
		marks = append(marks, Mark{Key: r.revocationMark(), Value: list.List.Version})
	}
	if r.entry.Release.Monotonic {
		marks = append(marks, Mark{Key: r.releaseMark(), Value: r.release(f)})
	}
	return marks
}

func (r *Rules) revocationMark() string { return "revocation/" + r.doc.Revocation.List }
func (r *Rules) releaseMark() string    { return "release/" + r.name }

// Monotonic reports whether a rule needs the host's State.
func (p *Policy) Monotonic() bool {
	return p != nil && (p.doc.Revocation.Monotonic ||
		slices.ContainsFunc(p.doc.Models, func(e entry) bool { return e.Release.Monotonic }))
}

// Audit reports whether the policy's mode is audit: what that downgrades does
// not refuse, and the verdict stays what it is.
func (p *Policy) Audit() bool { return p != nil && p.doc.Mode == audit }
