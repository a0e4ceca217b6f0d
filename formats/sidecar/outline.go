package sidecar

import (
	"bytes"
	"errors"

	"github.com/weightgate/weightgate/formats/internal/jsonscan"
)

const whitespace = jsonscan.Whitespace

// outline calls see for each key of text, with the depth of its object and the
// first byte of its value, until see returns false. It reports whether text is
// anything that a lax reader of JSON might accept: tokens in any order, brackets
// that never close more than is open and, if text is whole, all of what is open.
func outline(text []byte, whole bool, see func(depth int, key []byte, begin byte) bool) bool {
	var (
		rest  = trimmed(text)
		depth int
		last  []byte // the string that was read last
		key   []byte // last, once a colon came behind it
	)
	for len(rest) > 0 {
		c := rest[0]
		if key != nil && c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			if !see(depth, key, c) {
				return true
			}
			key = nil
		}
		n := 1
		switch c {
		case ' ', '\t', '\n', '\r', ',':
		case ':':
			key = resolved(last)
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return len(bytes.TrimLeft(rest[1:], whitespace)) == 0
			}
		case '"':
			n = stringLength(rest)
			last = rest[:n]
		default:
			if n = wordLength(rest); n == 0 {
				return false
			}
		}
		if depth == 0 {
			return false
		}
		rest = rest[n:]
	}
	return !whole
}

// stringLength is the length of the string that text begins with, its quotes
// included, or all of text if that has no end.
func stringLength(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// wordLength is the length of the number or word that text begins with.
func wordLength(text []byte) int {
	for i, c := range text {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' {
			return i
		}
	}
	return len(text)
}

// resolved is what a string in quotes stands for, or its text if that cannot be
// said. It is never nil.
func resolved(quoted []byte) []byte {
	if len(quoted) < 2 {
		return []byte{}
	}
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	s := jsonscan.Scanner{Text: bytes.Clone(quoted), Fail: func(int, string, ...any) error { return errors.ErrUnsupported }}
	if key, err := s.Str(); err == nil {
		return key
	}
	return quoted
}
