package attestation

import (
	"regexp"
	"time"

	"github.com/weightgate/weightgate/policy/internal/strictjson"
)

const (
	maxName = 256 // bytes of a model's name
	maxWord = 64  // bytes of a role or an environment
)

var (
	nameSyntax = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/@:+-]*$`) // of the models of a policy
	wordSyntax = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)
)

// ParseApproval reads the payload of an approval: an in-toto statement v1 with
// one subject, and the predicate ApprovalType. Times are seconds of UTC, and
// unknown keys are errors. The error is an *Error.
func ParseApproval(payload []byte) (*Approval, error) {
	if err := expect(payload, ApprovalType); err != nil {
		return nil, err
	}
	var a Approval
	err := readStatement(payload, func(doc *strictjson.Doc) parts {
		return parts{
			subjects: 1,
			subject: func() error {
				return doc.Object("the subject", map[string]strictjson.Member{
					"name": {Read: doc.Match("the subject's name", nameSyntax, maxName, &a.Name)},
					"digest": {Read: func() error {
						return doc.Object("digest", map[string]strictjson.Member{
							digestModel: {Read: doc.Digest(digestModel, &a.Identity)},
						}, nil)
					}},
				}, nil)
			},
			predicate: func() error {
				return doc.Object("the predicate", map[string]strictjson.Member{
					"role":        {Read: doc.Match("role", wordSyntax, maxWord, &a.Role)},
					"environment": {Optional: true, Read: doc.Match("environment", wordSyntax, maxWord, &a.Environment)},
					"release":     {Optional: true, Read: doc.Count("release", &a.Release)},
					"issuedAt":    {Read: doc.Time("issuedAt", &a.IssuedAt)},
					"expires":     {Optional: true, Read: doc.Time("expires", &a.Expires)},
				}, nil)
			},
		}
	})
	if err != nil {
		return nil, err
	}
	if !a.Expires.IsZero() && !a.Expires.After(a.IssuedAt) {
		return nil, refuse(CodeSyntax, "statement: expires at %s, not after it was issued at %s",
			a.Expires.Format(time.RFC3339), a.IssuedAt.Format(time.RFC3339))
	}
	return &a, nil
}

// Encode writes the payload that ParseApproval reads. What that would refuse is
// an *Error, a fraction of a second among it.
func (a Approval) Encode() ([]byte, error) {
	predicate := struct {
		Role        string    `json:"role"`
		Environment string    `json:"environment,omitempty"`
		Release     uint64    `json:"release,omitempty"`
		IssuedAt    time.Time `json:"issuedAt"`
		Expires     time.Time `json:"expires,omitzero"`
	}{a.Role, a.Environment, a.Release, a.IssuedAt.UTC(), a.Expires.UTC()}
	payload, err := encode(ApprovalType, predicate, descriptor{Name: a.Name, Digest: digests{Model: a.Identity}})
	if err != nil {
		return nil, err
	}
	if _, err := ParseApproval(payload); err != nil {
		return nil, err
	}
	return payload, nil
}
