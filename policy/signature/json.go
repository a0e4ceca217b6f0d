package signature

import (
	"errors"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/internal/strictjson"
)

// readJSON hands the one value that text is to read.
func readJSON(what string, text []byte, read func(*strictjson.Doc) error) error {
	err := strictjson.Read(what, text, read)
	wrong, ok := errors.AsType[*strictjson.Error](err)
	if !ok {
		return err
	}
	code := map[strictjson.Kind]formats.Code{
		strictjson.Syntax: CodeSyntax, strictjson.Limits: CodeLimits, strictjson.Type: CodeType,
	}[wrong.Kind]
	return &Error{Finding: codes.Finding(code, "", wrong.Offset, "%s", wrong.Detail), Err: wrong.Err}
}
