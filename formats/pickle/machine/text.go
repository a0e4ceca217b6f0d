package machine

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Numbers and strings of protocol 0 are text. Where CPython's two unpicklers
// read one line differently, it is malformed here.

// maxDigits is how many digits CPython reads as an integer.
const maxDigits = 4300

// textInt is the argument of INT: 00 and 01 are bools. CPython's C unpickler
// takes +1, -0 and the like for bools too, its other one does not.
func (m *machine) textInt(line string) Value {
	switch line {
	case "00":
		return false
	case "01":
		return true
	}
	v := m.integer(line, 0)
	if len(line) == 2 && (v == Value(int64(0)) || v == Value(int64(1))) && strings.IndexByte("01", line[1]) >= 0 {
		m.fail(CodeArgument, "INT of "+quote(line)+" is a bool to some and a number to others")
	}
	return v
}

// textLong is the argument of LONG.
func (m *machine) textLong(line string) Value { return m.integer(strings.TrimSuffix(line, "L"), 0) }

// textIndex is the argument of PUT and GET.
func (m *machine) textIndex(line string) int64 {
	v, ok := m.integer(line, 10).(int64)
	if !ok {
		m.fail(CodeArgument, "a memo entry with a huge number")
	}
	return v
}

const blanks = " \t\r\v\f"

// integer is what int(text, base) gives, for the bases 0 and 10.
func (m *machine) integer(text string, base int) Value {
	malformed := func() Value {
		m.fail(CodeArgument, quote(text)+" is no integer")
		return nil
	}
	s := strings.Trim(text, blanks)
	if len(s) > 2*maxDigits {
		return malformed()
	}
	s, negative := strings.CutPrefix(s, "-")
	if !negative {
		s = strings.TrimPrefix(s, "+")
	}
	zeros := false // a leading zero allows only more of them
	if base == 0 {
		base = 10
		if len(s) > 1 && s[0] == '0' {
			switch s[1] | 0x20 {
			case 'x':
				base = 16
			case 'o':
				base = 8
			case 'b':
				base = 2
			default:
				zeros = true
			}
			if !zeros {
				s = strings.TrimPrefix(s[2:], "_")
			}
		}
	}
	digits := make([]byte, 0, len(s))
	for i := range len(s) {
		d := digit(s[i])
		if s[i] == '_' && i > 0 && i+1 < len(s) && s[i-1] != '_' {
			continue
		}
		if d >= base || zeros && d != 0 {
			return malformed()
		}
		digits = append(digits, byte(d))
	}
	if len(digits) == 0 || len(digits) > maxDigits {
		return malformed()
	}
	return m.magnitude(words(digits, uint64(base)), negative)
}

// digit is the value of a hexadecimal digit, or 99.
func digit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return 99
}

// words is a number of digits in 64-bit words, the lowest first.
func words(digits []byte, base uint64) []uint64 {
	var w []uint64
	for len(digits) > 0 {
		scale, chunk := uint64(1), uint64(0)
		for len(digits) > 0 && scale <= (1<<64-1)/base/base {
			scale, chunk = scale*base, chunk*base+uint64(digits[0])
			digits = digits[1:]
		}
		carry := chunk
		for i := range w {
			hi, lo := bits.Mul64(w[i], scale)
			var c uint64
			w[i], c = bits.Add64(lo, carry, 0)
			carry = hi + c
		}
		if carry > 0 {
			w = append(w, carry)
		}
	}
	return w
}

// magnitude is an integer of words, the lowest first.
func (m *machine) magnitude(w []uint64, negative bool) Value {
	if len(w) <= 1 {
		n := uint64(0)
		if len(w) == 1 {
			n = w[0]
		}
		switch {
		case n < 1<<63 && negative:
			return -int64(n)
		case n < 1<<63:
			return int64(n)
		case n == 1<<63 && negative:
			return int64(-1 << 63)
		}
	}
	big := make([]byte, 0, 8*len(w))
	for i := len(w) - 1; i >= 0; i-- {
		for shift := 56; shift >= 0; shift -= 8 {
			if b := byte(w[i] >> shift); len(big) > 0 || b > 0 {
				big = append(big, b)
			}
		}
	}
	m.keep(len(big))
	return &Long{Negative: negative, Magnitude: big}
}

// long is an integer in two's complement, its lowest byte first.
func (m *machine) long(s string) Value {
	if len(s) > 0 {
		// Bytes that only repeat the sign.
		sign := byte(int8(s[len(s)-1]) >> 7)
		for len(s) > 1 && s[len(s)-1] == sign && (s[len(s)-2]^sign) < 0x80 {
			s = s[:len(s)-1]
		}
	}
	negative := len(s) > 0 && s[len(s)-1] >= 0x80
	if len(s) <= 8 {
		n := uint64(0)
		if negative {
			n = 1<<64 - 1
		}
		for i := len(s) - 1; i >= 0; i-- {
			n = n<<8 | uint64(s[i])
		}
		return int64(n)
	}
	m.keep(len(s))
	if m.err != nil {
		return nil
	}
	big := make([]byte, len(s))
	borrow := negative
	for i := range len(s) {
		b := s[i]
		if negative {
			b = ^b
			if borrow {
				b++
				borrow = b == 0
			}
		}
		big[len(s)-1-i] = b
	}
	for big[0] == 0 {
		big = big[1:]
	}
	return &Long{Negative: negative, Magnitude: big}
}

// textFloat is the argument of FLOAT.
func (m *machine) textFloat(line string) Value {
	s := strings.TrimLeft(line, "+-")
	infinite := strings.EqualFold(s, "inf") || strings.EqualFold(s, "infinity")
	switch signs := len(line) - len(s); {
	case signs <= 1 && strings.EqualFold(s, "nan"):
		return math.NaN()
	case signs <= 1 && (infinite || strings.Trim(s, "0123456789.eE+-") == ""):
		if f, err := strconv.ParseFloat(line, 64); err == nil {
			return f
		}
	}
	m.fail(CodeArgument, quote(line)+" is no float")
	return nil
}

// bigEndian is the number that eight bytes are.
func (m *machine) bigEndian(s string) uint64 {
	n := uint64(0)
	for i := range len(s) {
		n = n<<8 | uint64(s[i])
	}
	return n
}

// textString is the argument of STRING: quoted, with the escapes of a bytes literal.
func (m *machine) textString(line string) Value {
	n := len(line)
	if n < 2 || line[0] != line[n-1] || line[0] != '\'' && line[0] != '"' {
		m.fail(CodeArgument, "STRING without quotes")
		return nil
	}
	line = line[1 : n-1]
	if strings.IndexByte(line, '\\') < 0 {
		m.scan(line, false)
		return Bytes{Data: line, At: int64(m.op + 2), Native: true}
	}
	m.keep(len(line))
	if m.err != nil {
		return nil
	}
	b := make([]byte, 0, len(line))
	for len(line) > 0 {
		if line[0] != '\\' {
			b, line = append(b, line[0]), line[1:]
			continue
		}
		c, rest, ok := unescape(line[1:])
		if !ok {
			m.fail(CodeArgument, "STRING with a malformed escape")
			return nil
		}
		b, line = append(b, c...), rest
	}
	m.scan(string(b), false)
	return Bytes{Data: string(b), At: -1, Native: true}
}

// unescape is what follows a backslash, and the rest of the line.
func unescape(s string) (c, rest string, ok bool) {
	if s == "" {
		return "", "", false
	}
	if i := strings.IndexByte(`\'"abfnrtv`, s[0]); i >= 0 {
		return "\\'\"\a\b\f\n\r\t\v"[i : i+1], s[1:], true
	}
	if s[0] == 'x' {
		if len(s) < 3 || digit(s[1]) > 15 || digit(s[2]) > 15 {
			return "", "", false
		}
		return string([]byte{byte(digit(s[1])<<4 | digit(s[2]))}), s[3:], true
	}
	n, i := 0, 0
	for i < 3 && i < len(s) && '0' <= s[i] && s[i] <= '7' {
		n = n<<3 | int(s[i]-'0')
		i++
	}
	if i == 0 { // an unknown escape stands for itself
		return `\` + s[:1], s[1:], true
	}
	return string([]byte{byte(n)}), s[i:], true
}

// textUnicode is the argument of UNICODE: Latin-1 with the escapes \u and \U,
// which a backslash before them takes away.
func (m *machine) textUnicode(line string) string {
	if strings.IndexByte(line, '\\') < 0 && isASCII(line) {
		return line
	}
	m.keep(2 * len(line))
	if m.err != nil {
		return ""
	}
	b := make([]byte, 0, len(line)+len(line)/2)
	for i := 0; i < len(line); {
		if line[i] != '\\' || i+1 == len(line) {
			b = utf8.AppendRune(b, rune(line[i]))
			i++
			continue
		}
		size := 0
		switch line[i+1] {
		case 'u':
			size = 4
		case 'U':
			size = 8
		default:
			b = utf8.AppendRune(append(b, '\\'), rune(line[i+1]))
			i += 2
			continue
		}
		i += 2
		r := rune(0)
		for j := range size {
			if i+j >= len(line) || digit(line[i+j]) > 15 || r > utf8.MaxRune>>4 {
				m.fail(CodeArgument, "UNICODE with a malformed escape")
				return ""
			}
			r = r<<4 | rune(digit(line[i+j]))
		}
		if r > utf8.MaxRune {
			m.fail(CodeArgument, "UNICODE with a malformed escape")
			return ""
		}
		b = appendCodePoint(b, r)
		i += size
	}
	return string(b)
}

// appendCodePoint appends a code point in UTF-8, a surrogate too.
func appendCodePoint(b []byte, r rune) []byte {
	if 0xd800 <= r && r <= 0xdfff {
		return append(b, 0xed, 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
	}
	return utf8.AppendRune(b, r)
}

// utf8 is s if it is UTF-8 in which surrogates may stand.
func (m *machine) utf8(s string) string {
	if !isText(s) {
		m.fail(CodeArgument, "text that is not UTF-8")
		return ""
	}
	return s
}

// isText reports whether s is UTF-8 in which surrogates may stand.
func isText(s string) bool {
	if utf8.ValidString(s) {
		return true
	}
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size == 1 {
			if len(s) < 3 || s[0] != 0xed || s[1] < 0xa0 || s[1] > 0xbf || s[2] < 0x80 || s[2] > 0xbf {
				return false
			}
			size = 3
		}
		s = s[size:]
	}
	return true
}

func isUTF8(s string) bool { return utf8.ValidString(s) }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
