package machine

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// maxNesting is how deep pickles may lie in strings of each other.
const maxNesting = 4

// openers are the opcodes that a stream can begin with: they need no value.
const openers = "(]})NIJKLMFGSTUVXBCcP\x80\x82\x83\x84\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x95\x96\x97"

// scan looks whether a string is a pickle itself, which some call may load: one
// that begins with PROTO and goes on to STOP or names a global, or one without
// that goes on to STOP and calls a global, or names one and ends with the string.
func (m *machine) scan(s string, text bool) {
	if m.err != nil || m.nesting > maxNesting || len(s) < 3 {
		return
	}
	if text && !isASCII(s) {
		if s = latin1(s); s == "" {
			return
		}
	}
	framed := s[0] == 0x80 && 2 <= s[1] && s[1] <= 5
	bare := !framed && has(openers, s[0]) && has(s, '.') && (has(s, '\n') || has(s, 0x93)) // GLOBAL, INST; STACK_GLOBAL
	if !framed && !bare {
		return
	}
	inner := &machine{
		cursor: cursor{in: s}, rules: m.rules, extract: m.extract, budget: m.budget,
		report: &report{origin: m.outermost()}, nesting: m.nesting + 1, empty: m.empty,
	}
	inner.run()
	stopped, names := inner.err == nil, len(inner.globals) > 0
	calls := names && slices.ContainsFunc(inner.uses, func(u Use) bool { return u.Call })
	switch {
	case !stopped && inner.err.Code == CodeLimits:
		m.fail(CodeLimits, "in a nested pickle: "+inner.err.Detail)
	case framed && (stopped || names), stopped && calls, stopped && names && inner.at == len(s):
		if m.nesting == maxNesting {
			m.fail(CodeLimits, "more than "+itoa(maxNesting)+" pickles in each other")
			return
		}
		m.find(CodeNested, "a string is a pickle of "+itoa(inner.at)+" bytes")
		m.report.adopt(inner.report)
	}
}

func has(s string, b byte) bool { return strings.IndexByte(s, b) >= 0 }

// outermost is where the string stands in the first stream.
func (m *machine) outermost() int64 {
	if m.origin >= 0 {
		return m.origin
	}
	return int64(m.op)
}

// latin1 is what text is encoded, or "" if it cannot be.
func latin1(s string) string {
	b := make([]byte, 0, len(s))
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r > 0xff {
			return ""
		}
		b, s = append(b, byte(r)), s[size:]
	}
	return string(b)
}
