package attestation

import (
	"errors"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/internal/strictjson"
)

// The codes that a payload is refused with.
const (
	CodeSyntax formats.Code = "attestation.syntax"
	CodeLimits formats.Code = "attestation.limits"
	CodeType   formats.Code = "attestation.type"
)

var codes = formats.CodeTable{
	{Code: CodeSyntax, Severity: formats.Critical,
		Advice: "Ask whoever signed it to make the document anew: what it says is no in-toto statement v1 that can be read in one way only."},
	{Code: CodeLimits, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Split the document, or leave out of it what the policy does not ask for: it is larger than what is read."},
	{Code: CodeType, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Look at which rule names the document: its predicate is of a type that is not read there."},
}

// Codes lists the codes that this package raises.
func Codes() formats.CodeTable { return codes }

// An Error says why a payload says nothing, or why a statement is not written.
// The Offset of its finding counts bytes of the payload.
type Error struct {
	formats.Finding
	Err error // the cause, if there is one
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Finding.String() + ": " + e.Err.Error()
	}
	return e.Finding.String()
}

func (e *Error) Unwrap() error { return e.Err }

func refuse(c formats.Code, detail string, args ...any) error {
	return &Error{Finding: codes.Finding(c, "", 0, detail, args...)}
}

// readJSON hands read the one value that a payload is.
func readJSON(payload []byte, read func(*strictjson.Doc) error) error {
	if len(payload) > maxPayload {
		return refuse(CodeLimits, "statement: longer than %d bytes", maxPayload)
	}
	err := strictjson.Read("statement", payload, read)
	wrong, ok := errors.AsType[*strictjson.Error](err)
	if !ok {
		return err
	}
	code := map[strictjson.Kind]formats.Code{
		strictjson.Syntax: CodeSyntax, strictjson.Limits: CodeLimits, strictjson.Type: CodeType,
	}[wrong.Kind]
	return &Error{Finding: codes.Finding(code, "", wrong.Offset, "%s", wrong.Detail), Err: wrong.Err}
}
