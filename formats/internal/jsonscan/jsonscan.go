// Package jsonscan reads JSON (RFC 8259) as strictly as the standard allows:
// nothing is converted, repaired or skipped, and nothing is allocated.
package jsonscan

import (
	"math"
	"unicode/utf16"
	"unicode/utf8"
)

// Whitespace is what JSON allows between its tokens (section 2).
const Whitespace = " \t\n\r"

// A Scanner steps through a text. Its caller drives it by the grammar that it
// expects, and with that bounds the nesting. Each method leaves it behind what
// it read, and skips the whitespace before that.
type Scanner struct {
	// Text is UTF-8, which the caller has checked. The Scanner writes into it:
	// a string is resolved in its place, since an escape is never shorter than
	// the character that it stands for. Strings stay valid as long as Text.
	Text []byte

	// Pos is the offset of the next byte.
	Pos int

	// Fail makes the error for what is wrong at an offset of Text.
	Fail func(pos int, detail string, args ...any) error
}

// Peek is the byte that the next token begins with, or 0 at the end.
func (s *Scanner) Peek() byte {
	for ; s.Pos < len(s.Text); s.Pos++ {
		switch c := s.Text[s.Pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// Accept steps over the byte c if it comes next.
func (s *Scanner) Accept(c byte) bool {
	if s.Peek() != c || s.Pos == len(s.Text) {
		return false
	}
	s.Pos++
	return true
}

// Expect steps over the byte c, which has to come next.
func (s *Scanner) Expect(c byte) error {
	if s.Accept(c) {
		return nil
	}
	if s.Pos == len(s.Text) {
		return s.Fail(s.Pos, "the text ends where %q is expected", c)
	}
	return s.Fail(s.Pos, "%+q where %q is expected", s.Text[s.Pos], c)
}

// Object calls member for each key of an object, with the Scanner before the
// value, which member has to read. pos is the offset of the key's quote.
func (s *Scanner) Object(member func(key []byte, pos int) error) error {
	if err := s.Expect('{'); err != nil {
		return err
	}
	if s.Accept('}') {
		return nil
	}
	for {
		s.Peek()
		pos := s.Pos
		key, err := s.Str()
		if err != nil {
			return err
		}
		if err := s.Expect(':'); err != nil {
			return err
		}
		if err := member(key, pos); err != nil {
			return err
		}
		if s.Accept('}') {
			return nil
		}
		if err := s.Expect(','); err != nil {
			return err
		}
	}
}

// Array calls element before each element of an array, which element has to read.
func (s *Scanner) Array(element func() error) error {
	if err := s.Expect('['); err != nil {
		return err
	}
	if s.Accept(']') {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if s.Accept(']') {
			return nil
		}
		if err := s.Expect(','); err != nil {
			return err
		}
	}
}

// Integer reads a number (section 6) without sign, fraction and exponent.
func (s *Scanner) Integer() (int64, error) {
	s.Peek()
	start, v := s.Pos, int64(0)
	for _, c := range s.digits() {
		digit := int64(c - '0')
		if v > (math.MaxInt64-digit)/10 {
			return 0, s.Fail(start, "a number beyond 63 bits")
		}
		v = v*10 + digit
	}
	switch {
	case s.Pos == start:
		return 0, s.Fail(start, "no digits where a non-negative integer is expected")
	case s.Text[start] == '0' && s.Pos > start+1:
		return 0, s.Fail(start, "a number with a leading zero")
	}
	return v, nil
}

// Number reads a number of any size (section 6) and returns its text.
func (s *Scanner) Number() ([]byte, error) {
	s.Peek()
	start := s.Pos
	s.oneOf("-")
	whole := s.digits()
	switch {
	case len(whole) == 0:
		return nil, s.Fail(start, "no value where one is expected")
	case whole[0] == '0' && len(whole) > 1:
		return nil, s.Fail(start, "a number with a leading zero")
	case s.oneOf(".") && len(s.digits()) == 0:
		return nil, s.Fail(start, "a number that ends with its point")
	}
	if s.oneOf("eE") {
		s.oneOf("+-")
		if len(s.digits()) == 0 {
			return nil, s.Fail(start, "a number that ends with its exponent")
		}
	}
	return s.Text[start:s.Pos], nil
}

// oneOf steps over one of the bytes of set, without whitespace before it.
func (s *Scanner) oneOf(set string) bool {
	for i := range len(set) {
		if s.Pos < len(s.Text) && s.Text[s.Pos] == set[i] {
			s.Pos++
			return true
		}
	}
	return false
}

func (s *Scanner) digits() []byte {
	start := s.Pos
	for s.Pos < len(s.Text) && '0' <= s.Text[s.Pos] && s.Text[s.Pos] <= '9' {
		s.Pos++
	}
	return s.Text[start:s.Pos]
}

// Word reads one of true, false and null (section 3), which has to be this one.
func (s *Scanner) Word(word string) error {
	s.Peek()
	end := s.Pos + len(word)
	if end > len(s.Text) || string(s.Text[s.Pos:end]) != word {
		return s.Fail(s.Pos, "no value where one is expected")
	}
	s.Pos = end
	return nil
}

// Str reads a string (section 7) and resolves its escapes. The result is a part
// of Text.
func (s *Scanner) Str() ([]byte, error) {
	if err := s.Expect('"'); err != nil {
		return nil, err
	}
	start, end := s.Pos, s.Pos
	for {
		plain := s.plain()
		end += copy(s.Text[end:], plain)
		if s.Pos == len(s.Text) {
			return nil, s.Fail(s.Pos, "a string without an end")
		}
		switch c := s.Text[s.Pos]; c {
		case '"':
			s.Pos++
			return s.Text[start:end:end], nil
		case '\\':
			r, err := s.escape()
			if err != nil {
				return nil, err
			}
			end += utf8.EncodeRune(s.Text[end:], r)
		default:
			return nil, s.Fail(s.Pos, "control character %#02x in a string", c)
		}
	}
}

// plain steps over what stands for itself in a string: all but the quote, the
// backslash and control characters.
func (s *Scanner) plain() []byte {
	rest := s.Text[s.Pos:]
	for i, c := range rest {
		if c == '"' || c == '\\' || c < 0x20 {
			s.Pos += i
			return rest[:i]
		}
	}
	s.Pos = len(s.Text)
	return rest
}

// escape reads one escape. A character beyond the basic plane is a pair of
// them; half a pair is no character.
func (s *Scanner) escape() (rune, error) {
	start := s.Pos
	if s.Pos++; s.Pos == len(s.Text) {
		return 0, s.Fail(start, "an escape without an end")
	}
	c := s.Text[s.Pos]
	s.Pos++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		return s.codePoint(start)
	}
	return 0, s.Fail(start, "unknown escape %+q", []byte{'\\', c})
}

func (s *Scanner) codePoint(start int) (rune, error) {
	r, ok := s.hex4()
	if ok && utf16.IsSurrogate(r) {
		var low rune
		if ok = s.Pos+1 < len(s.Text) && s.Text[s.Pos] == '\\' && s.Text[s.Pos+1] == 'u'; ok {
			s.Pos += 2
			low, ok = s.hex4()
		}
		r = utf16.DecodeRune(r, low)
		ok = ok && r != utf8.RuneError
	}
	if !ok {
		return 0, s.Fail(start, "an escape that is no character")
	}
	return r, nil
}

func (s *Scanner) hex4() (rune, bool) {
	if len(s.Text)-s.Pos < 4 {
		return 0, false
	}
	var r rune
	for _, c := range s.Text[s.Pos : s.Pos+4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	s.Pos += 4
	return r, true
}
