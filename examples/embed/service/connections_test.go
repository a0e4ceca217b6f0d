package service

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// dial opens a connection and sends the head of a request with a body of n bytes.
func dial(t testing.TB, address string, n int) *net.TCPConn {
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	_, err = fmt.Fprintf(c, "POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", n)
	require.NoError(t, err)
	return c.(*net.TCPConn)
}

// hear reads the response.
func hear(t testing.TB, c net.Conn) answer {
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response.StatusCode, response.Header, content}
}

// works asks for what every service can answer.
func (r *running) works(t testing.TB) {
	vectors, _ := r.post(t, body(t, "still there")).embeddings(t)
	require.Len(t, vectors, 1)
}

func TestSlowBody(t *testing.T) {
	s := serve(t, Config{Read: 300 * time.Millisecond}, miniLM(t))
	c := dial(t, s.api, 1000)
	trickle := make(chan struct{})
	go func() { // a byte at a time, until the service has enough of it
		defer close(trickle)
		for {
			if _, err := c.Write([]byte(" ")); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	a := hear(t, c)
	require.Equal(t, http.StatusRequestTimeout, a.status)
	require.Equal(t, "request_timeout", a.error(t).code())
	<-trickle // it was closed
	s.works(t)
}

func TestSlowHeader(t *testing.T) {
	s := serve(t, Config{ReadHeader: 100 * time.Millisecond}, miniLM(t))
	c, err := net.Dial("tcp", s.api)
	require.NoError(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "POST /v1/embeddings HTTP/1.1\r\nHost")
	require.NoError(t, err)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
	left, err := io.ReadAll(c)
	require.NoError(t, err) // it was closed
	require.NotContains(t, string(left), "200 OK")
	s.works(t)
}

// A request whose end arrived late in its time is computed all the same.
func TestLateBody(t *testing.T) {
	s := serve(t, Config{Read: 300 * time.Millisecond}, &stalled{wait: 600 * time.Millisecond})
	request := body(t, "a")
	c := dial(t, s.api, len(request))
	_, err := io.WriteString(c, request)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, hear(t, c).status)
}

func TestHalfClosed(t *testing.T) {
	s := serve(t, Config{}, miniLM(t))
	request := body(t, "a")
	for sent := range len(request) {
		if sent%8 != 0 {
			continue
		}
		c := dial(t, s.api, len(request))
		_, err := io.WriteString(c, request[:sent])
		require.NoError(t, err)
		require.NoError(t, c.CloseWrite())
		a := hear(t, c)
		require.Equal(t, http.StatusBadRequest, a.status)
		require.Equal(t, invalidRequest, a.error(t).Type)
	}
	c := dial(t, s.api, len(request)) // whole, and then half-closed: it waits for its answer
	_, err := io.WriteString(c, request)
	require.NoError(t, err)
	require.NoError(t, c.CloseWrite())
	vectors, _ := hear(t, c).embeddings(t)
	require.Len(t, vectors, 1)
	s.works(t)
}

func TestReset(t *testing.T) {
	s := serve(t, Config{}, miniLM(t))
	for range 20 {
		c := dial(t, s.api, 1000)
		_, err := io.WriteString(c, `{"model":"minilm"`)
		require.NoError(t, err)
		require.NoError(t, c.SetLinger(0))
		require.NoError(t, c.Close())
	}
	s.works(t)
}

func TestNoHTTP(t *testing.T) {
	s := serve(t, Config{}, miniLM(t))
	for _, c := range []struct {
		name, sent string
		want       int
	}{
		{"garbage", "\x16\x03\x01\x02\x00\x01\r\n\r\n", 400},
		{"two lengths", "POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
		{"a negative length", "POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
		{"a large length", "POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9000000000000000000\r\n\r\n{", 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", s.api)
			require.NoError(t, err)
			defer conn.Close()
			_, err = io.WriteString(conn, c.sent)
			require.NoError(t, err)
			require.Equal(t, c.want, hear(t, conn).status)
		})
	}
	s.works(t)
}

func TestLargeHeader(t *testing.T) {
	s := serve(t, Config{}, miniLM(t))
	c, err := net.Dial("tcp", s.api)
	require.NoError(t, err)
	defer c.Close()
	io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("a", 1<<20)+"\r\n\r\n")
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
	answer, _ := io.ReadAll(c) // which the service does not wait for
	require.NotContains(t, string(answer), "200 OK")
	s.works(t)
}

// The answer does not wait for a body that is not taken, and is the last.
func TestLargeBodyIsNotAwaited(t *testing.T) {
	s := serve(t, Config{MaxBody: 100, Read: time.Hour}, &stalled{})
	c := dial(t, s.api, 101)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
	require.True(t, response.Close)
}

// A body whose length nobody announced is counted as it comes.
func TestEndlessBody(t *testing.T) {
	s := serve(t, Config{}, miniLM(t))
	r, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+s.api+"/v1/embeddings", io.LimitReader(blanks{}, 5<<20))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
	s.works(t)
}

type blanks struct{}

func (blanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// Connections that are idle, say nothing, or stop within a header or a body keep
// nobody out.
func TestManyConnections(t *testing.T) {
	for name, sent := range map[string]string{
		"nothing":       "",
		"half a header": "GET /healthz HTTP/1.1\r\nHo",
		"half a body":   "POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
		"idle":          "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, Config{MaxConnections: 100, ReadHeader: time.Hour, Read: time.Hour, Idle: time.Hour}, miniLM(t))
			for range 300 {
				c, err := net.Dial("tcp", s.api)
				require.NoError(t, err)
				defer c.Close()
				_, err = io.WriteString(c, sent)
				require.NoError(t, err)
			}
			require.Equal(t, http.StatusOK, get(t, "http://"+s.api+"/healthz").status)
			s.works(t)
		})
	}
}

// Whoever is served keeps its place, and others find none.
func TestManyAreServed(t *testing.T) {
	m := &stalled{wait: time.Hour, began: make(chan struct{})}
	s := serve(t, Config{MaxConnections: 2, Deadline: time.Second}, m)
	request := body(t, "a")
	var served []net.Conn
	for range 2 {
		c := dial(t, s.api, len(request))
		_, err := io.WriteString(c, request)
		require.NoError(t, err)
		<-m.began
		served = append(served, c)
	}
	_, err := do(t.Context(), "GET", "http://"+s.api+"/healthz", "", "")
	require.Error(t, err)
	for _, c := range served {
		require.Equal(t, "overloaded", hear(t, c).error(t).code())
	}
	require.Equal(t, http.StatusOK, get(t, "http://"+s.api+"/healthz").status) // in place of one that is idle
}

// Bodies that stop take no more memory than they may.
func TestManyBodies(t *testing.T) {
	s := serve(t, Config{MaxBody: 1 << 20, MaxBodies: 2 << 20, Read: time.Hour}, miniLM(t))
	for range 8 {
		c := dial(t, s.api, 1<<20)
		_, err := io.WriteString(c, strings.Repeat(" ", 1<<20-1))
		require.NoError(t, err)
	}
	s.works(t)
	_, bytes := s.clients.Held()
	require.LessOrEqual(t, bytes, int64(2<<20))
}
