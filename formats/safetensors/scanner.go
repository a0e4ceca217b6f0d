package safetensors

import (
	"math"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/weightgate/weightgate/formats"
)

// whitespace is what JSON allows between its tokens (RFC 8259, section 2).
const whitespace = " \t\n\r"

// A scanner reads the part of JSON that a header consists of: objects, arrays,
// strings and non-negative integers. The grammar that drives it is not
// recursive, and so it needs no bound on nesting.
type scanner struct {
	file    string
	text    []byte
	pos     int
	scratch []byte // of the last string that had an escape
}

// fail is an error at the offset pos of the header.
func (s *scanner) fail(c formats.Code, pos int, detail string, args ...any) error {
	return codes.Syntax(Name, c, s.file, prefix+int64(pos), detail, args...)
}

func (s *scanner) skipSpace() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// accept steps over whitespace and, if it comes next, over the byte c.
func (s *scanner) accept(c byte) bool {
	s.skipSpace()
	if s.pos == len(s.text) || s.text[s.pos] != c {
		return false
	}
	s.pos++
	return true
}

func (s *scanner) expect(c byte) error {
	if s.accept(c) {
		return nil
	}
	if s.pos == len(s.text) {
		return s.fail(CodeHeader, s.pos, "the header ends where %q is expected", c)
	}
	return s.fail(CodeHeader, s.pos, "%+q where %q is expected", s.text[s.pos], c)
}

// object calls member for each key of an object, with the scanner before the
// value. The key is valid until the next string is read.
func (s *scanner) object(member func(key []byte, pos int) error) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	if s.accept('}') {
		return nil
	}
	for {
		s.skipSpace()
		pos := s.pos
		key, err := s.str()
		if err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		if err := member(key, pos); err != nil {
			return err
		}
		if s.accept('}') {
			return nil
		}
		if err := s.expect(','); err != nil {
			return err
		}
	}
}

// array calls element before each element of an array.
func (s *scanner) array(element func() error) error {
	if err := s.expect('['); err != nil {
		return err
	}
	if s.accept(']') {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if s.accept(']') {
			return nil
		}
		if err := s.expect(','); err != nil {
			return err
		}
	}
}

// integer reads digits: JSON's integers (RFC 8259, section 6) without a sign.
func (s *scanner) integer() (int64, error) {
	s.skipSpace()
	start, v := s.pos, int64(0)
	for ; s.pos < len(s.text) && '0' <= s.text[s.pos] && s.text[s.pos] <= '9'; s.pos++ {
		digit := int64(s.text[s.pos] - '0')
		if v > (math.MaxInt64-digit)/10 {
			return 0, s.fail(CodeHeader, start, "a number beyond 63 bits")
		}
		v = v*10 + digit
	}
	switch {
	case s.pos == start:
		return 0, s.fail(CodeHeader, start, "no digits where a non-negative integer is expected")
	case s.text[start] == '0' && s.pos > start+1:
		return 0, s.fail(CodeHeader, start, "a number with a leading zero")
	}
	return v, nil
}

// str reads a string and resolves its escapes. The result is valid until the
// next call.
func (s *scanner) str() ([]byte, error) {
	if err := s.expect('"'); err != nil {
		return nil, err
	}
	plain := s.plain()
	if s.pos < len(s.text) && s.text[s.pos] == '"' {
		s.pos++
		return plain, nil
	}
	s.scratch = append(s.scratch[:0], plain...)
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; c {
		case '"':
			s.pos++
			return s.scratch, nil
		case '\\':
			r, err := s.escape()
			if err != nil {
				return nil, err
			}
			s.scratch = utf8.AppendRune(s.scratch, r)
			s.scratch = append(s.scratch, s.plain()...)
		default:
			return nil, s.fail(CodeHeader, s.pos, "control character %#02x in a string", c)
		}
	}
	return nil, s.fail(CodeHeader, s.pos, "a string without an end")
}

// plain steps over what stands for itself in a string: all but the quote, the
// backslash and control characters.
func (s *scanner) plain() []byte {
	rest := s.text[s.pos:]
	for i, c := range rest {
		if c == '"' || c == '\\' || c < 0x20 {
			s.pos += i
			return rest[:i]
		}
	}
	s.pos = len(s.text)
	return rest
}

// escape reads one escape (RFC 8259, section 7). A character beyond the basic
// plane is a pair of them; half a pair is no character.
func (s *scanner) escape() (rune, error) {
	start := s.pos
	if s.pos++; s.pos == len(s.text) {
		return 0, s.fail(CodeHeader, start, "an escape without an end")
	}
	c := s.text[s.pos]
	s.pos++
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
	return 0, s.fail(CodeHeader, start, "unknown escape %+q", []byte{'\\', c})
}

func (s *scanner) codePoint(start int) (rune, error) {
	r, ok := s.hex4()
	if ok && utf16.IsSurrogate(r) {
		var low rune
		if ok = s.pos+1 < len(s.text) && s.text[s.pos] == '\\' && s.text[s.pos+1] == 'u'; ok {
			s.pos += 2
			low, ok = s.hex4()
		}
		r = utf16.DecodeRune(r, low)
		ok = ok && r != utf8.RuneError
	}
	if !ok {
		return 0, s.fail(CodeHeader, start, "an escape that is no character")
	}
	return r, nil
}

func (s *scanner) hex4() (rune, bool) {
	if len(s.text)-s.pos < 4 {
		return 0, false
	}
	var r rune
	for _, c := range s.text[s.pos : s.pos+4] {
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
	s.pos += 4
	return r, true
}
