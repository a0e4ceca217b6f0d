package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	maxPolicy = 1 << 20 // bytes
	maxDepth  = 16      // of lists and mappings; the schema needs six
)

// ParseError says where a policy or a lock stops being what it must be.
type ParseError struct {
	File   string // as it was opened; "policy" or "lock" in memory
	Line   int    // from 1; 0: the file as a whole
	Column int    // in characters, from 1; 0: the line as a whole
	Msg    string
}

func (e *ParseError) Error() string {
	at := e.File
	if e.Line > 0 {
		at += fmt.Sprintf(":%d", e.Line)
	}
	if e.Column > 0 {
		at += fmt.Sprintf(":%d", e.Column)
	}
	return at + ": " + e.Msg
}

func errAt(n *yaml.Node, format string, args ...any) error {
	return &ParseError{Line: n.Line, Column: n.Column, Msg: fmt.Sprintf(format, args...)}
}

// readYAML reads the one document that text is, as a tree in which nothing is
// left that YAML has and JSON has not: no anchors, aliases, tags, directives,
// further documents.
func readYAML(text []byte) (*yaml.Node, error) {
	if len(text) > maxPolicy {
		return nil, &ParseError{Msg: fmt.Sprintf("longer than %d bytes", maxPolicy)}
	}
	lines, err := printableLines(text)
	if err != nil {
		return nil, err
	}
	root, err := decode(text)
	if err != nil {
		return nil, err
	}
	if err := checkTree(root, lines, 0); err != nil {
		return nil, err
	}
	return root, nil
}

// printableLines splits text into lines of characters. What a reviewer cannot
// see (control and format characters, a byte order mark, line breaks that only
// YAML knows) is an error, and so is a directive.
func printableLines(text []byte) ([][]rune, error) {
	split := strings.Split(string(text), "\n")
	lines := make([][]rune, len(split))
	for i, line := range split {
		if i < len(split)-1 {
			line = strings.TrimSuffix(line, "\r")
		}
		if strings.HasPrefix(line, "%") {
			return nil, &ParseError{Line: i + 1, Column: 1, Msg: "directives are not allowed"}
		}
		lines[i] = make([]rune, 0, utf8.RuneCountInString(line))
		for at, r := range line {
			lines[i] = append(lines[i], r)
			if r == utf8.RuneError && !strings.HasPrefix(line[at:], "\uFFFD") {
				return nil, &ParseError{Line: i + 1, Column: len(lines[i]), Msg: "not UTF-8"}
			}
			if r != '\t' && !unicode.IsPrint(r) {
				return nil, &ParseError{Line: i + 1, Column: len(lines[i]), Msg: fmt.Sprintf("%U is not printable", r)}
			}
		}
	}
	return lines, nil
}

// decode builds the tree. Aliases are left as they stand, so that none is
// expanded before checkTree refuses it.
func decode(text []byte) (root *yaml.Node, err error) {
	defer func() {
		if v := recover(); v != nil { // the library's own bugs are the document's fault
			root, err = nil, &ParseError{Msg: fmt.Sprintf("the YAML reader failed: %v", v)}
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(text))
	var doc, next yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, &ParseError{Line: 1, Msg: "empty"}
	} else if err != nil {
		return nil, fromYAML(text, err)
	}
	if err := d.Decode(&next); err == nil {
		return nil, errAt(&next, "a further document: a policy is one")
	} else if !errors.Is(err, io.EOF) {
		return nil, fromYAML(text, err)
	}
	return doc.Content[0], nil
}

var (
	yamlLine     = regexp.MustCompile(`^yaml: line (\d+): (.*)$`)
	unknownAlias = regexp.MustCompile(`^yaml: unknown anchor '(.*)' referenced$`)
)

// fromYAML is the library's error with a line. Its text has none for the first
// line and for an alias without an anchor; what it says of *.onnx is a riddle.
func fromYAML(text []byte, err error) error {
	const quote = "aliases are not allowed: put a pattern that begins with * in quotes"
	if m := unknownAlias.FindStringSubmatch(err.Error()); m != nil {
		before, _, _ := bytes.Cut(text, []byte("*"+m[1]))
		return &ParseError{Line: 1 + bytes.Count(before, []byte("\n")), Msg: quote}
	}
	e := &ParseError{Line: 1, Msg: strings.TrimPrefix(err.Error(), "yaml: ")}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Msg = m[2]
	}
	if e.Msg == "did not find expected alphabetic or numeric character" {
		e.Msg = quote
	}
	return e
}

func checkTree(n *yaml.Node, lines [][]rune, depth int) error {
	switch {
	case depth > maxDepth:
		return errAt(n, "nested deeper than %d", maxDepth)
	case n.Anchor != "" || n.Kind == yaml.AliasNode:
		return errAt(n, "anchors and aliases are not allowed")
	case n.Style&yaml.TaggedStyle != 0 || runeAt(lines, n.Line, n.Column) == '!': // the tree does not show a lone "!"
		return errAt(n, "tags are not allowed")
	}
	for _, child := range n.Content {
		if err := checkTree(child, lines, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// runeAt is the character at a place, both counted from 1; 0 if there is none.
func runeAt(lines [][]rune, line, column int) rune {
	if line < 1 || line > len(lines) || column < 1 || column > len(lines[line-1]) {
		return 0
	}
	return lines[line-1][column-1]
}

// A reader takes the value of one key, or says what is wrong with it.
type reader func(n *yaml.Node) error

// readMapping hands the value of each key of n to its reader. A key that is
// unknown or occurs twice is an error, and so is a mapping without keys.
func readMapping(n *yaml.Node, what string, keys map[string]reader) error {
	if n.Kind != yaml.MappingNode {
		return errAt(n, "%s is a mapping, not %s", what, describe(n))
	}
	if len(n.Content) == 0 {
		return errAt(n, "%s is empty", what)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			return errAt(key, "a key is a string, not %s", describe(key))
		}
		if key.Value == "<<" {
			return errAt(key, "merges are not allowed")
		}
		read, known := keys[key.Value]
		if !known {
			return errAt(key, "%s has no key %q: it has %s", what, key.Value, strings.Join(slices.Sorted(maps.Keys(keys)), ", "))
		}
		if seen[key.Value] {
			return errAt(key, "the key %q occurs twice", key.Value)
		}
		seen[key.Value] = true
		if err := read(value); err != nil {
			return err
		}
	}
	return nil
}

// A check says what is wrong with a string; "" is nothing.
type check func(s string) string

func readString(dst *string, c check) reader {
	return func(n *yaml.Node) (err error) {
		*dst, err = scalarString(n, c)
		return err
	}
}

// readSet reads a list of strings whose order has no meaning, and sorts it.
func readSet(dst *[]string, c check) reader {
	return func(n *yaml.Node) error {
		if n.Kind != yaml.SequenceNode {
			return errAt(n, "expected a list, not %s", describe(n))
		}
		if len(n.Content) == 0 {
			return errAt(n, "the list is empty")
		}
		var set []string
		seen := map[string]bool{}
		for _, item := range n.Content {
			s, err := scalarString(item, c)
			if err != nil {
				return err
			}
			if seen[s] {
				return errAt(item, "%q occurs twice", s)
			}
			seen[s] = true
			set = append(set, s)
		}
		slices.Sort(set)
		*dst = set
		return nil
	}
}

// number is a whole number above zero, as JSON writes it.
var number = regexp.MustCompile(`^[1-9][0-9]*$`)

func readNumber[T int | int64](dst *T) reader {
	return func(n *yaml.Node) error {
		if !isPlain(n) || !number.MatchString(n.Value) {
			return errAt(n, "expected a whole number above zero, not %s", describe(n))
		}
		v, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil || int64(T(v)) != v {
			return errAt(n, "%s is too large", n.Value)
		}
		*dst = T(v)
		return nil
	}
}

// readTrue takes true alone: a key that only says no is one too many.
func readTrue(dst *bool) reader {
	return func(n *yaml.Node) error {
		if !isPlain(n) || n.Value != "true" {
			return errAt(n, "expected true, not %s: leave the key out otherwise", describe(n))
		}
		*dst = true
		return nil
	}
}

// isPlain reports whether n is a scalar without quotes, whose text is its type.
func isPlain(n *yaml.Node) bool {
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	return n.Kind == yaml.ScalarNode && n.Style&quoted == 0
}

// notString are plain scalars that YAML 1.1 or 1.2 takes for something else
// than a string although the library does not: booleans, base 60, the default key.
var notString = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null|~|=|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|[-+]?[0-9][0-9_.]*)$`)

func scalarString(n *yaml.Node, c check) (string, error) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		return "", errAt(n, "expected a string, not %s", describe(n))
	}
	if isPlain(n) && (n.ShortTag() != "!!str" || notString.MatchString(n.Value)) {
		return "", errAt(n, "%s is not a string to every reader of YAML: put it in quotes if it is meant as one", n.Value)
	}
	if n.Value == "" || !isPrintable(n.Value) {
		return "", errAt(n, "%q is empty or not printable", n.Value)
	}
	if wrong := c(n.Value); wrong != "" {
		return "", errAt(n, "%q %s", n.Value, wrong)
	}
	return n.Value, nil
}

func isPrintable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.ShortTag() == "!!null":
		return "null"
	case isPlain(n):
		return n.Value
	}
	return "the string " + strconv.Quote(n.Value)
}
