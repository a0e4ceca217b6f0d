package service

import (
	"encoding/json"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		body string
		want request
	}{
		{`{"model":"m","input":"a"}`, request{model: "m", texts: []string{"a"}}},
		{` { "input" : [ "a" , "b" ] , "model" : "m" } `, request{model: "m", texts: []string{"a", "b"}}},
		{`{"model":"m","input":[1,2]}`, request{model: "m", ids: [][]int64{{1, 2}}, tokens: 2}},
		{`{"model":"m","input":[[1],[2,3]]}`, request{model: "m", ids: [][]int64{{1}, {2, 3}}, tokens: 3}},
		{`{"model":"m","input":"a","encoding_format":"float","user":""}`, request{model: "m", texts: []string{"a"}}},
		{`{"model":"m","input":"a","encoding_format":"base64","dimensions":3}`, request{model: "m", texts: []string{"a"}, base64: true, dimensions: 3}},
		{`{"model":"m","input":"a","encoding_format":null,"dimensions":null,"user":null}`, request{model: "m", texts: []string{"a"}}},
		{`{"model":"m","input":"\ud83d\ude00 \\ud83d \u00e9"}`, request{model: "m", texts: []string{"😀 \\ud83d é"}}},
	} {
		got, p := parse([]byte(c.body), 3)
		require.Nil(t, p, c.body)
		require.Equal(t, c.want, *got)
	}
}

// However a body is filled, what is made of it is not much larger.
func TestParseStopsAtLimits(t *testing.T) {
	const size = 4 << 20
	for element, code := range map[string]string{
		`""`: "empty_string", `"a"`: "array_above_max_length", `[]`: "empty_string", `[0]`: "array_above_max_length", `0`: "too_many_tokens",
		`[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]`: "too_many_tokens", `{}`: "invalid_type", `[[]]`: "invalid_type", `null`: "invalid_type",
	} {
		t.Run(element, func(t *testing.T) {
			body := []byte(`{"model":"m","input":[` + strings.Repeat(element+",", size/len(element)) + element + `]}`)
			before := allocated()
			r, p := parse(body, 1<<15)
			require.Less(t, allocated()-before, uint64(2*size))
			require.Nil(t, r)
			require.Equal(t, code, p.code)
		})
	}
}

// allocated is all memory that was ever taken, in bytes.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func TestQuote(t *testing.T) {
	for sent, want := range map[string]string{
		"a": `"a"`, strings.Repeat("a", 64): `"` + strings.Repeat("a", 64) + `"`, strings.Repeat("a", 65): `"` + strings.Repeat("a", 64) + `…"`,
		"a" + strings.Repeat("é", 40): `"a` + strings.Repeat("é", 31) + `…"`, "\n\"": `"\n\""`,
	} {
		require.Equal(t, want, quote(sent))
	}
}

func TestHalfPair(t *testing.T) {
	for body, want := range map[string]bool{
		`"\ud83d\ude00"`: false, `"\ud83d"`: true, `"\ude00"`: true, `"\ude00\ud83d"`: true, `"\ud83d\ud83d\ude00"`: true,
		`"\ud83dx"`: true, `"\ud83d\n"`: true, `"\ud83d\u0041"`: true, `"\\ud83d"`: false, `"\\\ud83d"`: true, `"\u0041"`: false,
		`"\ud83d\ude00\ud83d"`: true, `"\""`: false, `"\uD83D\uDE00"`: false, `"😀"`: false,
	} {
		require.True(t, json.Valid([]byte(body)))
		require.Equal(t, want, halfPair([]byte(body)), body)
	}
}

// What parses is what encoding/json reads, within the limits.
func FuzzParse(f *testing.F) {
	seeds := []string{
		`{"model":"m","input":"a"}`, `{"model":"m","input":["a","b"]}`, `{"model":"m","input":[1]}`, `{"model":"m","input":[[1],[2]]}`,
		`{"model":"m","input":"\ud83d\ude00"}`, `{"model":"m","input":"a","dimensions":3}`, `{"model":"m","input":[null]}`, `{"a":1}`, `"\ud83d`,
	}
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, p := parse(body, 1000)
		if p != nil {
			require.Nil(t, r)
			require.Equal(t, http.StatusBadRequest, p.status)
			require.NotEmpty(t, p.message)
			require.Less(t, len(p.message), 500)
			return
		}
		var second struct {
			Model string          `json:"model"`
			Input json.RawMessage `json:"input"`
		}
		require.NoError(t, json.Unmarshal(body, &second))
		require.Equal(t, second.Model, r.model)
		require.NotEqual(t, len(r.texts) > 0, len(r.ids) > 0)
		require.LessOrEqual(t, len(r.texts)+len(r.ids), maxInputs)
		var one string
		var texts []string
		if json.Unmarshal(second.Input, &one) == nil {
			require.Equal(t, []string{one}, r.texts)
		} else if json.Unmarshal(second.Input, &texts) == nil {
			require.Equal(t, texts, r.texts)
		}
		for _, text := range r.texts {
			require.NotEmpty(t, text)
			require.True(t, utf8.ValidString(text))
			if strings.ContainsRune(text, utf8.RuneError) { // it was there, and no reader put it in
				require.True(t, strings.Contains(string(body), "\ufffd") || strings.Contains(strings.ToLower(string(body)), `\ufffd`))
			}
		}
	})
}
