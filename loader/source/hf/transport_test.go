package hf

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
)

// rawTLS answers each connection by hand, until the client ends it. Ended waits
// for that.
func rawTLS(t *testing.T, s *server, answer func(*tls.Conn)) (address string, roots *x509.CertPool, ended *sync.WaitGroup) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: s.hub.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}})
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	ended = new(sync.WaitGroup)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			ended.Go(func() {
				defer conn.Close()
				answer(conn.(*tls.Conn))
				io.Copy(io.Discard, conn)
			})
		}
	}()
	roots = x509.NewCertPool()
	roots.AddCert(s.hub.Certificate())
	return l.Addr().String(), roots, ended
}

// What a server says that was not asked is not printed.
func TestUnsolicitedBytes(t *testing.T) {
	s := smallRepository(t)
	echo := func(conn net.Conn) {
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nyou said %s", testToken)
	}
	for name, c := range map[string]struct {
		answer func(*tls.Conn)
		fails  bool
	}{
		"behind the handshake": {func(conn *tls.Conn) { echo(conn) }, true},
		"behind the answer": {func(conn *tls.Conn) {
			r, err := http.ReadRequest(bufio.NewReader(conn))
			if err != nil || r.Header.Get("Authorization") != "Bearer "+testToken || conn.ConnectionState().NegotiatedProtocol != "" {
				t.Error(err, r)
				return
			}
			text := s.metadata(testCommit)
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: keep-alive\r\n\r\n%s", len(text), text)
			echo(conn)
		}, false},
	} {
		address, roots, ended := rawTLS(t, s, c.answer)
		var printed bytes.Buffer
		log.SetOutput(&printed)
		h := s.client(t)
		h.Endpoint, h.Token, h.Tries, h.Transport = "https://"+address, NewToken(testToken), 1, nil
		for range 100 {
			opened, err := newTree(h.repository(testID, testCommit), &url.URL{Scheme: "https", Host: address}, formats.Limits{}.WithDefaults())
			require.NoError(t, err)
			opened.client.transport.(*http.Transport).TLSClientConfig.RootCAs = roots
			_, err = opened.relist(t.Context())
			require.Equal(t, c.fails, err != nil, "%s: %v", name, err)
			require.NoError(t, opened.Close())
		}
		ended.Wait()
		log.SetOutput(os.Stderr)
		require.Empty(t, printed.String(), name)
	}
}

// A connection gives nothing before something is asked, and ends all the same.
func TestAskedConn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, asked := range []bool{false, true} {
			near, far := net.Pipe()
			conn := &askedConn{Conn: near, asked: make(chan struct{})}
			var got []byte
			var failed error
			var reader sync.WaitGroup
			reader.Go(func() { got, failed = io.ReadAll(conn) })
			require.NoError(t, far.SetWriteDeadline(time.Now().Add(time.Hour)))
			_, unread := far.Write([]byte("unasked"))
			require.ErrorIs(t, unread, os.ErrDeadlineExceeded)
			if !asked {
				require.NoError(t, conn.Close())
				reader.Wait()
				require.ErrorIs(t, failed, net.ErrClosed)
				require.Empty(t, got)
				continue
			}
			go conn.Write([]byte("?"))
			_, err := io.ReadFull(far, make([]byte, 1))
			require.NoError(t, err)
			require.NoError(t, far.SetWriteDeadline(time.Time{}))
			_, err = far.Write([]byte("asked"))
			require.NoError(t, err)
			require.NoError(t, far.Close())
			reader.Wait()
			require.NoError(t, failed)
			require.Equal(t, "asked", string(got))
			require.NoError(t, conn.Close())
		}
	})
}

// A handshake that does not come has stalled, whoever gives up first, and leaves
// no connection behind.
func TestSilentHandshake(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	ended := make(chan error)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, err = io.Copy(io.Discard, conn)
			ended <- errors.Join(err, conn.Close())
		}
	}()
	h := smallRepository(t).client(t)
	h.Endpoint, h.Tries, h.Transport = "https://"+l.Addr().String(), 1, nil
	open := func(ctx context.Context, stall time.Duration) error {
		h.Stall = stall
		source := h.Repository(testID, testCommit)
		_, err := source.Open(ctx, formats.Limits{}.WithDefaults())
		return err
	}
	for range 50 {
		err := open(t.Context(), 5*time.Millisecond)
		require.ErrorIs(t, err, ErrStalled)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, <-ended)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, open(ctx, time.Hour), context.DeadlineExceeded)
	require.NoError(t, <-ended)
}

// A transport of the host has times of its own: no context of a caller ended.
func TestFailureOfATransport(t *testing.T) {
	b := &body{ctx: t.Context(), server: "hub"}
	err := b.failure(&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded})
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
		require.NotErrorIs(t, b.failure(fmt.Errorf("dial: %w", ended)), ended)
	}
}
