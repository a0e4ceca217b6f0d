package machine

import (
	"strconv"
	"strings"
)

// A cursor reads the stream, and says where and why that failed.
type cursor struct {
	in     string
	at     int
	op     int // where the current opcode stands
	opcode byte
	err    *Error
}

// fail keeps the first failure.
func (c *cursor) fail(code, detail string) {
	if c.err == nil {
		c.err = &Error{Code: code, Offset: int64(c.op), Op: c.opcode, Detail: detail}
	}
}

// take is the next n bytes.
func (c *cursor) take(n uint64) string {
	if n > uint64(len(c.in)-c.at) {
		c.fail(CodeTruncated, "the opcode needs "+strconv.FormatUint(n, 10)+" bytes and "+itoa(len(c.in)-c.at)+" are left")
		return ""
	}
	s := c.in[c.at : c.at+int(n)]
	c.at += int(n)
	return s
}

// number is the next size bytes, little-endian.
func (c *cursor) number(size int) uint64 {
	s, n := c.take(uint64(size)), uint64(0)
	for i := len(s) - 1; i >= 0; i-- {
		n = n<<8 | uint64(s[i])
	}
	return n
}

// counted is what follows its length of size bytes.
func (c *cursor) counted(size int) string { return c.take(c.number(size)) }

// signed is what follows its length of four bytes, which has a sign.
func (c *cursor) signed() string {
	n := int32(c.number(4))
	if n < 0 {
		c.fail(CodeArgument, "a negative length")
		return ""
	}
	return c.take(uint64(n))
}

// line is what stands before the next newline.
func (c *cursor) line() string {
	end := strings.IndexByte(c.in[c.at:], '\n')
	if end < 0 {
		c.fail(CodeTruncated, "a line without end")
		return ""
	}
	s := c.in[c.at : c.at+end]
	c.at += end + 1
	return s
}

func itoa(n int) string { return strconv.Itoa(n) }

// quote is text from the stream as it may be shown to people.
func quote(s string) string {
	const longest = 200
	more := ""
	if len(s) > longest {
		s, more = s[:longest], "…"
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return strconv.QuoteToASCII(s) + more
		}
	}
	return s + more
}
