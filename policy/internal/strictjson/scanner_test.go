package strictjson_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy/internal/strictjson"
)

// texts are read, or are not; the reason is what an error says.
var texts = map[string]struct{ text, reason string }{
	"null":                   {`null`, ""},
	"spaces":                 {" \t\r\n{ \"a\" : [ 1 , true ] } \n", ""},
	"an empty object":        {`{}`, ""},
	"an empty array":         {`[ ]`, ""},
	"an empty word":          {`""`, ""},
	"an empty key":           {`{"":1}`, ""},
	"escapes":                {`"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"`, ""},
	"numbers":                {`[0,-0,1,-1,1.5,1e5,1E+5,1e-5,-0.0e0,1e999]`, ""},
	"as deep as may be":      {nested(32), ""},
	"keys that differ":       {`{"a":1,"A":2,"a ":3}`, ""},
	"the same key elsewhere": {`[{"a":1},{"a":{"a":1}}]`, ""},

	"not UTF-8":                {"\"\xff\"", "UTF-8"},
	"a surrogate in UTF-8":     {"\"\xed\xa0\x80\"", "UTF-8"},
	"half a pair":              {`"\ud800"`, "character that is none"},
	"the other half":           {`"\udc00"`, "character that is none"},
	"a pair turned around":     {`"\udc00\ud800"`, "character that is none"},
	"half a pair as key":       {`{"\ud800":1}`, "character that is none"},
	"the replacement":          {"\"\ufffd\"", "character that is none"},
	"a key twice":              {`{"a":1,"a":1}`, "twice"},
	"a key twice, escaped":     {`{"a":1,"\u0061":1}`, "twice"},
	"an ignored key twice":     {`[{"x":{"a":1,"a":1}}]`, "twice"},
	"too deep":                 {nested(33), "deeper"},
	"nothing":                  {``, "no JSON"},
	"spaces alone":             {" \n", "no JSON"},
	"a mark before":            {"\ufeff{}", "no JSON"},
	"a zero byte":              {"\x00", "no JSON"},
	"a zero byte after":        {"{}\x00", "no JSON"},
	"two values":               {`{}{}`, "no JSON"},
	"a comma after":            {`{},`, "no JSON"},
	"a comment":                {`{}//`, "no JSON"},
	"far too deep":             {strings.Repeat(`{"a":`, 1<<16), "deeper"},
	"a word that does not end": {`"abc`, "no JSON"},
	"an escaped end":           {`"abc\"`, "no JSON"},
	"half an escape":           {`"abc\`, "no JSON"},
	"no such escape":           {`"\x41"`, "no JSON"},
	"half a code":              {`"\u00"`, "no JSON"},
	"a line in a word":         {"\"a\nb\"", "no JSON"},
	"a line behind a slash":    {"\"a\\\nb\"", "no JSON"},
	"other quotes":             {`'a'`, "no JSON"},
	"a key that is none":       {`{1:2}`, "no JSON"},
	"no colon":                 {`{"a" 1}`, "no JSON"},
	"no value":                 {`{"a":}`, "no JSON"},
	"a comma too many":         {`{"a":1,}`, "no JSON"},
	"an element too few":       {`[1,]`, "no JSON"},
	"a comma too few":          {`[1 2]`, "no JSON"},
	"the other end":            {`[1}`, "no JSON"},
	"no end":                   {`[1`, "no JSON"},
	"a longer name":            {`nulll`, "no JSON"},
	"a shorter name":           {`tru`, "no JSON"},
	"names in a row":           {`[truefalse]`, "no JSON"},
	"a zero before":            {`01`, "no JSON"},
	"a plus before":            {`+1`, "no JSON"},
	"a point before":           {`.5`, "no JSON"},
	"a point after":            {`1.`, "no JSON"},
	"an exponent of nothing":   {`1e`, "no JSON"},
	"a minus alone":            {`-`, "no JSON"},
	"numbers in a row":         {`[1-1]`, "no JSON"},
	"not a number":             {`NaN`, "no JSON"},
}

func TestTexts(t *testing.T) {
	for name, c := range texts {
		t.Run(name, func(t *testing.T) {
			err := strictjson.Read("text", []byte(c.text), (*strictjson.Doc).Skip)
			if c.reason == "" {
				require.NoError(t, err)
				return
			}
			var e *strictjson.Error
			require.ErrorAs(t, err, &e)
			require.ErrorContains(t, err, "text: ")
			require.ErrorContains(t, err, c.reason)
			require.Equal(t, c.reason == "deeper", e.Kind == strictjson.Limits)
			require.LessOrEqual(t, e.Offset, int64(len(c.text)))
		})
	}
}

// TestOwned: what was read stays when the text changes.
func TestOwned(t *testing.T) {
	text, word := []byte(`"abc"`), ""
	require.NoError(t, strictjson.Read("text", text, func(d *strictjson.Doc) error { return d.Text("it", &word)() }))
	copy(text, `"xyz"`)
	require.Equal(t, "abc", word)
}

// FuzzRead: a text is read exactly if encoding/json reads it and nothing is in
// it that only encoding/json lets pass; what is read is the same.
func FuzzRead(f *testing.F) {
	require.NotEmpty(f, texts)
	for _, c := range texts {
		f.Add([]byte(c.text))
	}
	decoder := func(text []byte) *json.Decoder {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		return d
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		err := strictjson.Read("text", text, (*strictjson.Doc).Skip)
		if !json.Valid(text) || !utf8.Valid(text) || lax(decoder(text), 0) {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		var value any
		require.NoError(t, decoder(text).Decode(&value))
		require.NoError(t, strictjson.Read("text", text, func(d *strictjson.Doc) error { return agree(t, d, value) }))
	})
}

// agree reads a value that is to be want.
func agree(t *testing.T, d *strictjson.Doc, want any) error {
	switch want := want.(type) {
	case map[string]any:
		members := map[string]strictjson.Member{}
		for key, v := range want {
			members[key] = strictjson.Member{Read: func() error { return agree(t, d, v) }}
		}
		return d.Object("it", members, nil)
	case []any:
		i := -1
		err := d.Array("it", func() error { i++; return agree(t, d, want[i]) })
		require.Len(t, want, i+1)
		return err
	case string:
		var s string
		err := d.Text("it", &s)()
		require.Equal(t, want, s)
		return err
	case json.Number:
		var n json.Number
		err := d.Number("it", &n)()
		require.Equal(t, want, n)
		return err
	case bool:
		b := !want
		err := d.Truth("it", &b)()
		require.Equal(t, want, b)
		return err
	}
	null := "it"
	err := d.Hint("it", &null)()
	require.Empty(t, null)
	return err
}

// lax reports whether a valid text that d reads has a key twice, a character
// that is none, or more than 32 levels.
func lax(d *json.Decoder, depth int) bool {
	v, err := d.Token()
	if err != nil {
		return true
	}
	switch v := v.(type) {
	case string:
		return strings.ContainsRune(v, utf8.RuneError)
	case json.Delim:
		seen := map[json.Token]bool{}
		for depth < 32 && d.More() {
			if v == '{' {
				key, err := d.Token()
				if err != nil || seen[key] || strings.ContainsRune(key.(string), utf8.RuneError) {
					return true
				}
				seen[key] = true
			}
			if lax(d, depth+1) {
				return true
			}
		}
		_, err := d.Token() // its end
		return err != nil || depth == 32
	}
	return false
}
