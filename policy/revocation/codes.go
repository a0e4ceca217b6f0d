package revocation

import (
	"errors"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/internal/strictjson"
)

// The codes that a list is refused with.
const (
	CodeSyntax formats.Code = "revocation.syntax"
	CodeLimits formats.Code = "revocation.limits"
)

var codes = formats.CodeTable{
	{Code: CodeSyntax, Severity: formats.Critical,
		Advice: "Ask whoever publishes the list to make it anew: what was signed is no list that can be read in one way only."},
	{Code: CodeLimits, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Have a signer's key or certificate revoked instead of each file: the list is longer than what is read."},
}

// Codes lists the codes that this package raises.
func Codes() formats.CodeTable { return codes }

// An Error says why a payload is no list, or why a list is not written. The
// Offset of its finding counts bytes of the payload.
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

// refusal is err as this package says it.
func refusal(err error) error {
	wrong, ok := errors.AsType[*strictjson.Error](err)
	if !ok {
		return err
	}
	code := CodeSyntax
	if wrong.Kind == strictjson.Limits {
		code = CodeLimits
	}
	return &Error{Finding: codes.Finding(code, "", wrong.Offset, "%s", wrong.Detail), Err: wrong.Err}
}
