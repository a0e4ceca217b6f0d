package foreign

import (
	"math"
	"strconv"
	"strings"
)

// rText is how much of an object of R in text is read.
const rText = 16 << 10

// rWords are an object of R in text, read as R reads it (R's serialize.c, InFormat
// and ReadItem): numbers between blanks, and strings of counted characters. Nothing
// asks for the versions that R writes, since R does not.
type rWords struct {
	text string
	cut  bool // the object goes on behind text
}

// header takes the versions of the format and of R, and in format 3 the encoding.
func (w *rWords) header() bool {
	version, ok := w.number()
	return ok && w.numbers(2) && (version == 2 || version == 3 && w.string())
}

// What follows an object's flags depends on its type, in their lowest eight bits.
const (
	rSymbol      = 1
	rPairs       = 2
	rClosure     = 3
	rEnvironment = 4
	rPromise     = 5
	rCall        = 6
	rSpecial     = 7
	rBuiltin     = 8
	rCharacters  = 9
	rLogical     = 10
	rIntegers    = 13
	rReals       = 14
	rComplex     = 15
	rStrings     = 16
	rDots        = 17
	rList        = 19
	rExpression  = 20
	rByteCode    = 21
	rPointer     = 22
	rWeak        = 23
	rRaw         = 24
	rS4          = 25
	rAlternative = 238
	rBaseEnv     = 241
	rEmptyEnv    = 242
	rPersistent  = 247
	rPackage     = 248
	rNamespace   = 249
	rBaseSpace   = 250
	rMissing     = 251
	rUnbound     = 252
	rGlobalEnv   = 253
	rNil         = 254
	rReference   = 255

	rAttributed = 0x200
	rTagged     = 0x400
)

// object reports whether an object stands here, whole or as far as is read. An
// object is words and then other objects, so it is enough to count what is owed.
func (w *rWords) object() bool {
	for owed := int64(1); owed > 0; owed-- {
		flags, ok := w.number()
		if ok && flags&0xff == rByteCode {
			return true // nothing but R writes it, and nothing here reads it
		}
		inside, fits := w.item(flags)
		if !ok || !fits {
			return w.cut && strings.TrimSpace(w.text) == ""
		}
		owed += inside
	}
	return true
}

// item takes the words of an object with these flags. It returns how many objects
// follow as parts of it.
func (w *rWords) item(flags int64) (inside int64, ok bool) {
	if flags&rAttributed != 0 {
		inside++
	}
	switch flags & 0xff {
	case rBaseEnv, rEmptyEnv, rBaseSpace, rMissing, rUnbound, rGlobalEnv, rNil:
		return 0, true
	case rReference:
		return 0, flags>>8 != 0 || w.numbers(1)
	case rSymbol:
		return 1, true
	case rPersistent, rPackage, rNamespace:
		zero, ok := w.number()
		n, counted := w.length()
		return n, ok && zero == 0 && counted
	case rEnvironment:
		return 4, w.numbers(1)
	case rPairs, rClosure, rPromise, rCall, rDots:
		if flags&rTagged != 0 {
			inside++
		}
		return inside + 2, true
	case rSpecial, rBuiltin, rCharacters:
		return inside, w.string()
	case rLogical, rIntegers:
		n, ok := w.length()
		return inside, ok && w.numbers(n)
	case rReals, rRaw:
		n, ok := w.length()
		return inside, ok && w.words(n)
	case rComplex:
		n, ok := w.length()
		return inside, ok && w.words(2*n)
	case rStrings, rList, rExpression:
		n, ok := w.length()
		return inside + n, ok
	case rPointer:
		return inside + 2, true
	case rWeak, rS4:
		return inside, true
	case rAlternative:
		return 3, true
	}
	return 0, false
}

// length takes the length of a vector: two numbers if it needs more than 31 bits.
func (w *rWords) length() (int64, bool) {
	n, ok := w.number()
	if ok && n == -1 {
		high, _ := w.number()
		low, both := w.number()
		n, ok = high<<32|low&math.MaxUint32, both && high >= 0 && high < 1<<16
	}
	return n, ok && n >= 0
}

// numbers takes n numbers.
func (w *rWords) numbers(n int64) bool {
	for range n {
		if _, ok := w.number(); !ok {
			return false
		}
	}
	return true
}

// words takes n words of any kind.
func (w *rWords) words(n int64) bool {
	for range n {
		if w.word() == "" {
			return false
		}
	}
	return true
}

// number takes a word as C's %d reads it: what stands behind the digits is nothing
// to it, and 32 bits are kept.
func (w *rWords) number() (int64, bool) {
	word := w.word()
	if word == "NA" {
		return math.MinInt32, true
	}
	sign := len(word) - len(strings.TrimLeft(word, "+-"))
	end := sign
	for end < len(word) && word[end] >= '0' && word[end] <= '9' {
		end++
	}
	n, err := strconv.ParseInt(word[:end], 10, 64)
	return int64(int32(n)), err == nil
}

// rBlanks are what C's isspace knows.
const rBlanks = " \t\n\v\f\r"

func (w *rWords) word() string {
	text := strings.TrimLeft(w.text, rBlanks)
	end := strings.IndexAny(text, rBlanks)
	if end < 0 {
		end = len(text)
	}
	w.text = text[end:]
	return text[:end]
}

// string takes a length and as many characters, escaped or not.
func (w *rWords) string() bool {
	n, ok := w.number()
	if !ok || n < -1 {
		return false
	}
	text := strings.TrimLeft(w.text, rBlanks)
	for ; n > 0 && text != ""; n-- {
		text = text[character(text):]
	}
	w.text = text
	return n <= 0
}

// character is how many bytes the character takes that text begins with: an escape
// is a backslash and another character, or up to three octal digits.
func character(text string) int {
	if text[0] != '\\' || len(text) == 1 {
		return 1
	}
	end := 1
	for end < min(len(text), 4) && text[end] >= '0' && text[end] <= '7' {
		end++
	}
	return max(end, 2)
}
