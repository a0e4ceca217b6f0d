package attestation

import "github.com/weightgate/weightgate/policy/internal/strictjson"

// ParsePolicyVersion reads the payload of a signed policy: an in-toto statement
// v1 with one subject without a name, and the predicate PolicyType. Unknown keys
// are errors. The error is an *Error.
func ParsePolicyVersion(payload []byte) (*PolicyVersion, error) {
	if err := expect(payload, PolicyType); err != nil {
		return nil, err
	}
	var v PolicyVersion
	err := readStatement(payload, func(doc *strictjson.Doc) parts {
		return parts{
			subjects: 1,
			subject: func() error {
				return doc.Object("the subject", map[string]strictjson.Member{
					"digest": {Read: func() error {
						return doc.Object("digest", map[string]strictjson.Member{
							digestPolicy: {Read: doc.Digest(digestPolicy, &v.Digest)},
						}, nil)
					}},
				}, nil)
			},
			predicate: func() error {
				return doc.Object("the predicate", map[string]strictjson.Member{
					"version": {Read: doc.Count("version", &v.Version)},
				}, nil)
			},
		}
	})
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// Encode writes the payload that ParsePolicyVersion reads. What that would
// refuse is an *Error.
func (v PolicyVersion) Encode() ([]byte, error) {
	predicate := struct {
		Version uint64 `json:"version"`
	}{v.Version}
	payload, err := encode(PolicyType, predicate, descriptor{Digest: digests{Policy: v.Digest}})
	if err != nil {
		return nil, err
	}
	if _, err := ParsePolicyVersion(payload); err != nil {
		return nil, err
	}
	return payload, nil
}
