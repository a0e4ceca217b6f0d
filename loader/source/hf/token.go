package hf

import (
	"fmt"
	"strings"
)

// A Token is a secret that a hub knows its reader by. Package fmt with any verb,
// slog and encoders write a word in its place, whatever it is a part of; only as
// the key of a map does encoding/json write it. string(t) is the secret.
type Token string

const redacted = "[token]"

// String is a word in the token's place, nothing for no token.
func (t Token) String() string {
	if t == "" {
		return ""
	}
	return redacted
}

// GoString is what String is.
func (t Token) GoString() string { return `"` + t.String() + `"` }

// Format writes what String is, whatever the verb.
func (t Token) Format(f fmt.State, _ rune) { f.Write([]byte(t.String())) }

// MarshalText writes what String is, for JSON and every other encoding.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// valid reports whether t can be sent in a header.
func (t Token) valid() bool {
	return !strings.ContainsFunc(string(t), func(r rune) bool { return r <= ' ' || r > '~' })
}

// hide is err, unless a server sent the token back in it.
func (t Token) hide(err error) error {
	if t == "" || err == nil || !strings.Contains(err.Error(), string(t)) {
		return err
	}
	return fmt.Errorf("%w: it sends the token back", ErrStatus)
}
