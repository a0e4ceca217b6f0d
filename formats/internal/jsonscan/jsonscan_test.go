package jsonscan_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats/internal/jsonscan"
)

// failure is an error of a scanner.
type failure struct {
	pos    int
	detail string
}

func (f failure) Error() string { return fmt.Sprintf("%d: %s", f.pos, f.detail) }

func scan(text string) *jsonscan.Scanner {
	return &jsonscan.Scanner{Text: []byte(text), Fail: func(pos int, detail string, args ...any) error {
		return failure{pos, fmt.Sprintf(detail, args...)}
	}}
}

// value reads any value as encoding/json would decode it, numbers as their text.
func value(s *jsonscan.Scanner, depth int) (any, error) {
	if depth == 0 {
		return nil, s.Fail(s.Pos, "too deep")
	}
	switch s.Peek() {
	case '{':
		object := map[string]any{}
		return object, s.Object(func(key []byte, _ int) (err error) {
			object[string(key)], err = value(s, depth-1)
			return err
		})
	case '[':
		array := []any{}
		return array, s.Array(func() error {
			v, err := value(s, depth-1)
			array = append(array, v)
			return err
		})
	case '"':
		v, err := s.Str()
		return string(v), err
	case 't':
		return true, s.Word("true")
	case 'f':
		return false, s.Word("false")
	case 'n':
		return nil, s.Word("null")
	}
	v, err := s.Number()
	return json.Number(v), err
}

var seeds = []string{
	`{}`, `[]`, ` { "a" : [ 1 , -0.5e+3 , true, false, null ] } `, `""`, `0`, `-0`, `1e9`, `1.25E-7`,
	`"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"`, `"é😀"`, `{"a":{"b":{"c":[[[]]]}}}`, `{"a":1,"a":2}`,
	`{"a":1,}`, `{"a" 1}`, `{a:1}`, `[1 2]`, `[1,]`, `01`, `1.`, `.5`, `1e`, `+1`, `-`, `NaN`, `tru`, `nul`, `truefalse`,
	`"\x"`, `"\u12"`, `"\ud800"`, `"\ud800\u0041"`, "\"\x01\"", `"a`, `"\`, `{"a":`, `{`, `[`, ``, `{}{}`, "\"\x7f\"",
}

// FuzzScanner requires that a scanner which is driven by the whole grammar
// accepts nothing that encoding/json refuses, and reads the same from it; and
// that it refuses nothing else but half a surrogate pair.
func FuzzScanner(f *testing.F) {
	require.NotEmpty(f, seeds)
	for _, text := range seeds {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		const deep = 1000
		s := scan(text)
		got, err := value(s, deep)
		if err == nil && (s.Peek() != 0 || s.Pos < len(s.Text)) {
			err = s.Fail(s.Pos, "trailing")
		}
		if err != nil {
			fault := err.(failure)
			require.True(t, 0 <= fault.pos && fault.pos <= len(text), "%v", err)
			if fault.detail != "an escape that is no character" && fault.detail != "too deep" {
				require.False(t, json.Valid([]byte(text)), "%q: %v", text, err)
			}
			return
		}
		require.True(t, json.Valid([]byte(text)), "%q", text)
		require.Equal(t, second(t, text), got)
	})
}

// second is the reading of encoding/json.
func second(t *testing.T, text string) any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	require.NoError(t, d.Decode(&v))
	return v
}

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		text string
		want failure
	}{
		{`{"a":1,}`, failure{7, `'}' where '"' is expected`}},
		{`{"a"`, failure{4, `the text ends where ':' is expected`}},
		{`[1 2]`, failure{3, `'2' where ',' is expected`}},
		{`[01]`, failure{1, "a number with a leading zero"}},
		{`[1.]`, failure{1, "a number that ends with its point"}},
		{`[1e+]`, failure{1, "a number that ends with its exponent"}},
		{`[NaN]`, failure{1, "no value where one is expected"}},
		{`[nil]`, failure{1, "no value where one is expected"}},
		{`["\q"]`, failure{2, `unknown escape "\\q"`}},
		{`["\u12"]`, failure{2, "an escape that is no character"}},
		{`["\`, failure{2, "an escape without an end"}},
		{`["a`, failure{3, "a string without an end"}},
		{"[\"\n\"]", failure{2, "control character 0x0a in a string"}},
		{"\x00", failure{0, "no value where one is expected"}},
	} {
		_, err := value(scan(c.text), 10)
		require.Equal(t, c.want, err, c.text)
	}
}

func TestInteger(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, " 17": 17, "9223372036854775807": 1<<63 - 1} {
		got, err := scan(text).Integer()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for text, want := range map[string]string{
		"":                    "no digits where a non-negative integer is expected",
		"-1":                  "no digits where a non-negative integer is expected",
		"01":                  "a number with a leading zero",
		"9223372036854775808": "a number beyond 63 bits",
	} {
		_, err := scan(text).Integer()
		require.Equal(t, failure{0, want}, err, text)
	}
}

// A NUL at the end of the text is a byte of it.
func TestAcceptNUL(t *testing.T) {
	require.False(t, scan("").Accept(0))
	require.True(t, scan("\x00").Accept(0))
}

// Strings stay what they were when more of the text is read.
func TestStringsStay(t *testing.T) {
	s := scan(`["\u0041b","\n\n\n","c"]`)
	var all []string
	var kept [][]byte
	require.NoError(t, s.Array(func() error {
		v, err := s.Str()
		kept, all = append(kept, v), append(all, string(v))
		return err
	}))
	require.Equal(t, []string{"Ab", "\n\n\n", "c"}, all)
	for i, v := range kept {
		require.Equal(t, all[i], string(v))
		_ = append(v, "over the text"...)
	}
	require.Equal(t, "c", string(kept[2]))
}
