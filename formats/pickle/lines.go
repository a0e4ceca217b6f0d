package pickle

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The opcodes of protocol 0 have a line of text for an argument. Loaders differ in
// what may stand in it: CPython's own ends numbers at a NUL, as C does, and that of
// Lib/pickle.py ends a line at the end of the file. What one of them reads is read.

// line takes what stands before the next newline, if each part that is read of it fits.
func (w *walk) line(fits func(part []byte) bool) (string, bool) {
	var line []byte
	for {
		rest := w.ahead(1)
		if len(rest) == 0 {
			return string(line), len(line) > 0 && !w.short && !w.Cut
		}
		part, _, ended := bytes.Cut(rest, []byte("\n"))
		if !fits(part) {
			return "", false
		}
		line = append(line, part...)
		w.pos += int64(len(part))
		if ended {
			w.pos++
			return string(line), true
		}
	}
}

// A line may be longer than is read: that each part of it may stand in the argument
// of its opcode keeps prose from being followed for so long.
func partOf(op byte) func(part []byte) bool {
	switch op {
	case 'I', 'F', 'L', 'g', 'p':
		return partOfNumber(op)
	case 'P':
		return ascii
	}
	return anything
}

// partOfNumber is for the parts of one line. Behind a NUL anything may stand, and
// before it something must, but for INT: strtol reads nothing as 0.
func partOfNumber(op byte) func(part []byte) bool {
	begun, ended := op == 'I', false
	return func(part []byte) bool {
		if ended {
			return true
		}
		part, _, ended = bytes.Cut(part, []byte(nul))
		begun = begun || len(part) > 0
		return (begun || !ended) && len(bytes.Trim(part, inNumbers+"iInNtTyY")) == 0
	}
}

func partOfName(part []byte) bool {
	return !bytes.ContainsAny(part, notInNames) && !bytes.ContainsFunc(part, unicode.IsControl)
}

// ascii is what CPython asks of the argument of PERSID.
func ascii(part []byte) bool {
	return !bytes.ContainsFunc(part, func(r rune) bool { return r > unicode.MaxASCII })
}

func anything([]byte) bool { return true }

const (
	nul        = "\x00"
	notInNames = " \"'(){}[],;:=#/\\"
	inNumbers  = "0123456789abcdefABCDEFxXoOlLjJ_+-. \t\r\f\v"
)

// isControl knows what no text has, in whatever encoding.
func isControl(r rune) bool {
	return r < ' ' && !strings.ContainsRune("\t\n\v\f\r\x1b", r)
}

// literal takes the line of a text opcode, if it is its argument. CPython reads
// numbers of any base and length, with blanks and underscores: what is no number
// at all is refused, and no more.
func (w *walk) literal(op byte) bool {
	w.id = w.id || op == 'P'
	line, ok := w.line(partOf(op))
	if !ok {
		return false
	}
	number, _, ended := strings.Cut(line, nul)
	switch op {
	case 'I':
		return numeric(number) || ended && number == ""
	case 'F':
		return numeric(number) || infinite(number)
	case 'L', 'g', 'p':
		return numeric(number)
	case 'S':
		return len(line) >= 2 && (line[0] == '\'' || line[0] == '"') && line[len(line)-1] == line[0]
	case 'V':
		w.note([]byte(line))
	}
	return true
}

// numeric reports whether a line may be a number to CPython: digits, and what
// may stand among them.
func numeric(line string) bool {
	return strings.ContainsAny(line, "0123456789") && strings.Trim(line, inNumbers) == ""
}

// infinite reports whether a line is a number that has no digits.
func infinite(line string) bool {
	word := strings.ToLower(strings.TrimLeft(strings.TrimSpace(line), "+-"))
	return word == "inf" || word == "infinity" || word == "nan"
}

// names takes the two lines that name a global. A loader imports the module before
// it looks for the name, so that any name is enough where no text is meant.
func (w *walk) names() bool {
	module, ok := w.line(partOfName)
	if !ok || !dotted(module) {
		return false
	}
	fits := partOfName
	if w.control {
		fits = anything
	}
	name, ok := w.line(fits)
	if !ok || !utf8.ValidString(name) {
		return false
	}
	w.module = true
	if !dotted(name) {
		return false
	}
	w.global++
	w.note([]byte(module))
	root, _, _ := strings.Cut(module, ".")
	w.python = w.python || slices.Contains([]string{
		"builtins", "__builtin__", "posix", "subprocess", "copyreg", "copy_reg", "_codecs", "collections", "numpy", "torch",
	}, root)
	return true
}

// dotted reports whether s may be a Python name, or several with dots between them.
func dotted(s string) bool {
	return s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsGraphic(r) || strings.ContainsRune(notInNames, r)
	})
}
