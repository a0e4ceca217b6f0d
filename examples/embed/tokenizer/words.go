package tokenizer

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A normalizer is BertNormalizer and BertPreTokenizer of Hugging Face's
// tokenizers, code point for code point. The Unicode tables of the reference are
// older than Go's: tables.go holds them.
type normalizer struct {
	uncased bool // lower case, without accents
}

// words are what the model's vocabulary is asked for. The text is prepared piece
// by piece, as far as words are taken.
func (n normalizer) words(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for piece := range pieces(text) {
			piece = clean(piece)
			if n.uncased {
				piece = fold(piece)
			}
			for word := range split(piece) {
				if !yield(word) {
					return
				}
			}
		}
	}
}

// pieceSize is how long a piece is, in bytes, unless one word is longer.
const pieceSize = 4 << 10

// pieces cuts a text before blanks, where nothing that clean and fold do crosses.
func pieces(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for len(text) > pieceSize {
			blank := strings.IndexByte(text[pieceSize:], ' ')
			if blank < 0 {
				break
			}
			if !yield(text[:pieceSize+blank]) {
				return
			}
			text = text[pieceSize+blank:]
		}
		yield(text)
	}
}

// clean drops control characters, makes every space a blank, and sets
// ideographs apart.
func clean(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for _, r := range text {
		switch {
		case unicode.Is(control, r):
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case unicode.Is(ideographs, r):
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// fold drops accents and upper case.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < utf8.RuneSelf:
			return unicode.ToLower(r)
		case unicode.Is(nonspacing, r):
			return -1
		}
		if lower, ok := newerCase[r]; ok {
			return lower
		}
		return unicode.ToLower(r)
	}, decompose(text))
}

// decompose is NFD without the letter that the reference keeps whole. That is
// a starter: nothing moves across it.
func decompose(text string) string {
	pieces := strings.Split(text, whole)
	for i, piece := range pieces {
		pieces[i] = norm.NFD.String(piece)
	}
	return strings.Join(pieces, whole)
}

// split yields what lies between blanks, and each punctuation mark by itself.
func split(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		start := 0
		for i, r := range text {
			space := r == ' '
			if !space && !unicode.Is(punctuation, r) {
				continue
			}
			if start < i && !yield(text[start:i]) {
				return
			}
			start = i + utf8.RuneLen(r)
			if !space && !yield(text[i:start]) {
				return
			}
		}
		if start < len(text) {
			yield(text[start:])
		}
	}
}
