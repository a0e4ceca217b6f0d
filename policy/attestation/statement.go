package attestation

import (
	"bytes"
	"encoding/json"

	"github.com/weightgate/weightgate/policy/internal/strictjson"
	"github.com/weightgate/weightgate/policy/manifest"
)

// statementType is that of in-toto statements
// (github.com/in-toto/attestation, spec/v1/statement.md).
const statementType = "https://in-toto.io/Statement/v1"

// The algorithms of digests that are read.
const (
	digestSHA256 = "sha256"
	digestModel  = "weightgate-manifest-v1"
	digestPolicy = "weightgate-policy-v1"
)

const (
	maxPayload   = 32 << 20 // bytes
	maxResources = 1 << 17  // subjects, or materials
	maxText      = 4096     // bytes of a file's name, a URI or a builder
)

// parts read what differs between statements.
type parts struct {
	subjects  int // at most so many
	subject   func() error
	predicate func() error
	other     func() error // reads the values of unknown keys; nil: they are errors
}

// readType is the type of a payload's predicate. Members have no order, so it
// is looked up before any other is understood.
func readType(payload []byte) (string, error) {
	var predicateType string
	err := readJSON(payload, func(doc *strictjson.Doc) error {
		return doc.Object("the statement", map[string]strictjson.Member{
			"_type":         {Read: doc.Constant("_type", statementType)},
			"predicateType": {Read: doc.Text("predicateType", &predicateType)},
		}, doc.Skip)
	})
	if err != nil {
		return "", err
	}
	return predicateType, nil
}

// expect refuses a payload whose predicate is of another type.
func expect(payload []byte, predicateType string) error {
	found, err := readType(payload)
	if err == nil && found != predicateType {
		return refuse(CodeType, "statement: predicateType is %+.99q, not %s", found, predicateType)
	}
	return err
}

// readStatement reads a payload whose types are known.
func readStatement(payload []byte, how func(*strictjson.Doc) parts) error {
	return readJSON(payload, func(doc *strictjson.Doc) error {
		p := how(doc)
		return doc.Object("the statement", map[string]strictjson.Member{
			"_type":         {Read: doc.Skip},
			"predicateType": {Read: doc.Skip},
			"subject": {Read: func() error {
				empty := true
				err := doc.UpTo(p.subjects, "subject", func() error {
					empty = false
					return p.subject()
				})
				if err == nil && empty {
					return doc.Fail(strictjson.Syntax, "subject is empty")
				}
				return err
			}},
			"predicate": {Read: p.predicate},
		}, p.other)
	})
}

// descriptor is a resource as in-toto writes it (spec/v1/resource_descriptor.md).
type descriptor struct {
	Name   string  `json:"name,omitempty"`
	URI    string  `json:"uri,omitempty"`
	Digest digests `json:"digest"`
}

type digests struct {
	SHA256 manifest.Digest `json:"sha256,omitzero"`
	Model  manifest.Digest `json:"weightgate-manifest-v1,omitzero"`
	Policy manifest.Digest `json:"weightgate-policy-v1,omitzero"`
}

// encode writes a statement. Whether it may be read is for a reader to say.
func encode(predicateType string, predicate any, subjects ...descriptor) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(struct {
		Type          string       `json:"_type"`
		Subject       []descriptor `json:"subject"`
		PredicateType string       `json:"predicateType"`
		Predicate     any          `json:"predicate"`
	}{statementType, subjects, predicateType, predicate})
	if err != nil { // a time that RFC 3339 cannot write
		return nil, &Error{Finding: codes.Finding(CodeSyntax, "", 0, "statement: cannot be written"), Err: err}
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
