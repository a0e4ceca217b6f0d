package strictjson

import (
	"bytes"
	"encoding/json"
)

// token reads what begins a value or stands between values, without what is
// before it. It moves behind the byte and reports true only if that is want.
func (doc *Doc) token(want byte) bool {
	if doc.first() != want {
		return false
	}
	doc.at++
	return true
}

// first is the byte at which the next token begins: 0, which begins none, at
// the end of the text.
func (doc *Doc) first() byte {
	for ; doc.at < len(doc.text); doc.at++ {
		switch c := doc.text[doc.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// literal reads one of the names true, false and null.
func (doc *Doc) literal(name string) bool {
	if doc.first(); !bytes.HasPrefix(doc.text[doc.at:], []byte(name)) {
		return false
	}
	doc.at += len(name) // what may not stand behind it is no separator either
	return true
}

// number reads a number as it is written; nil if there is none.
func (doc *Doc) number() []byte {
	doc.first()
	digits := doc.text[doc.at:]
	end := 0
	for end < len(digits) && isNumeric(digits[end]) {
		end++
	}
	if !json.Valid(digits[:end]) {
		return nil
	}
	doc.at += end
	return digits[:end]
}

func isNumeric(c byte) bool {
	return '0' <= c && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

// word reads a string. The result is the text's own memory, but where escapes
// are replaced. It is nil if there is no string.
func (doc *Doc) word() []byte {
	if doc.first() != '"' {
		return nil
	}
	escaped := false
	for end := doc.at + 1; end < len(doc.text); end++ {
		switch c := doc.text[end]; {
		case c == '\\':
			escaped = true
			end++ // a quote behind it ends nothing
		case c < ' ':
			return nil
		case c == '"':
			quoted := doc.text[doc.at : end+1]
			if !escaped {
				doc.at = end + 1
				return quoted[1 : len(quoted)-1]
			}
			var s string
			if json.Unmarshal(quoted, &s) != nil {
				return nil
			}
			doc.at = end + 1
			return []byte(s)
		}
	}
	return nil
}
