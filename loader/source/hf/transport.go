package hf

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// newTransport makes connections of one request each, and gives them up with it.
// What a server sends while nothing is asked, package http logs: here it sees no
// such bytes.
func newTransport() *http.Transport {
	t := &http.Transport{
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		Protocols:              new(http.Protocols),
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: 64 << 10,
	}
	// A connection of HTTP/2 outlives the stream that was given up on it.
	t.Protocols.SetHTTP1(true)
	t.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if request, ok := ctx.Value(requestKey{}).(context.Context); ok {
			ctx = request // package http would finish the dial for a later request, and there is none
		}
		conn, err := (&tls.Dialer{Config: t.TLSClientConfig}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &askedConn{Conn: conn, asked: make(chan struct{})}, nil
	}
	return t
}

// requestKey is the key under which the context of a request has itself.
type requestKey struct{}

// askedConn gives nothing before its first Write.
type askedConn struct {
	net.Conn
	once   sync.Once
	asked  chan struct{} // closed by the first Write or Close
	closed bool          // it was Close
}

func (c *askedConn) Read(p []byte) (int, error) {
	<-c.asked
	if c.closed {
		return 0, net.ErrClosed
	}
	return c.Conn.Read(p)
}

func (c *askedConn) Write(p []byte) (int, error) {
	c.once.Do(func() { close(c.asked) })
	return c.Conn.Write(p)
}

func (c *askedConn) Close() error {
	c.once.Do(func() { c.closed = true; close(c.asked) })
	return c.Conn.Close()
}
