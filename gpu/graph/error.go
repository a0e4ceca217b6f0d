package graph

import (
	"errors"
	"fmt"

	"github.com/weightgate/weightgate/formats"
)

// The kinds of an Error.
var (
	// ErrConfig says that a file of the model is not what its kind of file has to
	// be: not there, no JSON, a key twice, a key that is missing, a value that
	// no model can have.
	ErrConfig = errors.New("not a config of the architecture")

	// ErrUnsupported says that a file asks for mathematics that this package does
	// not know, or has a key of which it does not know what it changes.
	ErrUnsupported = errors.New("not supported")

	// ErrTensor says that the tensors are not those that the config describes.
	ErrTensor = errors.New("the tensors are not those of the config")
)

// An Error says why there is no graph of a model.
type Error struct {
	File   string // beneath the model's root
	Key    string // of the file, if one of them is meant
	Tensor string // in the file, if one of them is meant
	Kind   error  // ErrConfig, ErrUnsupported or ErrTensor
	Detail string
}

// Error names the file, the key and what is wrong, in one line.
func (e *Error) Error() string {
	s := "graph: "
	if e.File != "" {
		s += quote(e.File) + ": "
	}
	if e.Key != "" {
		s += "the key " + quote(e.Key) + ": "
	}
	if e.Tensor != "" {
		s += "the tensor " + quote(e.Tensor) + ": "
	}
	return fmt.Sprintf("%s%s: %v", s, e.Detail, e.Kind)
}

// Unwrap is the Kind.
func (e *Error) Unwrap() error { return e.Kind }

// quote is a name as an error shows it: short, and printable.
func quote(name string) string {
	const most = 80
	if len(name) > most {
		return formats.Quote(name[:most]) + "…"
	}
	return formats.Quote(name)
}
