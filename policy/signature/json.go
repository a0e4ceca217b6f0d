package signature

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/weightgate/weightgate/formats"
)

const maxDepth = 32 // of objects and arrays; a statement needs five

// A document is a JSON text (RFC 8259) that is read value by value, and more
// strictly than encoding/json reads: keys are compared as they stand, one that
// occurs twice is an error, and so are half surrogate pairs and what is not UTF-8.
type document struct {
	what  string // bundle or statement
	d     *json.Decoder
	depth int
}

// readJSON hands the one value that text is to read.
func readJSON(what string, text []byte, read func(*document) error) error {
	doc := &document{what: what, d: json.NewDecoder(bytes.NewReader(text))}
	doc.d.UseNumber()
	if !utf8.Valid(text) {
		return doc.fail(CodeSyntax, "not UTF-8")
	}
	var whole json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil { // the grammar, up to the last byte
		e := &Error{Finding: codes.Finding(CodeSyntax, "", 0, "%s: no JSON", what), Err: err}
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			e.Offset = syntax.Offset
		}
		return e
	}
	return read(doc)
}

// fail is an error just behind what was read last.
func (doc *document) fail(c formats.Code, detail string, args ...any) error {
	return &Error{Finding: codes.Finding(c, "", doc.d.InputOffset(), "%s: %s", doc.what, fmt.Sprintf(detail, args...))}
}

// A member reads the value of one key.
type member struct {
	read     func() error
	optional bool
}

// object reads an object. A key that occurs twice is an error, a member that
// is absent and not optional another; a key that is no member goes to other,
// which is an error if nil.
func (doc *document) object(what string, members map[string]member, other func() error) error {
	if err := doc.open('{', what, "an object"); err != nil {
		return err
	}
	return doc.members(what, members, other)
}

func (doc *document) members(what string, members map[string]member, other func() error) error {
	seen := map[string]bool{}
	for doc.d.More() {
		key, err := doc.word("a key of " + what)
		if err != nil {
			return err
		}
		if seen[key] {
			return doc.fail(CodeSyntax, "%s has the key %+.99q twice", what, key)
		}
		seen[key] = true
		read := other
		if m, known := members[key]; known {
			read = m.read
		}
		if read == nil {
			return doc.fail(CodeSyntax, "%s has no key %+.99q", what, key)
		}
		if err := read(); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		if !members[key].optional && !seen[key] {
			return doc.fail(CodeSyntax, "%s has no %s", what, key)
		}
	}
	return doc.close()
}

// array calls element before each element of an array, which it has to read.
func (doc *document) array(what string, element func() error) error {
	if err := doc.open('[', what, "an array"); err != nil {
		return err
	}
	return doc.elements(element)
}

func (doc *document) elements(element func() error) error {
	for doc.d.More() {
		if err := element(); err != nil {
			return err
		}
	}
	return doc.close()
}

func (doc *document) open(want json.Delim, what, kind string) error {
	t, err := doc.token()
	if err != nil {
		return err
	}
	if t != want {
		return doc.fail(CodeSyntax, "%s is not %s", what, kind)
	}
	return doc.enter()
}

func (doc *document) enter() error {
	if doc.depth++; doc.depth > maxDepth {
		return doc.fail(CodeLimits, "nested deeper than %d", maxDepth)
	}
	return nil
}

func (doc *document) close() error {
	doc.depth--
	_, err := doc.token()
	return err
}

func (doc *document) token() (json.Token, error) {
	t, err := doc.d.Token()
	if err != nil {
		return nil, doc.fail(CodeSyntax, "%v", err)
	}
	return t, nil
}

// word reads a string. encoding/json replaces halves of surrogate pairs by
// U+FFFD, which therefore is none that may occur.
func (doc *document) word(what string) (string, error) {
	t, err := doc.token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", doc.fail(CodeSyntax, "%s is not a string", what)
	}
	if strings.ContainsRune(s, utf8.RuneError) {
		return "", doc.fail(CodeSyntax, "%s has a character that is none", what)
	}
	return s, nil
}

func (doc *document) text(what string, dst *string) func() error {
	return func() (err error) {
		*dst, err = doc.word(what)
		return err
	}
}

// constant reads a string that is to be want: types have versions, and the
// others are not read.
func (doc *document) constant(what, want string) func() error {
	return func() error {
		s, err := doc.word(what)
		if err == nil && s != want {
			return doc.fail(CodeType, "%s is %+.99q, not %s", what, s, want)
		}
		return err
	}
}

// hint reads a string or null, which vouches for nothing either way.
func (doc *document) hint(what string, dst *string) func() error {
	return func() error {
		t, err := doc.token()
		if err != nil {
			return err
		}
		s, ok := t.(string)
		if !ok && t != nil {
			return doc.fail(CodeSyntax, "%s is neither a string nor null", what)
		}
		*dst = s
		return nil
	}
}

func (doc *document) truth(what string, dst *bool) func() error {
	return func() error {
		t, err := doc.token()
		if err != nil {
			return err
		}
		v, ok := t.(bool)
		if !ok {
			return doc.fail(CodeSyntax, "%s is neither true nor false", what)
		}
		*dst = v
		return nil
	}
}

func (doc *document) number(what string, dst *json.Number) func() error {
	return func() error {
		t, err := doc.token()
		if err != nil {
			return err
		}
		n, ok := t.(json.Number)
		if !ok {
			return doc.fail(CodeSyntax, "%s is not a number", what)
		}
		*dst = n
		return nil
	}
}

// bytes reads base64 with padding (RFC 4648, section 4) in its one spelling.
func (doc *document) bytes(what string, dst *[]byte) func() error {
	return func() error {
		s, err := doc.word(what)
		if err != nil {
			return err
		}
		b, err := base64.StdEncoding.Strict().DecodeString(s)
		if err != nil || strings.ContainsAny(s, "\r\n") || len(b) == 0 {
			return doc.fail(CodeSyntax, "%s is not base64, or empty", what)
		}
		*dst = b
		return nil
	}
}

// skip reads a value that means nothing here, as strictly as all others.
func (doc *document) skip() error {
	t, err := doc.token()
	if err != nil {
		return err
	}
	nested, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	if err := doc.enter(); err != nil {
		return err
	}
	if nested == '{' {
		return doc.members("an ignored value", nil, doc.skip)
	}
	return doc.elements(doc.skip)
}
