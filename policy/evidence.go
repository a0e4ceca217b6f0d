package policy

import (
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/attestation"
	"github.com/weightgate/weightgate/policy/revocation"
	"github.com/weightgate/weightgate/policy/signature"
)

// Use is what a document of others is read for.
type Use string

const (
	UseSignature   Use = "signature"   // of the model, an OMS bundle
	UseApproval    Use = "approval"    // of the model by a person in a role
	UseAttestation Use = "attestation" // of where the model comes from
	UseRevocation  Use = "revocation"  // a list
)

// Evidence is a document of others that the rules want to see. It vouches for
// nothing until Authenticate has verified it.
type Evidence struct {
	Use     Use    `json:"use"`
	InModel bool   `json:"inModel,omitempty"` // it lies beneath the model's root; else beside the policy
	Name    string `json:"name"`              // slash-separated
}

// A Document is evidence as it was read.
type Document struct {
	Evidence
	Text []byte // nil: it is not there, or was not read
	Err  error  // why; nil with a nil Text: it is not there
}

// EvidenceFacts are what evidence says, verified. They are known with the
// digests. Findings are of documents that say nothing: each counts if a rule
// needed them.
type EvidenceFacts struct {
	Signatures   []SignatureFact   `json:"signatures,omitempty"`
	Approvals    []ApprovalFact    `json:"approvals,omitempty"`
	Attestations []AttestationFact `json:"attestations,omitempty"`
	Revocation   *RevocationFact   `json:"revocation,omitempty"`

	// Marks are the highest numbers that the host's State has seen, by the keys
	// of Rules.Marks. A key that is absent was not looked up, and 0 is none.
	Marks map[string]uint64 `json:"marks,omitempty"`
}

// Vouched is by whom a document is: nobody, if Problem is set.
type Vouched struct {
	Document string           `json:"document"`          // name of the evidence
	By       string           `json:"by,omitempty"`      // the signer of the policy that it is by
	Signer   signature.Signer `json:"signer,omitzero"`   // the key, and the chain that leads to it
	Problem  *formats.Finding `json:"problem,omitempty"` // why it vouches for nothing
}

// SignatureFact is what one bundle signs.
type SignatureFact struct {
	Vouched
	Statement signature.Statement `json:"statement,omitzero"`
}

// ApprovalFact is what one approver said.
type ApprovalFact struct {
	Vouched
	Approval attestation.Approval `json:"approval,omitzero"`
}

// AttestationFact is what one attestation says of where files come from.
type AttestationFact struct {
	Vouched
	Attestation attestation.Provenance `json:"attestation,omitzero"`
}

// RevocationFact is the list of what was revoked.
type RevocationFact struct {
	Vouched
	List revocation.List `json:"list,omitzero"`
}

// A Mark is a number that may only grow, and the key that the host's State has
// it by.
type Mark struct {
	Key   string
	Value uint64
}
