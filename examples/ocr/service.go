package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"image"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/weightgate/weightgate/examples/internal/clients"
	"github.com/weightgate/weightgate/loader"
)

// limits bound what clients can ask for. All are required.
type limits struct {
	connections int   // more than reading and waiting
	arriving    int64 // bytes of all bodies that are not whole; a body or more
	body        int64 // bytes of a request
	pixels      int   // of an image
	scans       int   // of a JPEG
	lines       int   // in an image
	reading     int   // images that are decoded or run at once
	waiting     int   // whole requests beside those, in memory; more are turned away

	arrival  time.Duration // for the headers, and again for the body
	decoding time.Duration // of an image
	answer   time.Duration // once the body is there, waiting and decoding included
	drain    time.Duration // for what is under way when the service shall end
}

func defaults() limits {
	return limits{
		connections: 256,
		arriving:    256 << 20,
		body:        8 << 20,
		pixels:      16 << 20,
		scans:       100, // encoders make some 10
		lines:       256,
		reading:     2,
		waiting:     30,
		arrival:     10 * time.Second,
		decoding:    5 * time.Second,
		answer:      time.Minute,
		drain:       time.Minute,
	}
}

// A reader reads pages; models are one.
type reader interface {
	read(ctx context.Context, page *image.RGBA) ([]line, error)
}

// A service answers over HTTP. It is safe for concurrent use.
type service struct {
	limits
	log      *slog.Logger
	start    *health
	health   atomic.Pointer[health]
	clients  *clients.Clients
	admitted chan struct{}   // a place for each request that is whole
	slots    chan struct{}   // a place for each that may compute
	work     context.Context // of all that is computed
	cut      func()          // ends work
}

// newService is a service that loads: ready or refuse say how that ended.
func newService(log *slog.Logger, l limits) *service {
	work, cut := context.WithCancel(context.Background())
	s := &service{
		limits:   l,
		log:      log,
		start:    &health{State: loading},
		clients:  clients.New(l.connections, l.arriving),
		admitted: make(chan struct{}, l.reading+l.waiting),
		slots:    make(chan struct{}, l.reading),
		work:     work,
		cut:      cut,
	}
	s.health.Store(s.start)
	return s
}

// ready makes the service answer. Once it drains it stays so.
func (s *service) ready(r reader) {
	s.health.CompareAndSwap(s.start, &health{State: verified, reader: r})
}

// refuse tells, from now on, why the service is not ready: the log everything,
// clients what they may know.
func (s *service) refuse(err error) {
	s.log.Error("not ready", "error", err)
	if rejection, ok := errors.AsType[*loader.Rejection](err); ok {
		for _, r := range rejection.Report.Reasons() {
			s.log.Error("refused", "model", rejection.Report.Name, "rule", r.Rule, "reason", r.Finding.String())
		}
	}
	s.health.CompareAndSwap(s.start, healthAfter(err))
}

// listen serves l until ctx ends, then waits for the requests that are under
// way. Those that do not end in time are cut off, which is an error.
func (s *service) listen(ctx context.Context, l net.Listener) error {
	defer s.cut()
	server := s.server()
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	s.health.Store(&health{State: draining})
	s.log.Info("draining")
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.drain)
	defer cancel()
	if err := server.Shutdown(patience); err != nil {
		return errors.Join(err, server.Close())
	}
	return nil
}

func (s *service) server() *http.Server {
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: s.arrival,
		WriteTimeout:      2*s.arrival + s.answer,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	s.clients.Watch(server)
	return server
}

// handler is the routes. Whatever gets here, the answer is JSON. What is not HTTP
// does not: net/http answers that in plain text, and OPTIONS * with nothing.
func (s *service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /v1/ocr", s.answering(s.ocr))
	mux.Handle("/v1/ocr", s.answering(only("POST")))
	mux.Handle("GET /healthz", s.answering(s.healthz))
	mux.Handle("/healthz", s.answering(only("GET")))
	unknown := s.answering(func(http.ResponseWriter, *http.Request) (int, any, error) { return 0, nil, errNotFound })
	mux.Handle("/", unknown)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if sent := r.URL.EscapedPath(); sent != path.Clean("/"+sent) { // mux would redirect it
			unknown.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func only(method string) answer {
	return func(w http.ResponseWriter, _ *http.Request) (int, any, error) {
		w.Header().Set("Allow", method)
		return 0, nil, errMethod(method)
	}
}

// An answer is a status and what is written as JSON, or an error.
type answer func(w http.ResponseWriter, r *http.Request) (status int, body any, err error)

// answering writes what f answers and logs one line about it, which holds
// nothing of the image and of its text.
func (s *service) answering(f answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		status, body, err := 0, any(nil), http.NewResponseController(w).SetReadDeadline(start.Add(s.arrival))
		if err == nil {
			status, body, err = f(w, r)
		}
		attributes := []any{"method", excerpt(r.Method), "path", excerpt(r.URL.Path)}
		if err != nil {
			told := failureFor(err)
			status, body = told.status, map[string]*failure{"error": told}
			attributes = append(attributes, "code", told.Code, "error", err)
			if status == http.StatusServiceUnavailable && told != errNotReady { // which it stays
				w.Header().Set("Retry-After", "1")
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(body); err != nil {
			attributes = append(attributes, "write", err)
		}
		if r.Context().Err() != nil { // it left, or has only nothing more to say: that is the same until something is written
			attributes = append(attributes, "client", "closed")
		}
		s.log.Log(r.Context(), level(status), "request", append(attributes, "status", status, "took", time.Since(start))...)
	})
}

// excerpt is the beginning of what a client chose, for the log.
func excerpt(s string) string { return strings.ToValidUTF8(s[:min(len(s), 64)], "") }

func level(status int) slog.Level {
	if status == http.StatusInternalServerError {
		return slog.LevelError
	}
	return slog.LevelInfo
}

func (s *service) healthz(http.ResponseWriter, *http.Request) (int, any, error) {
	h := s.health.Load()
	return h.code(), h, nil
}

// ocr answers with the lines of the image that was posted. A request that is
// whole is worked on also when its client has closed its half of the connection,
// or all of it, which the service cannot tell apart.
func (s *service) ocr(w http.ResponseWriter, r *http.Request) (int, any, error) {
	now := s.health.Load()
	switch {
	case now.State == loading:
		return 0, nil, errLoading
	case now.reader == nil:
		return 0, nil, errNotReady
	}
	data, err := posted(r, s.clients.Body(r, http.MaxBytesReader(w, r.Body, s.body)))
	if err != nil {
		return 0, nil, err
	}
	select {
	case s.admitted <- struct{}{}:
		defer func() { <-s.admitted }()
	default:
		return 0, nil, errBusy
	}
	done, err := s.clients.Serve(r)
	if err != nil {
		return 0, nil, unread(err)
	}
	defer done()
	if err := http.NewResponseController(w).SetReadDeadline(time.Time{}); err != nil {
		return 0, nil, unread(err)
	}

	ctx, cancel := context.WithTimeout(s.work, s.answer)
	defer cancel()
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return 0, nil, cmp.Or[error](s.work.Err(), errBusy)
	}
	page, err := s.decode(ctx, data)
	if err != nil {
		return 0, nil, err
	}
	lines, err := now.reader.read(ctx, page)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string][]line{"lines": lines}, nil
}

// posted is the image in a request: the body, or a form's part with the name
// image. The body is given apart, since it is the one that is bounded.
func posted(r *http.Request, body io.ReadCloser) ([]byte, error) {
	r.Body = body
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		return whole(body)
	}
	form, err := r.MultipartReader()
	if err != nil {
		return nil, errNoImage
	}
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			return nil, errNoImage
		}
		if err != nil {
			return nil, unread(err)
		}
		if part.FormName() == "image" {
			return whole(part)
		}
	}
}

func whole(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, unread(err)
	}
	if len(data) == 0 {
		return nil, errNoImage
	}
	return data, nil
}

// unread is why a body could not be read: a limit, or else the client's doing.
func unread(err error) error {
	if failureFor(err) == errInternal {
		return errors.Join(errCut, err)
	}
	return err
}
