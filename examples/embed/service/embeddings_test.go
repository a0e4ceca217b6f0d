package service

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// body is a request of inputs, which are JSON or what becomes JSON.
func body(t testing.TB, input any, more ...string) string {
	b, err := json.Marshal(input)
	require.NoError(t, err)
	return fmt.Sprintf(`{"model":"minilm","input":%s%s}`, b, strings.Join(more, ""))
}

func TestEmbeddings(t *testing.T) {
	m := miniLM(t)
	s := serve(t, Config{}, m)
	texts, want := references(t)
	together, tokens := s.post(t, body(t, texts)).embeddings(t)
	require.Len(t, together, len(texts))

	sum := 0
	var all [][]int64
	for i, text := range texts {
		alone, n := s.post(t, body(t, text)).embeddings(t)
		sum += n
		require.Len(t, alone, 1)
		require.Less(t, furthest(alone[0], want[i]), 1e-4)
		require.Less(t, furthest(alone[0], together[i]), 1e-5)

		encoded, _ := s.post(t, body(t, text, `,"encoding_format":"base64"`)).embeddings(t)
		floats, _ := s.post(t, body(t, text, `,"encoding_format":"float","dimensions":384,"user":"u"`)).embeddings(t)
		require.Equal(t, floats, encoded)

		ids, err := m.Encode(text)
		require.NoError(t, err)
		require.Len(t, ids, n)
		all = append(all, ids)
		fromIDs, m := s.post(t, body(t, ids)).embeddings(t)
		require.Equal(t, n, m)
		require.Less(t, furthest(alone[0], fromIDs[0]), 1e-5)
	}
	require.Equal(t, sum, tokens)
	fromIDs, n := s.post(t, body(t, all)).embeddings(t)
	require.Equal(t, sum, n)
	for i := range fromIDs {
		require.Less(t, furthest(together[i], fromIDs[i]), 1e-5)
	}
}

func TestManyInputs(t *testing.T) {
	s := serve(t, Config{}, miniLM(t))
	inputs := make([]string, maxInputs)
	for i := range inputs {
		inputs[i] = fmt.Sprint("number ", i%7)
	}
	vectors, _ := s.post(t, body(t, inputs, `,"encoding_format":"base64"`)).embeddings(t)
	require.Len(t, vectors, maxInputs)
	for i := range vectors {
		require.Less(t, furthest(vectors[i], vectors[i%7]), 1e-5)
	}
}

func TestAppendFloats(t *testing.T) {
	vector := []float32{0, 1, -1, 0.1, 1e-7, -1e-38, math.SmallestNonzeroFloat32, math.MaxFloat32, 1.0 / 3, 123456789}
	var back []float32
	require.NoError(t, json.Unmarshal(appendFloats(nil, vector), &back))
	require.Equal(t, vector, back)
	encoded, err := decodeVector(appendBase64(nil, vector))
	require.NoError(t, err)
	require.Equal(t, vector, encoded)
}

func TestBadRequests(t *testing.T) {
	m := miniLM(t)
	s := serve(t, Config{}, m)
	long := strings.Repeat("word ", 300)
	const json = "application/json"
	for _, c := range []struct {
		name              string
		contentType, body string
		status            int
		kind, param, code string
	}{
		{"nothing", json, ``, 400, invalidRequest, "", ""},
		{"no JSON", json, `model=minilm`, 400, invalidRequest, "", ""},
		{"half of it", json, `{"model":"minilm","input":"a`, 400, invalidRequest, "", ""},
		{"garbage behind it", json, `{"model":"minilm","input":"a"}{}`, 400, invalidRequest, "", ""},
		{"no object", json, `["a"]`, 400, invalidRequest, "", ""},
		{"null", json, `null`, 400, invalidRequest, "", ""},
		{"a NUL behind it", json, "{\"model\":\"minilm\",\"input\":\"a\"}\x00", 400, invalidRequest, "", ""},
		{"not UTF-8", json, "{\"model\":\"minilm\",\"input\":\"a\xff\"}", 400, invalidRequest, "", ""},
		{"UTF-16", json, "\xff\xfe{\x00}\x00", 400, invalidRequest, "", ""},
		{"half a pair", json, `{"model":"minilm","input":"a\ud83d"}`, 400, invalidRequest, "", ""},
		{"half a pair in a key", json, `{"model":"minilm","\udc00":"a"}`, 400, invalidRequest, "", ""},
		{"deep", json, `{"model":"minilm","input":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`, 400, invalidRequest, "input", "invalid_type"},
		{"deeper", json, `{"input":` + strings.Repeat("[", 1<<20), 400, invalidRequest, "", ""},
		{"a key twice", json, `{"model":"minilm","model":"minilm","input":"a"}`, 400, invalidRequest, "model", ""},
		{"a key in another case", json, `{"Model":"minilm","input":"a"}`, 400, invalidRequest, "", ""},
		{"an unknown key", json, `{"model":"minilm","input":"a","truncate":true}`, 400, invalidRequest, "", ""},
		{"no model", json, `{"input":"a"}`, 400, invalidRequest, "", ""},
		{"an empty model", json, `{"model":"","input":"a"}`, 400, invalidRequest, "", ""},
		{"a model of another type", json, `{"model":1,"input":"a"}`, 400, invalidRequest, "model", "invalid_type"},
		{"another model", json, `{"model":"gpt-5","input":"a"}`, 404, invalidRequest, "", "model_not_found"},
		{"no input", json, `{"model":"minilm"}`, 400, invalidRequest, "input", "missing_required_parameter"},
		{"null as input", json, `{"model":"minilm","input":null}`, 400, invalidRequest, "input", "invalid_type"},
		{"an object as input", json, `{"model":"minilm","input":{}}`, 400, invalidRequest, "input", "invalid_type"},
		{"a number as input", json, `{"model":"minilm","input":1}`, 400, invalidRequest, "input", "invalid_type"},
		{"no inputs", json, `{"model":"minilm","input":[ ]}`, 400, invalidRequest, "input", "empty_array"},
		{"an empty input", json, `{"model":"minilm","input":""}`, 400, invalidRequest, "input", "empty_string"},
		{"one empty input", json, `{"model":"minilm","input":["a",""]}`, 400, invalidRequest, "input", "empty_string"},
		{"one empty list of ids", json, `{"model":"minilm","input":[[101,102],[]]}`, 400, invalidRequest, "input", "empty_string"},
		{"texts and ids", json, `{"model":"minilm","input":["a",1]}`, 400, invalidRequest, "input", "invalid_type"},
		{"ids and texts", json, `{"model":"minilm","input":[1,"a"]}`, 400, invalidRequest, "input", "invalid_type"},
		{"null among texts", json, `{"model":"minilm","input":["a",null]}`, 400, invalidRequest, "input", "invalid_type"},
		{"null among ids", json, `{"model":"minilm","input":[101,null,102]}`, 400, invalidRequest, "input", "invalid_type"},
		{"null among lists", json, `{"model":"minilm","input":[[101,102],null]}`, 400, invalidRequest, "input", "invalid_type"},
		{"only null", json, `{"model":"minilm","input":[null]}`, 400, invalidRequest, "input", "invalid_type"},
		{"fractions", json, `{"model":"minilm","input":[101,1.5,102]}`, 400, invalidRequest, "input", "invalid_type"},
		{"huge ids", json, `{"model":"minilm","input":[101,99999999999999999999,102]}`, 400, invalidRequest, "input", "invalid_type"},
		{"ids of no token", json, `{"model":"minilm","input":[101,30522,102]}`, 400, invalidRequest, "input", "invalid_value"},
		{"negative ids", json, `{"model":"minilm","input":[101,-1,102]}`, 400, invalidRequest, "input", "invalid_value"},
		{"ids of another tokenizer", json, `{"model":"minilm","input":[9906,1917]}`, 400, invalidRequest, "input", "invalid_value"},
		{"texts too long", json, body(t, []string{"a", long}), 400, invalidRequest, "input", "context_length_exceeded"},
		{"ids too long", json, body(t, [][]int64{make([]int64, 257)}), 400, invalidRequest, "input", "context_length_exceeded"},
		{"too many inputs", json, body(t, strings.Split(strings.Repeat("a", 10_000), "")), 400, invalidRequest, "input", "array_above_max_length"},
		{"too many tokens", json, body(t, strings.Split(strings.Repeat(strings.Repeat("a ", 254)+"\n", 1500), "\n")[:1500]), 400, invalidRequest, "input", "too_many_tokens"},
		{"another encoding", json, `{"model":"minilm","input":"a","encoding_format":"hex"}`, 400, invalidRequest, "encoding_format", "invalid_value"},
		{"null where nothing is required", json, `{"model":"minilm","input":"a","encoding_format":null,"dimensions":null,"user":null}`, 200, "", "", ""},
		{"null as model", json, `{"model":null,"input":"a"}`, 400, invalidRequest, "model", "invalid_type"},
		{"too many ids", json, body(t, slices.Repeat([][]int64{make([]int64, 256)}, 129)), 400, invalidRequest, "input", "too_many_tokens"},
		{"other dimensions", json, `{"model":"minilm","input":"a","dimensions":128}`, 400, invalidRequest, "dimensions", ""},
		{"no dimensions", json, `{"model":"minilm","input":"a","dimensions":0}`, 400, invalidRequest, "dimensions", "invalid_value"},
		{"dimensions of another type", json, `{"model":"minilm","input":"a","dimensions":"384"}`, 400, invalidRequest, "dimensions", "invalid_value"},
		{"a user of another type", json, `{"model":"minilm","input":"a","user":7}`, 400, invalidRequest, "user", "invalid_type"},
		{"another content type", "text/plain", `{"model":"minilm","input":"a"}`, 415, invalidRequest, "", "unsupported_content_type"},
		{"no content type", "", `{"model":"minilm","input":"a"}`, 415, invalidRequest, "", "unsupported_content_type"},
		{"10 MB of text", json, body(t, strings.Repeat("a ", 5<<20)), 413, invalidRequest, "", "request_too_large"},
		{"4 MB of text", json, body(t, strings.Repeat("a ", 2<<20-64)), 400, invalidRequest, "input", "context_length_exceeded"},
		{"4 MB of one word", json, body(t, strings.Repeat("a", 4<<20-64)), 200, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := do(t.Context(), "POST", "http://"+s.api+"/v1/embeddings", c.contentType, c.body)
			require.NoError(t, err)
			require.Equal(t, c.status, a.status, "%.300s", a.body)
			if c.status == http.StatusOK {
				return
			}
			e := a.error(t)
			require.Equal(t, c.kind, e.Type)
			require.Equal(t, c.param, e.param())
			require.Equal(t, c.code, e.code())
			require.Less(t, len(a.body), 1000)
			require.NotContains(t, e.Message, "tokenizer:")
			require.NotContains(t, e.Message, "encoder:")
		})
	}
	vectors, _ := s.post(t, body(t, " ")).embeddings(t)
	require.Len(t, vectors, 1)
}

// Once its time is over nothing more of a request is tokenized.
func TestEncodeEndsWithItsTime(t *testing.T) {
	s, err := New(Config{Model: "minilm"})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	ids, p := s.encode(ctx, &stalled{}, &request{texts: []string{"a"}})
	require.Nil(t, ids)
	require.NotNil(t, p)
	require.Equal(t, "overloaded", p.code)
}

func TestContentEncodings(t *testing.T) {
	s := serve(t, Config{}, &stalled{})
	for _, c := range []struct {
		codings []string
		status  int
	}{
		{nil, 200}, {[]string{"identity"}, 200}, {[]string{"Identity"}, 200},
		{[]string{"gzip"}, 415}, {[]string{"identity", "gzip"}, 415}, {[]string{"identity, gzip"}, 415},
	} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+s.api+"/v1/embeddings", strings.NewReader(body(t, "a")))
		require.NoError(t, err)
		r.Header = http.Header{"Content-Type": {"application/json"}, "Content-Encoding": c.codings}
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer response.Body.Close()
		content, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.Equal(t, c.status, response.StatusCode, c.codings)
		if c.status != http.StatusOK {
			require.Equal(t, "unsupported_content_encoding", answer{response.StatusCode, response.Header, content}.error(t).code())
		}
	}
}

func TestOtherRequests(t *testing.T) {
	s := serve(t, Config{}, miniLM(t))
	for _, c := range []struct {
		address, method, path, allow string
		status                       int
		code, message                string
	}{
		{s.api, "GET", "/v1/embeddings", "POST", 405, "method_not_supported", "Not allowed to GET on /v1/embeddings: "},
		{s.api, "DELETE", "/v1/embeddings", "POST", 405, "method_not_supported", "DELETE"},
		{s.api, "POST", "/v1/models", "GET", 405, "method_not_supported", "POST"},
		{s.api, "DELETE", "/v1/models/%1bminilm", "GET", 405, "method_not_supported", `on /v1/models/\x1bminilm: `},
		{s.api, "POST", "/healthz", "GET", 405, "method_not_supported", "POST"},
		{s.admin, "POST", "/healthz", "GET", 405, "method_not_supported", "POST"},
		{s.admin, "POST", "/debug/models", "GET", 405, "method_not_supported", "POST"},
		{s.api, strings.Repeat("X", 5000), "/v1/embeddings", "POST", 405, "method_not_supported", "XX… on /v1/embeddings: "},
		{s.api, "GET", "/" + strings.Repeat("é", 3000), "", 404, "unknown_url", "é…)"},
		{s.api, "GET", "/v1/models/gpt-5", "", 404, "model_not_found", `The model "gpt-5" does not exist`},
		{s.api, "GET", "/v1/completions", "", 404, "unknown_url", "Invalid URL (GET /v1/completions)"},
		{s.api, "POST", "/", "", 404, "unknown_url", "(POST /)"},
		{s.api, "GET", "/%1b%5b2J", "", 404, "unknown_url", `(GET /\x1b[2J)`},
		{s.api, "GET", "//healthz", "", 404, "unknown_url", "(GET //healthz)"}, // not sent elsewhere
		{s.api, "GET", "/v1/../healthz", "", 404, "unknown_url", "(GET /v1/../healthz)"},
		{s.api, "GET", "/healthz/", "", 404, "unknown_url", "(GET /healthz/)"},
		{s.admin, "GET", "//debug/models", "", 404, "unknown_url", "(GET //debug/models)"},
		{s.api, "GET", "/debug/models", "", 404, "unknown_url", "(GET /debug/models)"}, // operators' alone
	} {
		t.Run(fmt.Sprintf("%.20s %.30s", c.method, c.path), func(t *testing.T) {
			a, err := do(t.Context(), c.method, "http://"+c.address+c.path, "", "")
			require.NoError(t, err)
			require.Equal(t, c.status, a.status)
			require.Equal(t, c.allow, a.header.Get("Allow"))
			require.Equal(t, c.code, a.error(t).code())
			require.Empty(t, a.error(t).param())
			require.Contains(t, a.error(t).Message, c.message)
			require.Less(t, len(a.body), 1000)
			require.NotContains(t, a.error(t).Message, "\ufffd")
		})
	}
	require.Contains(t, string(get(t, "http://"+s.api+"/v1/models").body), `"id":"minilm"`)
	require.Contains(t, string(get(t, "http://"+s.api+"/v1/models/minilm").body), `"object":"model"`)
}
