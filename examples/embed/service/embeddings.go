package service

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/weightgate/weightgate/examples/embed/encoder"
	"github.com/weightgate/weightgate/examples/embed/tokenizer"
)

// embeddings answers POST /v1/embeddings.
func (s *Service) embeddings(w http.ResponseWriter, r *http.Request) {
	answer, p := s.embed(w, r)
	if p != nil {
		p.write(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	w.Write(answer)
}

func (s *Service) embed(w http.ResponseWriter, r *http.Request) ([]byte, *problem) {
	model := s.model()
	if model == nil {
		return nil, s.notReady()
	}
	body, p := s.body(w, r)
	if p != nil {
		return nil, p
	}
	// The time in which a request must arrive is over: without this, its end would
	// end r's context too.
	http.NewResponseController(w).SetReadDeadline(time.Time{})
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.Deadline)
	defer cancel()

	req, p := parse(body)
	if p != nil {
		return nil, p
	}
	if p := s.fits(req, model); p != nil {
		return nil, p
	}
	ids, tokens, p := encode(ctx, model, req)
	if p != nil {
		return nil, p
	}
	vectors, err := model.Embed(ctx, ids)
	if err != nil {
		return nil, s.failed(err)
	}
	return appendAnswer(nil, s.cfg.Model, vectors, tokens, req.base64), nil
}

// body is the whole body, of the type and size that are taken.
func (s *Service) body(w http.ResponseWriter, r *http.Request) ([]byte, *problem) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		p := invalid("", "unsupported_content_type", "Unsupported content type. This API method only accepts 'application/json' requests.")
		p.status = http.StatusUnsupportedMediaType
		return nil, p
	}
	var body []byte
	err := error(&http.MaxBytesError{Limit: s.cfg.MaxBody})
	if r.ContentLength <= s.cfg.MaxBody {
		body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, s.cfg.MaxBody))
	}
	switch _, large := errors.AsType[*http.MaxBytesError](err); {
	case err == nil:
		return body, nil
	case large:
		w.Header().Set("Connection", "close")
		p := invalid("", "request_too_large", "The request is larger than %d bytes.", s.cfg.MaxBody)
		p.status = http.StatusRequestEntityTooLarge
		return nil, p
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.Header().Set("Connection", "close")
		p := invalid("", "request_timeout", "The request did not arrive in time.")
		p.status = http.StatusRequestTimeout
		return nil, p
	default:
		w.Header().Set("Connection", "close")
		return nil, notJSON() // it ended before its end
	}
}

// fits is what depends on the model that is served.
func (s *Service) fits(req *request, model Model) *problem {
	if req.model != s.cfg.Model {
		p := invalid("", "model_not_found", "The model %s does not exist or you do not have access to it.", quote(req.model))
		p.status = http.StatusNotFound
		return p
	}
	if req.dimensions != 0 && req.dimensions != int64(model.Width()) {
		return invalid("dimensions", "", "This model does not support specifying dimensions other than %d.", model.Width())
	}
	return nil
}

// maxTokens is how many tokens OpenAI's API takes in one request.
const maxTokens = 300_000

// encode makes the ids of all inputs, and counts them.
func encode(ctx context.Context, model Model, req *request) (ids [][]int64, tokens int, p *problem) {
	ids = req.ids
	for i := range req.ids {
		if err := model.Check(req.ids[i]); err != nil {
			return nil, 0, wrongInput(model, i, err)
		}
	}
	for i, text := range req.texts {
		if ctx.Err() != nil {
			return nil, 0, tooLate(ctx.Err())
		}
		one, err := model.Encode(text)
		if err != nil {
			return nil, 0, wrongInput(model, i, err)
		}
		ids = append(ids, one)
	}
	for _, one := range ids {
		tokens += len(one)
	}
	if tokens > maxTokens {
		p := invalid("", "max_tokens_per_request", "Requested %d tokens, max %d tokens per request", tokens, maxTokens)
		p.kind = "max_tokens_per_request"
		return nil, 0, p
	}
	return ids, tokens, nil
}

func wrongInput(model Model, i int, err error) *problem {
	if errors.Is(err, tokenizer.ErrTooLong) {
		return invalid("input", "context_length_exceeded", "This model's maximum context length is %d tokens, however input %d has more. "+
			"Please reduce it.", model.MaxTokens(), i)
	}
	return invalid("input", "invalid_value", "Invalid 'input[%d]': %v.", i, err)
}

// failed is a problem for what Embed answered.
func (s *Service) failed(err error) *problem {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return tooLate(err)
	case errors.Is(err, encoder.ErrBusy), errors.Is(err, encoder.ErrClosed):
		return overloaded("The engine is currently overloaded, please try again later")
	}
	s.cfg.Logger.Error("a batch failed", "error", err)
	return &problem{status: http.StatusInternalServerError, message: "The server had an error while processing your request.", kind: serverError}
}

// tooLate is a problem that the client hears of only if it still listens.
func tooLate(err error) *problem {
	if errors.Is(err, context.Canceled) {
		return &problem{status: statusClientClosed, message: "The client closed its side.", kind: invalidRequest, code: "client_closed_request"}
	}
	return overloaded("The request could not be computed in time, please try again later")
}

// statusClientClosed is nginx's status for a client that did not wait.
const statusClientClosed = 499

func overloaded(message string) *problem {
	return &problem{status: http.StatusServiceUnavailable, message: message, kind: serverError, code: "overloaded", retryAfter: 1}
}

// appendAnswer appends the answer as JSON: encoding/json would take longer than
// a small batch does.
func appendAnswer(b []byte, model string, vectors [][]float32, tokens int, asBase64 bool) []byte {
	b = append(b, `{"object":"list","data":[`...)
	for i, vector := range vectors {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"object":"embedding","index":`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, `,"embedding":`...)
		if asBase64 {
			b = appendBase64(b, vector)
		} else {
			b = appendFloats(b, vector)
		}
		b = append(b, '}')
	}
	name, _ := json.Marshal(model) // a string always marshals
	return fmt.Appendf(b, `],"model":%s,"usage":{"prompt_tokens":%d,"total_tokens":%d}}`, name, tokens, tokens)
}

// appendFloats writes the shortest decimals that are read back as they were.
func appendFloats(b []byte, vector []float32) []byte {
	b = append(b, '[')
	for i, v := range vector {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, float64(v), 'g', -1, 32)
	}
	return append(b, ']')
}

// appendBase64 writes little-endian float32.
func appendBase64(b []byte, vector []float32) []byte {
	raw := make([]byte, 0, 4*len(vector))
	for _, v := range vector {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, raw)
	return append(b, '"')
}
