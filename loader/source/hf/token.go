package hf

import (
	"fmt"
	"strings"
)

// A Token is a secret that a hub knows its reader by. The zero Token is none. It
// cannot be printed: what prints, encodes or compares values writes a word or an
// address in its place, whatever it is a part of, and only a request has it.
type Token struct {
	secret func() string // what follows pointers and unexported fields stops at a function
}

// NewToken is the Token with this secret, the zero Token if that is empty. One
// with anything but printable ASCII in it is an error of Source.Open.
func NewToken(secret string) Token {
	if secret == "" {
		return Token{}
	}
	return Token{func() string { return secret }}
}

const redacted = "[token]"

// String is a word in the token's place, nothing for no token.
func (t Token) String() string {
	if t.secret == nil {
		return ""
	}
	return redacted
}

// GoString is what String is, in quotes.
func (t Token) GoString() string { return `"` + t.String() + `"` }

// Format writes what String is, whatever the verb.
func (t Token) Format(f fmt.State, _ rune) { f.Write([]byte(t.String())) }

// MarshalText writes what String is, for JSON and every other encoding.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// authorization is the header that t is sent in, empty for no token.
func (t Token) authorization() string {
	if t.secret == nil {
		return ""
	}
	return "Bearer " + t.secret()
}

// valid reports whether t can be sent in a header.
func (t Token) valid() bool {
	return t.secret == nil || !strings.ContainsFunc(t.secret(), func(r rune) bool { return r <= ' ' || r > '~' })
}
