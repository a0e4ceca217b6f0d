package service

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
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
	defer s.answers.Release(answer.room)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer.json)))
	w.Write(answer.json)
}

func (s *Service) embed(w http.ResponseWriter, r *http.Request) (*reply, *problem) {
	now := s.now.Load()
	if now.model == nil {
		return nil, now.notReady()
	}
	body, p := s.body(w, r)
	if p != nil {
		return nil, p
	}
	done, err := s.arrived(w, r)
	if err != nil {
		return nil, internal() // to nobody, for the connection is closed
	}
	defer done()
	// The end of a connection ends r's context too. A client that only half-closed
	// it waits for its answer, and nobody can tell it from one that is gone: both
	// are computed, for no longer than the deadline.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), s.cfg.Deadline)
	defer cancel()

	req, ids, p := s.read(ctx, now.model, body)
	if p != nil {
		return nil, p
	}
	return s.compute(ctx, now.model, ids, req.base64)
}

// body is the whole body, of the type and size that are taken.
func (s *Service) body(w http.ResponseWriter, r *http.Request) ([]byte, *problem) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, invalidStatus(http.StatusUnsupportedMediaType, "unsupported_content_type",
			"Unsupported content type. This API method only accepts 'application/json' requests.")
	}
	if slices.ContainsFunc(r.Header.Values("Content-Encoding"), func(coding string) bool { return !strings.EqualFold(coding, "identity") }) {
		return nil, invalidStatus(http.StatusUnsupportedMediaType, "unsupported_content_encoding",
			"Unsupported content encoding. This API method only accepts requests that are not compressed.")
	}
	var body []byte
	err := error(&http.MaxBytesError{Limit: s.cfg.MaxBody})
	if r.ContentLength <= s.cfg.MaxBody {
		body, err = io.ReadAll(http.MaxBytesReader(w, s.clients.Body(r, r.Body), s.cfg.MaxBody))
	}
	if err != nil {
		w.Header().Set("Connection", "close")
		return nil, s.unread(err)
	}
	return body, nil
}

// arrived ends what only holds until a request is whole: the time for that, and
// that another client may take its place. That begins again with done.
func (s *Service) arrived(w http.ResponseWriter, r *http.Request) (done func(), err error) {
	if err := http.NewResponseController(w).SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	return s.clients.Serve(r)
}

// unread is a problem for a body that could not be read.
func (s *Service) unread(err error) *problem {
	switch _, large := errors.AsType[*http.MaxBytesError](err); {
	case large:
		return invalidStatus(http.StatusRequestEntityTooLarge, "request_too_large", "The request is larger than %d bytes.", s.cfg.MaxBody)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return invalidStatus(http.StatusRequestTimeout, "request_timeout", "The request did not arrive in time.")
	}
	return notJSON() // it ended before its end
}

// read makes a request of a body, and its ids. Few are read at once, and few
// bytes wait for that: what is read takes several times the memory.
func (s *Service) read(ctx context.Context, model Model, body []byte) (*request, [][]int64, *problem) {
	if !s.bodies.TryAcquire(int64(len(body))) {
		return nil, nil, overloaded(time.Second, "Too many requests at once, please try again later")
	}
	defer s.bodies.Release(int64(len(body)))
	select {
	case s.parsing <- struct{}{}:
		defer func() { <-s.parsing }()
	case <-ctx.Done():
		return nil, nil, s.failed(ctx.Err())
	}
	req, p := parse(body, s.cfg.MaxTokens)
	if p != nil {
		return nil, nil, p
	}
	if p := s.fits(req, model); p != nil {
		return nil, nil, p
	}
	ids, p := s.encode(ctx, model, req)
	if p != nil {
		return nil, nil, p
	}
	return req, ids, nil
}

// fits is what depends on the model that is served.
func (s *Service) fits(req *request, model Model) *problem {
	if req.model != s.cfg.Model {
		return noModel(req.model)
	}
	if req.dimensions != 0 && req.dimensions != int64(model.Width()) {
		return invalid("dimensions", "", "This model does not support specifying dimensions other than %d.", model.Width())
	}
	return nil
}

// encode makes the ids of all inputs, of which a request may have MaxTokens.
func (s *Service) encode(ctx context.Context, model Model, req *request) ([][]int64, *problem) {
	for i, ids := range req.ids {
		if err := model.Check(ids); err != nil {
			return nil, wrongInput(model, i, err)
		}
	}
	ids, tokens := req.ids, req.tokens
	for i, text := range req.texts {
		if err := ctx.Err(); err != nil {
			return nil, s.failed(err)
		}
		one, err := model.Encode(text)
		if err != nil {
			return nil, wrongInput(model, i, err)
		}
		ids = append(ids, one)
		if tokens += len(one); tokens > s.cfg.MaxTokens {
			return nil, tooManyTokens(s.cfg.MaxTokens)
		}
	}
	return ids, nil
}

func count(ids [][]int64) (tokens int) {
	for _, one := range ids {
		tokens += len(one)
	}
	return tokens
}

// tooManyTokens is for a request that is refused however often it comes.
func tooManyTokens(most int) *problem {
	return invalid("input", "too_many_tokens", "The request has more than %d tokens, which is the most that is taken here in one "+
		"request. Please send fewer inputs at once.", most)
}

func wrongInput(model Model, i int, err error) *problem {
	switch {
	case errors.Is(err, tokenizer.ErrTooLong):
		return invalid("input", "context_length_exceeded", "This model's maximum context length is %d tokens, however input %d has more. "+
			"Please reduce it.", model.MaxTokens(), i)
	case errors.Is(err, tokenizer.ErrIDs):
		return invalid("input", "invalid_value", "Invalid 'input[%d]': not what this model's tokenizer makes of a text. Its ids are in "+
			"the model's vocabulary, and begin and end with the special tokens.", i)
	}
	return invalid("input", "invalid_value", "Invalid 'input[%d]': not a text that this model's tokenizer takes.", i)
}

// failed is a problem for what Embed answered.
func (s *Service) failed(err error) *problem {
	if busy, ok := errors.AsType[*encoder.BusyError](err); ok {
		// By the deadline everything that waits now is answered.
		return overloaded(min(max(busy.After, time.Second), s.cfg.Deadline), "The engine is currently overloaded, please try again later")
	}
	switch {
	case errors.Is(err, encoder.ErrClosed):
		return overloaded(time.Second, "The service ends here, please try again")
	case errors.Is(err, context.DeadlineExceeded):
		// By then everything that waits now is answered, one way or the other.
		return overloaded(s.cfg.Deadline, "The request could not be computed in time, please try again later")
	}
	s.cfg.Logger.Error("a batch failed", "error", err)
	return internal()
}
