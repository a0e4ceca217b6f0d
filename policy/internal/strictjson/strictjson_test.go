package strictjson_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy/internal/strictjson"
	"github.com/weightgate/weightgate/policy/manifest"
)

// everything is an object with a value of each type.
type everything struct {
	word, printable, match string
	hint                   string
	truth                  bool
	number                 json.Number
	bytes                  []byte
	digest                 manifest.Digest
	count                  uint64
	time                   time.Time
	elements               []string
}

func (e *everything) read(doc *strictjson.Doc) error {
	return doc.Object("the value", map[string]strictjson.Member{
		"constant":  {Read: doc.Constant("constant", "v1")},
		"word":      {Optional: true, Read: doc.Text("word", &e.word)},
		"printable": {Optional: true, Read: doc.Printable("printable", 4, &e.printable)},
		"match":     {Optional: true, Read: doc.Match("match", regexp.MustCompile(`^a*$`), 4, &e.match)},
		"hint":      {Optional: true, Read: doc.Hint("hint", &e.hint)},
		"truth":     {Optional: true, Read: doc.Truth("truth", &e.truth)},
		"number":    {Optional: true, Read: doc.Number("number", &e.number)},
		"bytes":     {Optional: true, Read: doc.Bytes("bytes", &e.bytes)},
		"digest":    {Optional: true, Read: doc.Digest("digest", &e.digest)},
		"count":     {Optional: true, Read: doc.Count("count", &e.count)},
		"time":      {Optional: true, Read: doc.Time("time", &e.time)},
		"any":       {Optional: true, Read: doc.Skip},
		"elements": {Optional: true, Read: func() error {
			return doc.UpTo(2, "elements", func() error {
				s, err := doc.Word("an element")
				e.elements = append(e.elements, s)
				return err
			})
		}},
	}, nil)
}

func read(text string) (everything, error) {
	var e everything
	err := strictjson.Read("test", []byte(text), e.read)
	return e, err
}

func TestRead(t *testing.T) {
	e, err := read(` {"constant":"v1","word":"\u00e9\ud83d\ude00","printable":"a \u00e9","match":"aaaa","hint":null,"truth":true,` +
		`"number":-1.5e3,"bytes":"AAE=","digest":"01` + strings.Repeat("0", 62) + `","count":9007199254740991,` +
		`"time":"2024-02-29T23:59:59Z","elements":["a","b"],"any":{"x":[1e999,null,{"x":"\u202e"}]}} `)
	require.NoError(t, err)
	require.Equal(t, everything{
		word: "é😀", printable: "a é", match: "aaaa", truth: true, number: "-1.5e3", bytes: []byte{0, 1},
		digest: manifest.Digest{1}, count: strictjson.MaxCount, time: time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC),
		elements: []string{"a", "b"},
	}, e)
}

func TestRefusals(t *testing.T) {
	for members, want := range map[string]struct {
		kind   strictjson.Kind
		detail string
	}{
		`"word":1`:                         {strictjson.Syntax, "not a string"},
		`"word":null`:                      {strictjson.Syntax, "not a string"},
		`"word":"\ud800"`:                  {strictjson.Syntax, "character"},
		`"word":"\ude00\ud83d"`:            {strictjson.Syntax, "character"},
		"\"word\":\"\xff\"":                {strictjson.Syntax, "UTF-8"},
		`"word":"a","word":"a"`:            {strictjson.Syntax, "twice"},
		`"word":"a","w\u006frd":"a"`:       {strictjson.Syntax, "twice"},
		`"Word":"a"`:                       {strictjson.Syntax, "no key"},
		`"word":"a",`:                      {strictjson.Syntax, ""},
		`"word":"a"}{`:                     {strictjson.Syntax, ""},
		`"constant":"v1"`:                  {strictjson.Syntax, "twice"},
		`"printable":"aaaaa"`:              {strictjson.Limits, "longer than 4"},
		`"printable":"a\n"`:                {strictjson.Syntax, "do not show"},
		`"printable":"\u202e"`:             {strictjson.Syntax, "do not show"},
		`"match":"b"`:                      {strictjson.Syntax, "match"},
		`"match":"a\n"`:                    {strictjson.Syntax, "match"},
		`"match":"aaaaa"`:                  {strictjson.Syntax, "4 bytes"},
		`"hint":1`:                         {strictjson.Syntax, "neither"},
		`"truth":"true"`:                   {strictjson.Syntax, "neither"},
		`"number":"1"`:                     {strictjson.Syntax, "not a number"},
		`"number":01`:                      {strictjson.Syntax, ""},
		`"bytes":""`:                       {strictjson.Syntax, "base64"},
		`"bytes":"AAE"`:                    {strictjson.Syntax, "base64"},
		`"bytes":"AAF="`:                   {strictjson.Syntax, "base64"},
		`"bytes":"AA\nE="`:                 {strictjson.Syntax, "base64"},
		`"digest":""`:                      {strictjson.Syntax, "digest"},
		`"digest":"` + zeros(64) + `"`:     {strictjson.Syntax, "zeros"},
		`"digest":"0A` + zeros(62) + `"`:   {strictjson.Syntax, "digest"},
		`"digest":"01` + zeros(63) + `"`:   {strictjson.Syntax, "digest"},
		`"count":0`:                        {strictjson.Syntax, "whole number"},
		`"count":-0`:                       {strictjson.Syntax, "whole number"},
		`"count":-1`:                       {strictjson.Syntax, "whole number"},
		`"count":1.0`:                      {strictjson.Syntax, "whole number"},
		`"count":1e0`:                      {strictjson.Syntax, "whole number"},
		`"count":"1"`:                      {strictjson.Syntax, "not a number"},
		`"count":9007199254740992`:         {strictjson.Syntax, "whole number"},
		`"count":99999999999999999999`:     {strictjson.Syntax, "whole number"},
		`"time":"2023-02-29T00:00:00Z"`:    {strictjson.Syntax, "time"},
		`"time":"2024-02-29T24:00:00Z"`:    {strictjson.Syntax, "time"},
		`"time":"2024-02-29T00:00:60Z"`:    {strictjson.Syntax, "time"},
		`"time":"2024-02-29T00:00:00.5Z"`:  {strictjson.Syntax, "time"},
		`"time":"2024-02-29T00:00:00,0Z"`:  {strictjson.Syntax, "time"},
		`"time":"2024-02-29T00:00:00z"`:    {strictjson.Syntax, "time"},
		`"time":"2024-02-29 00:00:00Z"`:    {strictjson.Syntax, "time"},
		`"time":"2024-02-29T0:00:00Z"`:     {strictjson.Syntax, "time"},
		`"time":"2024-02-29T00:00:00+00Z"`: {strictjson.Syntax, "time"},
		`"time":"0001-01-01T00:00:00Z"`:    {strictjson.Syntax, "time"},
		`"time":1`:                         {strictjson.Syntax, "not a string"},
		`"elements":["a","b","c"]`:         {strictjson.Limits, "more than 2"},
		`"elements":{}`:                    {strictjson.Syntax, "not an array"},
		`"elements":null`:                  {strictjson.Syntax, "not an array"},
		`"any":{"x":1,"x":1}`:              {strictjson.Syntax, "twice"},
		`"any":` + nested(32):              {strictjson.Limits, "nested"},
		`"any":` + nested(20_000):          {strictjson.Limits, "nested"},
	} {
		_, err := read(`{"constant":"v1",` + members + `}`)
		wrong, ok := errors.AsType[*strictjson.Error](err)
		require.True(t, ok, "%.99s: %v", members, err)
		require.Equal(t, want.kind, wrong.Kind, "%.99s: %v", members, err)
		require.Contains(t, wrong.Detail, "test: ")
		require.Contains(t, wrong.Detail, want.detail, "%.99s", members)
		require.LessOrEqual(t, wrong.Offset, int64(len(members)+len(`{"constant":"v1",}`)))
	}

	_, err := read(`{"constant":"v1","any":` + nested(31) + `}`)
	require.NoError(t, err)
	_, err = read(`{"constant":"v2"}`)
	require.Equal(t, strictjson.Type, err.(*strictjson.Error).Kind)
	_, err = read(`{}`)
	require.ErrorContains(t, err, "test: the value has no constant")
	_, err = read(`{`)
	require.ErrorContains(t, errors.Unwrap(err), "unexpected end")
}

func zeros(n int) string { return strings.Repeat("0", n) }

func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

// The errors of who reads are handed on as they are.
func TestForeignError(t *testing.T) {
	own := errors.New("own")
	require.Equal(t, own, strictjson.Read("test", []byte("{}"), func(*strictjson.Doc) error { return own }))
}
