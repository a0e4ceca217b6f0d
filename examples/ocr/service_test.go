package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

// canned is a reader that has read everything before.
type canned func(ctx context.Context, page *image.RGBA) ([]line, error)

func (c canned) read(ctx context.Context, page *image.RGBA) ([]line, error) { return c(ctx, page) }

func nothing(context.Context, *image.RGBA) ([]line, error) { return []line{}, nil }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// serving is a service that is ready with r.
func serving(l limits, r reader) *service {
	s := newService(quiet(), l)
	s.ready(r)
	return s
}

// listening is the URL of s. It is drained when the test's context has ended.
func listening(t *testing.T, s *service) (url string) {
	t.Helper()
	socket, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- s.listen(t.Context(), socket) }()
	t.Cleanup(func() { require.NoError(t, <-ended) })
	return "http://" + socket.Addr().String()
}

// dial is a connection to the service of that URL.
func dial(t *testing.T, url string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

// ask is the status of an answer, whose JSON goes into said.
func ask(t *testing.T, method, url string, body []byte, said any) int {
	t.Helper()
	r, err := http.NewRequest(method, url, bytes.NewReader(body))
	require.NoError(t, err)
	return send(t, r, said)
}

func send(t *testing.T, r *http.Request, said any) int {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, "application/json", answer.Header.Get("Content-Type"))
	require.Equal(t, "nosniff", answer.Header.Get("X-Content-Type-Options"))
	require.NoError(t, json.NewDecoder(answer.Body).Decode(said))
	return answer.StatusCode
}

// form is a body with one part of that name.
func form(t *testing.T, name string, content []byte) (body []byte, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile(name, "page.png")
	require.NoError(t, err)
	part.Write(content)
	require.NoError(t, w.Close())
	return b.Bytes(), w.FormDataContentType()
}

func TestBadRequests(t *testing.T) {
	page := encoded(t, image.NewGray(image.Rect(0, 0, 40, 30)))
	few := defaults()
	few.body = 1 << 16
	tooLarge := make([]byte, few.body+1)
	elsewhere, elsewhereType := form(t, "file", page)
	long, longType := form(t, "image", tooLarge)
	first, firstType := form(t, "notes", tooLarge)
	half, halfType := form(t, "image", page)
	url := listening(t, serving(few, canned(nothing)))

	for _, c := range []struct {
		name         string
		method, path string
		contentType  string
		body         []byte
		status       int
		code         string
	}{
		{"no body", "POST", "/v1/ocr", "", nil, 400, "no_image"},
		{"text", "POST", "/v1/ocr", "image/png", []byte("What does this say?"), 415, "unsupported_image"},
		{"a GIF", "POST", "/v1/ocr", "image/gif", []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"), 415, "unsupported_image"},
		{"a PNG of 60000 by 60000 pixels", "POST", "/v1/ocr", "image/png", huge(), 413, "too_many_pixels"},
		{"a PNG cut short", "POST", "/v1/ocr", "image/png", page[:len(page)-20], 400, "broken_image"},
		{"a PNG cut in its header", "POST", "/v1/ocr", "image/png", page[:20], 400, "broken_image"},
		{"a PNG with a flipped byte", "POST", "/v1/ocr", "image/png", flip(page, len(page)-20), 400, "broken_image"},
		{"a JPEG that is only a beginning", "POST", "/v1/ocr", "image/jpeg", []byte{0xff, 0xd8, 0xff, 0xe0}, 400, "broken_image"},
		{"a JPEG of 101 scans", "POST", "/v1/ocr", "image/jpeg", passes(101), 413, "too_many_scans"},
		{"a body too large", "POST", "/v1/ocr", "image/png", tooLarge, 413, "body_too_large"},
		{"a form without the image", "POST", "/v1/ocr", elsewhereType, elsewhere, 400, "no_image"},
		{"a form too large", "POST", "/v1/ocr", longType, long, 413, "body_too_large"},
		{"a form with another part too large", "POST", "/v1/ocr", firstType, first, 413, "body_too_large"},
		{"a form cut short", "POST", "/v1/ocr", halfType, half[:len(half)-80], 400, "bad_request"},
		{"a form without a boundary", "POST", "/v1/ocr", "multipart/form-data", half, 400, "no_image"},
		{"wrong method", "GET", "/v1/ocr", "", nil, 405, "method_not_allowed"},
		{"wrong method", "PUT", "/v1/ocr", "image/png", page, 405, "method_not_allowed"},
		{"wrong method", "POST", "/healthz", "", nil, 405, "method_not_allowed"},
		{"wrong path", "POST", "/v1/embeddings", "", page, 404, "not_found"},
		{"no path", "GET", "/", "", nil, 404, "not_found"},
		{"two slashes", "GET", "//healthz", "", nil, 404, "not_found"}, // not sent elsewhere
		{"a path upwards", "POST", "/v1/x/../ocr", "", page, 404, "not_found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := http.NewRequest(c.method, url+c.path, bytes.NewReader(c.body))
			require.NoError(t, err)
			r.Header.Set("Content-Type", c.contentType)
			var told struct{ Error failure }
			require.Equal(t, c.status, send(t, r, &told))
			require.Equal(t, c.code, told.Error.Code)
			require.NotEmpty(t, told.Error.Message)
		})
	}

	var got struct{ Lines []line }
	require.Equal(t, http.StatusOK, ask(t, "POST", url+"/v1/ocr", page, &got), "it still answers")
}

func TestGoodRequests(t *testing.T) {
	page := encoded(t, image.NewGray(image.Rect(0, 0, 40, 30)))
	inForm, formType := form(t, "image", page)
	url := listening(t, serving(defaults(), canned(func(_ context.Context, page *image.RGBA) ([]line, error) {
		return []line{{"a", 0.5, box{1, 2, page.Rect.Dx(), page.Rect.Dy()}}}, nil
	})))
	for contentType, body := range map[string][]byte{"": page, "image/png": page, "application/x-www-form-urlencoded": page, formType: inForm} {
		r, err := http.NewRequest("POST", url+"/v1/ocr", bytes.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", contentType)
		var got any
		require.Equal(t, http.StatusOK, send(t, r, &got), contentType)
		want := map[string]any{"x": 1.0, "y": 2.0, "width": 40.0, "height": 30.0}
		require.Equal(t, map[string]any{"lines": []any{map[string]any{"text": "a", "confidence": 0.5, "box": want}}}, got)
	}
}

// What a model answers is told only if it is the client's doing.
func TestWhatAReaderFailsWith(t *testing.T) {
	page := encoded(t, image.NewGray(image.Rect(0, 0, 4, 3)))
	for _, c := range []struct {
		fails  error
		status int
		code   string
	}{
		{errTooManyLines, 422, "too_many_lines"},
		{fmt.Errorf("recognition: %w", context.DeadlineExceeded), 504, "timeout"},
		{fmt.Errorf("detection: %w", context.Canceled), 503, "ending"},
		{errors.New("device lost at /dev/nvidia0"), 500, "internal"},
	} {
		url := listening(t, serving(defaults(), canned(func(context.Context, *image.RGBA) ([]line, error) { return nil, c.fails })))
		var told struct{ Error failure }
		require.Equal(t, c.status, ask(t, "POST", url+"/v1/ocr", page, &told))
		require.Equal(t, c.code, told.Error.Code)
		require.NotContains(t, told.Error.Message, "nvidia")
	}
}

func TestSlowReadersAreEnded(t *testing.T) {
	l := defaults()
	l.answer = 20 * time.Millisecond
	url := listening(t, serving(l, canned(func(ctx context.Context, _ *image.RGBA) ([]line, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})))
	var told struct{ Error failure }
	require.Equal(t, http.StatusGatewayTimeout, ask(t, "POST", url+"/v1/ocr", encoded(t, image.NewGray(image.Rect(0, 0, 4, 3))), &told))
	require.Equal(t, "timeout", told.Error.Code)
}

// Without any of these a client may hold a connection, or memory, for ever.
func TestServerHasLimits(t *testing.T) {
	server := newService(quiet(), defaults()).server()
	require.Equal(t, 10*time.Second, server.ReadHeaderTimeout)
	require.Equal(t, 80*time.Second, server.WriteTimeout)
	require.Equal(t, time.Minute, server.IdleTimeout)
	require.Equal(t, 16<<10, server.MaxHeaderBytes)
}

func TestSlowClientsAreClosed(t *testing.T) {
	l := defaults()
	l.arrival = 50 * time.Millisecond
	url := listening(t, serving(l, canned(nothing)))
	for _, c := range []struct {
		name, sent string
		status     string // of the answer; none: closed without one
	}{
		{"in the headers", "POST /v1/ocr HTTP/1.1\r\nHost: ocr\r\n", ""},
		{"in the body", "POST /v1/ocr HTTP/1.1\r\nHost: ocr\r\nContent-Length: 1000\r\n\r\n\x89PNG", "408 Request Timeout"},
		{"in a body that nobody wants", "POST /healthz HTTP/1.1\r\nHost: ocr\r\nContent-Length: 1000\r\n\r\n", "405 Method Not Allowed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := dial(t, url)
			_, err := io.WriteString(conn, c.sent)
			require.NoError(t, err)
			all, err := io.ReadAll(conn) // returns once the service has closed
			require.NoError(t, err)
			status, rest, _ := strings.Cut(strings.TrimPrefix(string(all), "HTTP/1.1 "), "\r\n")
			require.Equal(t, c.status, status)
			require.Equal(t, c.status != "", strings.Contains(rest, "Connection: close\r\n"))
		})
	}
}

// One request is read, one waits, and the next is turned away.
func TestRequestsAreBounded(t *testing.T) {
	l := defaults()
	l.reading, l.waiting = 1, 1
	begun, finish := make(chan bool), make(chan bool)
	s := serving(l, canned(func(context.Context, *image.RGBA) ([]line, error) {
		begun <- true
		<-finish
		return []line{}, nil
	}))
	url := listening(t, s)
	page := encoded(t, image.NewGray(image.Rect(0, 0, 4, 3)))
	statuses := make(chan int, 2)
	for range 2 {
		go func() { statuses <- post(url, page) }()
	}
	<-begun
	require.Eventually(t, func() bool { return len(s.admitted) == 2 }, 10*time.Second, time.Millisecond)
	answer, err := http.Post(url+"/v1/ocr", "", bytes.NewReader(page))
	require.NoError(t, err)
	answer.Body.Close()
	require.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
	require.Equal(t, "1", answer.Header.Get("Retry-After"))

	finish <- true
	<-begun
	finish <- true
	for range 2 {
		require.Equal(t, http.StatusOK, <-statuses)
	}
}

// A request that found no slot in its time leaves its place to others.
func TestWaitingEnds(t *testing.T) {
	l := defaults()
	l.reading, l.answer = 1, 20*time.Millisecond
	s := serving(l, canned(nothing))
	url := listening(t, s)
	page := encoded(t, image.NewGray(image.Rect(0, 0, 4, 3)))
	s.slots <- struct{}{}
	require.Equal(t, http.StatusServiceUnavailable, post(url, page))
	<-s.slots
	require.Eventually(t, func() bool { return len(s.admitted) == 0 }, 10*time.Second, time.Millisecond)
	require.Equal(t, http.StatusOK, post(url, page))
}

// post is the status of an answer, 0 if there is none. It may be called anywhere.
func post(url string, page []byte) int {
	answer, err := http.Post(url+"/v1/ocr", "", bytes.NewReader(page))
	if err != nil {
		return 0
	}
	answer.Body.Close()
	return answer.StatusCode
}

func TestShutdownDrains(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	socket, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	begun, finish := make(chan bool), make(chan bool)
	s := serving(defaults(), canned(func(ctx context.Context, _ *image.RGBA) ([]line, error) {
		close(begun)
		<-finish
		return []line{}, ctx.Err()
	}))
	ended := make(chan error, 1)
	go func() { ended <- s.listen(ctx, socket) }()

	page := encoded(t, image.NewGray(image.Rect(0, 0, 4, 3)))
	status := make(chan int, 1)
	url := "http://" + socket.Addr().String()
	const whole = "GET /healthz HTTP/1.1\r\nHost: ocr\r\n\r\n"
	fresh, idle, half := dial(t, url), dial(t, url), dial(t, url)
	io.WriteString(idle, whole)
	require.Equal(t, http.StatusOK, hear(t, idle))
	io.WriteString(half, whole[:len(whole)/2])
	go func() { status <- post(url, page) }()
	<-begun
	stop()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", socket.Addr().String())
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, 10*time.Second, time.Millisecond, "it takes no new connections")
	require.Equal(t, draining, s.health.Load().State)
	for _, c := range []struct {
		conn net.Conn
		rest string
	}{{fresh, whole}, {idle, whole}, {half, whole[len(whole)/2:]}} {
		io.WriteString(c.conn, c.rest)
		said, _ := io.ReadAll(c.conn) // returns once the service has closed
		require.Empty(t, said, "who asks now gets no answer")
	}
	require.Empty(t, ended, "it waits")
	close(finish)
	require.Equal(t, http.StatusOK, <-status)
	require.NoError(t, <-ended)

	s.ready(canned(nothing))
	require.Equal(t, draining, s.health.Load().State, "what loaded too late is not served")
}

func TestShutdownCutsWhatDoesNotEnd(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	socket, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	l := defaults()
	l.drain = time.Millisecond
	s := serving(l, canned(func(ctx context.Context, _ *image.RGBA) ([]line, error) {
		stop()
		<-ctx.Done()
		return nil, ctx.Err()
	}))
	ended := make(chan error, 1)
	go func() { ended <- s.listen(ctx, socket) }()
	require.Zero(t, post("http://"+socket.Addr().String(), encoded(t, image.NewGray(image.Rect(0, 0, 4, 3)))))
	require.ErrorIs(t, <-ended, context.DeadlineExceeded)
}

func TestHealthWhileLoading(t *testing.T) {
	url := listening(t, newService(quiet(), defaults()))
	var said map[string]any
	require.Equal(t, http.StatusServiceUnavailable, ask(t, "GET", url+"/healthz", nil, &said))
	require.Equal(t, map[string]any{"state": "loading"}, said)
	require.Equal(t, errNotReady.Code, unready(t, url))
}

// Whoever comes again is told when, as long as it is of use.
func TestRetryAfter(t *testing.T) {
	denied := &loader.Rejection{Report: &loader.Report{Name: "det", Verdict: policy.Denied}}
	for _, c := range []struct {
		state string
		enter func(*service)
		want  string
	}{
		{loading, func(*service) {}, "1"},
		{policy.Denied.String(), func(s *service) { s.refuse(denied) }, ""},
		{failed, func(s *service) { s.refuse(errors.New("no device")) }, ""},
	} {
		s := newService(quiet(), defaults())
		c.enter(s)
		require.Equal(t, c.state, s.health.Load().State)
		answer, err := http.Post(listening(t, s)+"/v1/ocr", "", nil)
		require.NoError(t, err)
		answer.Body.Close()
		require.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
		require.Equal(t, c.want, answer.Header.Get("Retry-After"), c.state)
	}
}

// Whoever asks is told what to do; what this machine is like is for the log.
func TestHealthAfterARefusal(t *testing.T) {
	digest := strings.Repeat("ab", 32)
	reason := func(file string) policy.Reason {
		return policy.Reason{Rule: "libraries", Finding: formats.Finding{
			Code: policy.CodeLibraryUnpinned, File: file, Detail: "digest " + digest, Advice: "Pin it.",
		}}
	}
	rejection := &loader.Rejection{Report: &loader.Report{Name: "det", Verdict: policy.Denied, Decisions: []policy.Decision{{
		Verdict: policy.Denied, Reasons: []policy.Reason{reason("libonnxruntime.so.1"), reason("/srv/secret/libonnxruntime.so.1")},
	}}}}
	for _, c := range []struct {
		name   string
		err    error
		want   map[string]any
		logged []string
	}{
		{"denied", fmt.Errorf("at /srv/secret: %w", rejection), map[string]any{"state": "denied", "model": "det", "reasons": []any{
			map[string]any{"code": "library.unpinned", "file": "libonnxruntime.so.1", "advice": "Pin it."},
			map[string]any{"code": "library.unpinned", "advice": "Pin it."},
		}}, []string{digest, "/srv/secret/libonnxruntime.so.1", "rule=libraries"}},
		{"failed", errors.New("open /srv/secret: no such file"), map[string]any{"state": "failed"}, []string{"open /srv/secret: no such file"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log journal
			s := newService(slog.New(slog.NewTextHandler(&log, nil)), defaults())
			s.refuse(c.err)
			url := listening(t, s)
			var said map[string]any
			require.Equal(t, http.StatusServiceUnavailable, ask(t, "GET", url+"/healthz", nil, &said))
			require.Equal(t, c.want, said)
			for _, text := range c.logged {
				require.Contains(t, log.String(), text)
			}
			require.Equal(t, errNotReady.Code, unready(t, url))
		})
	}
}
