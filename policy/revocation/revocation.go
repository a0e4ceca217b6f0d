// Package revocation reads and writes lists of what may not be loaded any more.
//
// It reads payloads whose signature was verified, and says nothing of who made
// them. Everything is safe for concurrent use.
package revocation

import (
	"time"

	"github.com/weightgate/weightgate/policy/manifest"
)

// PayloadType is the DSSE payload type of a list.
const PayloadType = "application/vnd.weightgate.revocations.v1+json"

// A List is everything that its publisher has revoked up to a version.
type List struct {
	Version  uint64    `json:"version"` // grows with each list that is published; never 0
	IssuedAt time.Time `json:"issuedAt"`
	Entries  []Entry   `json:"entries"`
}

// An Entry revokes one thing: exactly one of File, Identity, Key, and Issuer
// with Serial is set.
type Entry struct {
	File     manifest.Digest `json:"file,omitzero"`     // fs-verity digest or SHA-256 of a file, of a model or derived
	Identity manifest.Digest `json:"identity,omitzero"` // of a model, or of what it is converted into
	Key      manifest.Digest `json:"key,omitzero"`      // signature.KeyID of a signer
	Issuer   string          `json:"issuer,omitempty"`  // of a certificate, as signature.Certificate has it
	Serial   string          `json:"serial,omitempty"`  // in lower-case hexadecimal
	Reason   string          `json:"reason,omitempty"`
}
