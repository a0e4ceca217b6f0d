package service

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/examples/embed/encoder"
	"github.com/weightgate/weightgate/examples/fetch/fetchtest"
	"github.com/weightgate/weightgate/gpu"
)

// config is that of the real model on the CPU: see examples/fetch.
func config(t testing.TB) encoder.Config {
	return encoder.Config{
		Policy: "../policy.yaml", Name: "minilm", Dir: fetchtest.MiniLM(t), Library: fetchtest.Library(t), Device: gpu.CPU,
	}
}

var opened struct {
	sync.Once
	*encoder.Encoder
	err error
}

// miniLM is one model for all tests, until the process ends.
func miniLM(t testing.TB) *encoder.Encoder {
	cfg := config(t)
	opened.Do(func() { opened.Encoder, opened.err = encoder.Open(context.Background(), cfg) })
	require.NoError(t, opened.err)
	return opened.Encoder
}

// A running service, and how it can be asked.
type running struct {
	*Service
	api, admin string // addresses
	end        context.CancelFunc
	ended      chan error
}

func serve(t testing.TB, cfg Config, m Model) *running {
	cfg.Model = "minilm"
	cfg.Deadline = cmp.Or(cfg.Deadline, 5*time.Minute) // of a busy machine
	cfg.Write = cmp.Or(cfg.Write, 6*time.Minute)
	s, err := New(cfg)
	require.NoError(t, err)
	if m != nil {
		s.Ready(m)
	}
	api, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	admin, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, end := context.WithCancel(context.Background())
	r := &running{Service: s, api: api.Addr().String(), admin: admin.Addr().String(), end: end, ended: make(chan error, 1)}
	go func() { r.ended <- s.Serve(ctx, api, admin) }()
	t.Cleanup(func() {
		end()
		if err, ok := <-r.ended; ok {
			require.NoError(t, err)
		}
	})
	return r
}

// stop ends the service and is what Serve answers.
func (r *running) stop() error {
	r.end()
	err := <-r.ended
	close(r.ended)
	return err
}

// An answer is status and body of a response.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func do(ctx context.Context, method, url, contentType, body string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, content}, err
}

func (r *running) post(t testing.TB, body string) answer {
	a, err := do(t.Context(), "POST", "http://"+r.api+"/v1/embeddings", "application/json", body)
	require.NoError(t, err)
	return a
}

func get(t testing.TB, url string) answer {
	a, err := do(t.Context(), "GET", url, "", "")
	require.NoError(t, err)
	return a
}

// An apiError is an error as OpenAI's clients read it.
type apiError struct {
	Message string
	Type    string
	Param   *string
	Code    *string
}

func (a answer) error(t testing.TB) apiError {
	var e struct{ Error apiError }
	require.Equal(t, "application/json", a.header.Get("Content-Type"))
	require.NoError(t, json.Unmarshal(a.body, &e), "%s", a.body)
	require.NotEmpty(t, e.Error.Message)
	return e.Error
}

// code is the error's code, "" for null.
func (e apiError) code() string {
	if e.Code == nil {
		return ""
	}
	return *e.Code
}

func (e apiError) param() string {
	if e.Param == nil {
		return ""
	}
	return *e.Param
}

// embeddings are those of an answer, in either encoding.
func (a answer) embeddings(t testing.TB) ([][]float32, int) {
	require.Equal(t, http.StatusOK, a.status, "%s", a.body)
	vectors, tokens, err := decode(a.body)
	require.NoError(t, err)
	return vectors, tokens
}

func decode(body []byte) (vectors [][]float32, tokens int, err error) {
	var list struct {
		Object, Model string
		Data          []struct {
			Object    string
			Index     int
			Embedding json.RawMessage
		}
		Usage struct {
			Prompt int `json:"prompt_tokens"`
			Total  int `json:"total_tokens"`
		}
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, 0, err
	}
	if list.Object != "list" || list.Model != "minilm" || list.Usage.Prompt != list.Usage.Total {
		return nil, 0, errors.New("not a list of embeddings")
	}
	for i, d := range list.Data {
		if d.Object != "embedding" || d.Index != i {
			return nil, 0, errors.New("not an embedding")
		}
		vector, err := decodeVector(d.Embedding)
		if err != nil {
			return nil, 0, err
		}
		vectors = append(vectors, vector)
	}
	return vectors, list.Usage.Total, nil
}

func decodeVector(raw json.RawMessage) (vector []float32, err error) {
	if raw[0] != '"' {
		return vector, json.Unmarshal(raw, &vector)
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, err
	}
	bytes, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	vector = make([]float32, len(bytes)/4)
	_, err = binary.Decode(bytes, binary.LittleEndian, vector)
	return vector, err
}

func furthest(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	far := 0.0
	for i := range a {
		far = max(far, math.Abs(float64(a[i])-float64(b[i])))
	}
	return far
}

// references are the texts that the encoder's tests know the embeddings of.
func references(t testing.TB) (texts []string, want [][]float32) {
	content, err := os.ReadFile("../encoder/testdata/embeddings.json")
	require.NoError(t, err)
	var rows []struct {
		Text      string
		Embedding json.RawMessage
	}
	require.NoError(t, json.Unmarshal(content, &rows))
	for _, row := range rows {
		if row.Text == "" {
			continue // which the API refuses
		}
		vector, err := decodeVector(row.Embedding)
		require.NoError(t, err)
		texts, want = append(texts, row.Text), append(want, vector)
	}
	require.NotEmpty(t, texts)
	return texts, want
}
