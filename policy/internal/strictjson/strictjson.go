// Package strictjson reads JSON texts value by value, and more strictly than
// encoding/json does.
package strictjson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

const maxDepth = 32 // of objects and arrays; a statement needs five

// A Doc is a JSON text (RFC 8259) that is read value by value, and more
// strictly than encoding/json reads: keys are compared as they stand, one that
// occurs twice is an error, and so are half surrogate pairs and what is not UTF-8.
type Doc struct {
	what  string // bundle or statement
	text  []byte // UTF-8
	at    int    // behind what was read
	depth int
}

// Kind of what is wrong with a text.
type Kind uint8

const (
	Syntax Kind = iota // not the JSON that it is to be
	Limits             // more than is read
	Type               // of a type or version that is not read
)

// An Error says where a text stops being what it is to be.
type Error struct {
	Kind   Kind
	Offset int64 // in bytes: just behind what was read last
	Detail string
	Err    error // the cause, if there is one
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Detail + ": " + e.Err.Error()
	}
	return e.Detail
}

func (e *Error) Unwrap() error { return e.Err }

// Read hands the one value that text is to read, which has to read all of it;
// errors begin with what. Its own errors are *Error; those of read are returned
// as they are if the text is JSON at all. What was read before an error is not
// to be used.
func Read(what string, text []byte, read func(*Doc) error) error {
	doc := &Doc{what: what, text: text}
	if !utf8.Valid(text) {
		return doc.Fail(Syntax, "not UTF-8")
	}
	err := read(doc)
	if doc.first(); err == nil && doc.at < len(text) {
		err = doc.Fail(Syntax, "no JSON")
	}
	if own, ok := errors.AsType[*Error](err); err == nil || ok && own.Kind == Limits {
		return err
	}
	var whole json.RawMessage
	if cause := json.Unmarshal(text, &whole); cause != nil { // which says more of it
		e := &Error{Detail: what + ": no JSON", Err: cause}
		if syntax, ok := errors.AsType[*json.SyntaxError](cause); ok {
			e.Offset = syntax.Offset
		}
		return e
	}
	return err
}

// Fail is an error just behind what was read last.
func (doc *Doc) Fail(k Kind, detail string, args ...any) error {
	return &Error{Kind: k, Offset: int64(doc.at), Detail: doc.what + ": " + fmt.Sprintf(detail, args...)}
}

// A Member reads the value of one key.
type Member struct {
	Read     func() error
	Optional bool // it may be absent
}

// Object reads an object. A key that occurs twice is an error, a Member that
// is absent and not optional another; a key that is no Member goes to other,
// which is an error if nil.
func (doc *Doc) Object(what string, members map[string]Member, other func() error) error {
	if err := doc.open('{', what, "an object"); err != nil {
		return err
	}
	return doc.members(what, members, other)
}

func (doc *Doc) members(what string, members map[string]Member, other func() error) error {
	seen := map[string]bool{}
	err := doc.list('}', func() error {
		key, err := doc.Word("a key")
		if err != nil {
			return err
		}
		if seen[key] {
			return doc.Fail(Syntax, "%s has the key %+.99q twice", what, key)
		}
		seen[key] = true
		if !doc.token(':') {
			return doc.Fail(Syntax, "no JSON")
		}
		read := other
		if m, known := members[key]; known {
			read = m.Read
		}
		if read == nil {
			return doc.Fail(Syntax, "%s has no key %+.99q", what, key)
		}
		return read()
	})
	if err != nil {
		return err
	}
	missing, misses := "", false
	for key, m := range members {
		if !m.Optional && !seen[key] && (!misses || key < missing) {
			missing, misses = key, true
		}
	}
	if misses {
		return doc.Fail(Syntax, "%s has no %s", what, missing)
	}
	return nil
}

// Array calls element before each element of an array, which it has to read.
func (doc *Doc) Array(what string, element func() error) error {
	if err := doc.open('[', what, "an array"); err != nil {
		return err
	}
	return doc.list(']', element)
}

func (doc *Doc) open(want byte, what, kind string) error {
	if !doc.token(want) {
		return doc.Fail(Syntax, "%s is not %s", what, kind)
	}
	return nil
}

// list reads what an object or array holds, up to its end.
func (doc *Doc) list(end byte, element func() error) error {
	if doc.depth++; doc.depth > maxDepth {
		return doc.Fail(Limits, "nested deeper than %d", maxDepth)
	}
	defer func() { doc.depth-- }()
	if doc.token(end) {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if doc.token(end) {
			return nil
		}
		if !doc.token(',') {
			return doc.Fail(Syntax, "no JSON")
		}
	}
}

// Word reads a string, which is the caller's. encoding/json replaces halves of
// surrogate pairs by U+FFFD, which therefore is none that may occur.
func (doc *Doc) Word(what string) (string, error) {
	s := doc.word()
	if s == nil {
		return "", doc.Fail(Syntax, "%s is not a string", what)
	}
	if bytes.Contains(s, []byte("\uFFFD")) {
		return "", doc.Fail(Syntax, "%s has a character that is none", what)
	}
	return string(s), nil
}

// Text is Word for a member.
func (doc *Doc) Text(what string, dst *string) func() error {
	return func() (err error) {
		*dst, err = doc.Word(what)
		return err
	}
}

// Constant reads a string that is to be want: types have versions, and the
// others are not read.
func (doc *Doc) Constant(what, want string) func() error {
	return func() error {
		s, err := doc.Word(what)
		if err == nil && s != want {
			return doc.Fail(Type, "%s is %+.99q, not %s", what, s, want)
		}
		return err
	}
}

// Hint reads a string or null, which vouches for nothing either way.
func (doc *Doc) Hint(what string, dst *string) func() error {
	return func() (err error) {
		if doc.literal("null") {
			*dst = ""
			return nil
		}
		if doc.first() != '"' {
			return doc.Fail(Syntax, "%s is neither a string nor null", what)
		}
		*dst, err = doc.Word(what)
		return err
	}
}

// Truth reads true or false.
func (doc *Doc) Truth(what string, dst *bool) func() error {
	return func() error {
		*dst = doc.literal("true")
		if !*dst && !doc.literal("false") {
			return doc.Fail(Syntax, "%s is neither true nor false", what)
		}
		return nil
	}
}

// Number reads a number as it is written.
func (doc *Doc) Number(what string, dst *json.Number) func() error {
	return func() error {
		n := doc.number()
		if n == nil {
			return doc.Fail(Syntax, "%s is not a number", what)
		}
		*dst = json.Number(n)
		return nil
	}
}

// Bytes reads base64 with padding (RFC 4648, section 4) in its one spelling.
func (doc *Doc) Bytes(what string, dst *[]byte) func() error {
	return func() error {
		s, err := doc.Word(what)
		if err != nil {
			return err
		}
		b, err := base64.StdEncoding.Strict().DecodeString(s)
		if err != nil || strings.ContainsAny(s, "\r\n") || len(b) == 0 {
			return doc.Fail(Syntax, "%s is not base64, or empty", what)
		}
		*dst = b
		return nil
	}
}

// Skip reads a value that means nothing here, as strictly as all others.
func (doc *Doc) Skip() error {
	switch doc.first() {
	case '{':
		return doc.Object("an ignored value", nil, doc.Skip)
	case '[':
		return doc.Array("an ignored value", doc.Skip)
	case '"':
		_, err := doc.Word("an ignored value")
		return err
	}
	if doc.literal("null") || doc.literal("true") || doc.literal("false") || doc.number() != nil {
		return nil
	}
	return doc.Fail(Syntax, "no JSON")
}
