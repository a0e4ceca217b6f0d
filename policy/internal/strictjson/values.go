package strictjson

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/manifest"
)

// MaxCount is the largest number that every reader of JSON reads as the same
// (I-JSON, RFC 7493, section 2.2).
const MaxCount = 1<<53 - 1

// UpTo is Array for at most most elements.
func (doc *Doc) UpTo(most int, what string, element func() error) error {
	n := 0
	return doc.Array(what, func() error {
		if n++; n > most {
			return doc.Fail(Limits, "%s has more than %d elements", what, most)
		}
		return element()
	})
}

// Printable reads a string of at most most bytes that people may be shown. It
// may be empty.
func (doc *Doc) Printable(what string, most int, dst *string) func() error {
	return func() error {
		s, err := doc.Word(what)
		if err != nil {
			return err
		}
		if len(s) > most {
			return doc.Fail(Limits, "%s is longer than %d bytes", what, most)
		}
		if strings.ContainsFunc(s, formats.Hides) {
			return doc.Fail(Syntax, "%s has characters that do not show: %+.99q", what, s)
		}
		*dst = s
		return nil
	}
}

// Match reads a string of at most most bytes that syntax describes.
func (doc *Doc) Match(what string, syntax *regexp.Regexp, most int, dst *string) func() error {
	return func() error {
		s, err := doc.Word(what)
		if err != nil {
			return err
		}
		if len(s) > most || !syntax.MatchString(s) {
			return doc.Fail(Syntax, "%s is %+.99q: not %s, or longer than %d bytes", what, s, syntax, most)
		}
		*dst = s
		return nil
	}
}

// Digest reads 64 lower-case hexadecimal digits, not all of them zero.
func (doc *Doc) Digest(what string, dst *manifest.Digest) func() error {
	return func() error {
		s, err := doc.Word(what)
		if err != nil {
			return err
		}
		d, err := manifest.ParseDigest(s)
		if err != nil {
			return doc.Fail(Syntax, "%s: %v", what, err)
		}
		*dst = d
		return nil
	}
}

// Count reads a whole number from 1 to MaxCount, in digits only.
func (doc *Doc) Count(what string, dst *uint64) func() error {
	return func() error {
		var digits json.Number
		if err := doc.Number(what, &digits)(); err != nil {
			return err
		}
		n, err := strconv.ParseUint(string(digits), 10, 64)
		if err != nil || n == 0 || n > MaxCount {
			return doc.Fail(Syntax, "%s is %.99s, not a whole number from 1 to %d", what, digits, uint64(MaxCount))
		}
		*dst = n
		return nil
	}
}

// Time reads a second of UTC in its one spelling: RFC 3339 with "Z" and without
// a fraction. The zero Time is none.
func (doc *Doc) Time(what string, dst *time.Time) func() error {
	return func() error {
		s, err := doc.Word(what)
		if err != nil {
			return err
		}
		const layout = "2006-01-02T15:04:05Z"
		t, err := time.Parse(layout, s) // which takes fractions unasked
		if err != nil || t.Format(layout) != s || t.IsZero() {
			return doc.Fail(Syntax, "%s is %+.99q, not a time such as %s", what, s, layout)
		}
		*dst = t
		return nil
	}
}
