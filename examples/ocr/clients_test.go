package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"image"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// head is that of a page of n bytes.
func head(n int) string {
	return fmt.Sprintf("POST /v1/ocr HTTP/1.1\r\nHost: ocr\r\nContent-Length: %d\r\n\r\n", n)
}

// hear is the status of an answer.
func hear(t *testing.T, conn net.Conn) int {
	t.Helper()
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	answer.Body.Close()
	return answer.StatusCode
}

func TestClientsThatSendNothingKeepNobodyOut(t *testing.T) {
	page := encoded(t, image.NewGray(image.Rect(0, 0, 4, 3)))
	for _, c := range []struct {
		name  string
		many  int
		sent  string
		heard bool // there is an answer, and the connection stays open
	}{
		{"headers, as many as there are places", defaults().reading + defaults().waiting, head(100), false},
		{"headers, more than there are connections", 300, head(100), false},
		{"half of the headers", 300, "POST /v1/ocr HTT", false},
		{"nothing", 300, "", false},
		{"nothing more", 300, "GET /healthz HTTP/1.1\r\nHost: ocr\r\n\r\n", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serving(defaults(), canned(nothing))
			url := listening(t, s)
			for range c.many {
				conn := dial(t, url)
				_, err := io.WriteString(conn, c.sent)
				require.NoError(t, err)
				if c.heard {
					require.Equal(t, http.StatusOK, hear(t, conn))
				}
			}
			var said health
			require.Equal(t, http.StatusOK, ask(t, "GET", url+"/healthz", nil, &said))
			require.Equal(t, http.StatusOK, post(url, page))
			connections, _ := s.clients.Held()
			require.LessOrEqual(t, connections, s.connections)
		})
	}
}

// Half bodies fill the memory for those that arrive, but do not keep it.
func TestClientsThatSendHalfKeepNobodyOut(t *testing.T) {
	page := encoded(t, image.NewGray(image.Rect(0, 0, 4, 3)))
	l := defaults()
	l.body = 1 << 10
	l.arriving = 2 << 10
	s := serving(l, canned(nothing))
	url := listening(t, s)
	arriving := func() int64 {
		_, bytes := s.clients.Held()
		return bytes
	}
	half := func() net.Conn {
		conn := dial(t, url)
		_, err := io.WriteString(conn, head(1000)+string(make([]byte, 900)))
		require.NoError(t, err)
		return conn
	}
	first := half()
	require.Eventually(t, func() bool { return arriving() == 900 }, 10*time.Second, time.Millisecond)
	for range 3 {
		half()
	}
	answer, _ := io.ReadAll(first) // returns once the service has closed
	require.Empty(t, answer, "it made room for the others")
	require.Equal(t, http.StatusOK, post(url, page))
	require.LessOrEqual(t, arriving(), l.arriving)
}

func TestClientsThatHalfCloseGetTheirAnswer(t *testing.T) {
	page := encoded(t, image.NewGray(image.Rect(0, 0, 4, 3)))
	url := listening(t, serving(defaults(), canned(func(ctx context.Context, _ *image.RGBA) ([]line, error) {
		time.Sleep(20 * time.Millisecond) // for the service to see that nothing more comes
		return []line{}, ctx.Err()
	})))
	for sent, status := range map[int]int{len(page): http.StatusOK, len(page) / 2: http.StatusBadRequest, 0: http.StatusBadRequest} {
		conn := dial(t, url)
		_, err := io.WriteString(conn, head(len(page))+string(page[:sent]))
		require.NoError(t, err)
		require.NoError(t, conn.CloseWrite())
		require.Equal(t, status, hear(t, conn))
	}
}

// Whoever is worked for keeps its place, and the next finds none.
func TestClientsThatSentAllKeepTheirPlace(t *testing.T) {
	page := encoded(t, image.NewGray(image.Rect(0, 0, 4, 3)))
	l := defaults()
	l.connections = 1
	begun, finish := make(chan bool), make(chan bool)
	url := listening(t, serving(l, canned(func(context.Context, *image.RGBA) ([]line, error) {
		close(begun)
		<-finish
		return []line{}, nil
	})))
	first := dial(t, url)
	_, err := io.WriteString(first, head(len(page))+string(page))
	require.NoError(t, err)
	<-begun
	_, err = dial(t, url).Read(make([]byte, 1)) // returns once the service has closed
	require.Error(t, err)
	close(finish)
	require.Equal(t, http.StatusOK, hear(t, first))
}

// A journal is a log that is read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func TestClientsThatLeaveAreNotTimeouts(t *testing.T) {
	page := encoded(t, image.NewGray(image.Rect(0, 0, 4, 3)))
	var log journal
	s := newService(slog.New(slog.NewTextHandler(&log, nil)), defaults())
	begun, finish := make(chan bool), make(chan bool)
	s.ready(canned(func(ctx context.Context, _ *image.RGBA) ([]line, error) {
		begun <- true
		<-finish
		return []line{}, ctx.Err()
	}))
	url := listening(t, s)
	require.Eventually(t, func() bool { // as soon as the service sees that it left before it is done
		conn := dial(t, url)
		io.WriteString(conn, head(len(page))+string(page))
		<-begun
		conn.Close()
		time.Sleep(time.Millisecond)
		finish <- true
		return strings.Contains(log.String(), "client=closed")
	}, 10*time.Second, 10*time.Millisecond)
	require.NotContains(t, log.String(), "code=")
}

// What a client chose takes little of the log.
func TestLogIsBounded(t *testing.T) {
	var log journal
	s := newService(slog.New(slog.NewTextHandler(&log, nil)), defaults())
	conn := dial(t, listening(t, s))
	long := strings.Repeat("A", 5000)
	_, err := io.WriteString(conn, long+" /"+long+" HTTP/1.1\r\nHost: ocr\r\nConnection: close\r\n\r\n")
	require.NoError(t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Contains(t, string(answer), "not_found")
	require.NotContains(t, string(answer), "AAAA")
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "code=not_found") }, 10*time.Second, time.Millisecond)
	require.Less(t, len(log.String()), 1000)
}

func TestExcerpt(t *testing.T) {
	short := "/v1/ocr"
	require.Equal(t, short, excerpt(short))
	long := "/" + strings.Repeat("é", 50)
	require.Equal(t, long[:63], excerpt(long), "no half of a letter")
}
