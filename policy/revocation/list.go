package revocation

import (
	"bytes"
	"encoding/json"
	"regexp"

	"github.com/weightgate/weightgate/policy/internal/strictjson"
)

const (
	maxPayload = 32 << 20 // bytes
	maxEntries = 1 << 17
	maxText    = 4096 // bytes of an issuer or a reason
	maxSerial  = 128  // digits; RFC 5280, section 4.1.2.2, has 40, and not all issuers heed it
)

// serialSyntax is how big.Int writes a serial in base 16.
var serialSyntax = regexp.MustCompile(`^(0|[1-9a-f][0-9a-f]*)$`)

// Parse reads a list in full: unknown keys are errors, and so is an entry that
// revokes nothing, more than one thing, or what another revokes. IssuedAt is a
// second of UTC. The error is an *Error.
func Parse(payload []byte) (*List, error) {
	if len(payload) > maxPayload {
		return nil, &Error{Finding: codes.Finding(CodeLimits, "", 0, "list: longer than %d bytes", maxPayload)}
	}
	var l List
	seen := map[Entry]bool{}
	err := strictjson.Read("list", payload, func(doc *strictjson.Doc) error {
		return doc.Object("the list", map[string]strictjson.Member{
			"version":  {Read: doc.Count("version", &l.Version)},
			"issuedAt": {Read: doc.Time("issuedAt", &l.IssuedAt)},
			"entries": {Read: func() error {
				return doc.UpTo(maxEntries, "entries", func() error {
					e, err := readEntry(doc)
					if err != nil {
						return err
					}
					if seen[e.thing()] {
						return doc.Fail(strictjson.Syntax, "an entry revokes what another does")
					}
					seen[e.thing()] = true
					l.Entries = append(l.Entries, e)
					return nil
				})
			}},
		}, nil)
	})
	if err != nil {
		return nil, refusal(err)
	}
	return &l, nil
}

func readEntry(doc *strictjson.Doc) (Entry, error) {
	var e Entry
	kinds := 0
	kind := func(read func() error) strictjson.Member {
		return strictjson.Member{Optional: true, Read: func() error {
			kinds++
			return read()
		}}
	}
	err := doc.Object("an entry", map[string]strictjson.Member{
		"file":     kind(doc.Digest("file", &e.File)),
		"identity": kind(doc.Digest("identity", &e.Identity)),
		"key":      kind(doc.Digest("key", &e.Key)),
		"issuer":   kind(doc.Printable("issuer", maxText, &e.Issuer)),
		"serial":   {Optional: true, Read: doc.Match("serial", serialSyntax, maxSerial, &e.Serial)},
		"reason":   {Optional: true, Read: doc.Printable("reason", maxText, &e.Reason)},
	}, nil)
	if err == nil && kinds != 1 {
		err = doc.Fail(strictjson.Syntax, "an entry revokes %d things, not one", kinds)
	}
	if err == nil && (e.Issuer == "") != (e.Serial == "") {
		err = doc.Fail(strictjson.Syntax, "an entry has one of issuer and serial, not both")
	}
	if err == nil && e.thing() == (Entry{}) {
		err = doc.Fail(strictjson.Syntax, "an entry revokes nothing")
	}
	return e, err
}

// Encode writes the payload that Parse reads. What that would refuse is an
// *Error, a fraction of a second among it.
func (l List) Encode() ([]byte, error) {
	l.IssuedAt = l.IssuedAt.UTC()
	if l.Entries == nil {
		l.Entries = []Entry{}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(l); err != nil { // a time that RFC 3339 cannot write
		return nil, &Error{Finding: codes.Finding(CodeSyntax, "", 0, "list: cannot be written"), Err: err}
	}
	payload := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if _, err := Parse(payload); err != nil {
		return nil, err
	}
	return payload, nil
}
