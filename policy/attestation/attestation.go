// Package attestation reads and writes what people and builders say of a model:
// in-toto statements (v1) with a predicate for approvals, one for conversions,
// and that of SLSA provenance.
//
// It reads payloads whose signature was verified, and says nothing of who made
// them. Everything is safe for concurrent use.
package attestation

import (
	"time"

	"github.com/weightgate/weightgate/policy/manifest"
)

// The predicate types that are read.
const (
	ApprovalType   = "https://github.com/weightgate/weightgate/approval/v1"
	ConversionType = "https://github.com/weightgate/weightgate/conversion/v1"
	PolicyType     = "https://github.com/weightgate/weightgate/policy/v1"
	SLSAType       = "https://slsa.dev/provenance/v1"
)

// Approval is a person's word, in a role, for one model under one name.
type Approval struct {
	Name        string          `json:"name"`     // that the model may be loaded under: the subject's name
	Identity    manifest.Digest `json:"identity"` // of the model: the subject's digest "weightgate-manifest-v1"
	Role        string          `json:"role"`
	Environment string          `json:"environment,omitempty"` // empty: any
	Release     uint64          `json:"release,omitempty"`     // of the model, growing; 0: none
	IssuedAt    time.Time       `json:"issuedAt"`
	Expires     time.Time       `json:"expires,omitzero"` // zero: never
}

// A Resource is what a builder or converter used or made.
type Resource struct {
	Name   string          `json:"name,omitempty"` // of a file
	URI    string          `json:"uri,omitempty"`
	SHA256 manifest.Digest `json:"sha256,omitzero"` // zero: it was not said

	// Identity is a model's, by the digest "weightgate-manifest-v1"; zero: none.
	Identity manifest.Digest `json:"identity,omitzero"`
}

// Provenance says what subjects were made of: by a builder (SLSA), or by a
// conversion of one format into another.
type Provenance struct {
	PredicateType string     `json:"predicateType"`     // SLSAType or ConversionType
	Builder       string     `json:"builder,omitempty"` // of SLSA: builder.id; of a conversion: the converter and its version
	BuildType     string     `json:"buildType,omitempty"`
	Subjects      []Resource `json:"subjects,omitempty"`
	Materials     []Resource `json:"materials,omitempty"` // resolvedDependencies; of a conversion: its sources
}

// PolicyVersion is a statement over a policy: its digest, and a number that
// grows with each that is signed.
type PolicyVersion struct {
	Digest  manifest.Digest `json:"digest"` // policy.Policy.Digest: the subject's digest "weightgate-policy-v1"
	Version uint64          `json:"version"`
}
