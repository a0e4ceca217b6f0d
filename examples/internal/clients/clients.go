// Package clients keeps the connections of a service from keeping anybody out.
package clients

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Clients are the connections of an http.Server. Whoever comes when there are too
// many, or too many bytes, takes the place of the one that the service has
// waited for longest: connections that send nothing, or slowly, keep nobody out.
// They are safe for concurrent use.
type Clients struct {
	most   int   // connections at once
	memory int64 // bytes of the bodies that are arriving; a body or more

	mu       sync.Mutex
	open     map[net.Conn]*client
	arriving int64 // bytes, in all
}

// A client is waited for until it is served.
type client struct {
	served   bool
	since    time.Time // it is waited for
	arriving int64     // bytes of its body
}

// New are clients of which none has come: at most so many connections at once,
// and so many bytes of bodies that are arriving.
func New(most int, memory int64) *Clients {
	return &Clients{most: most, memory: memory, open: map[net.Conn]*client{}}
}

// Watch sets the hooks of a server that does not serve yet.
func (c *Clients) Watch(server *http.Server) {
	server.ConnState = c.track
	server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, conn)
	}
}

// Held is how many connections there are, and how many bytes of bodies have
// arrived of requests that are not whole.
func (c *Clients) Held() (connections int, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open), c.arriving
}

// track is a hook for http.Server.ConnState.
func (c *Clients) track(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		if len(c.open) >= c.most && !c.dismiss(func(*client) bool { return true }) {
			conn.Close() // everybody is being served
			return
		}
		c.open[conn] = &client{since: time.Now()}
	case http.StateActive, http.StateIdle:
		c.rest(conn)
	default:
		c.forget(conn)
	}
}

// dismiss closes the connection that has been waited for longest, if there is
// one among those that may be closed.
func (c *Clients) dismiss(may func(*client) bool) bool {
	var longest net.Conn
	for conn, have := range c.open {
		if !have.served && may(have) && (longest == nil || have.since.Before(c.open[longest].since)) {
			longest = conn
		}
	}
	if longest == nil {
		return false
	}
	c.forget(longest)
	longest.Close()
	return true
}

func (c *Clients) forget(conn net.Conn) {
	c.rest(conn)
	delete(c.open, conn)
}

// rest begins to wait for a client, if it was not dismissed.
func (c *Clients) rest(conn net.Conn) {
	if have := c.open[conn]; have != nil {
		c.arriving -= have.arriving
		*have = client{since: time.Now()}
	}
}

// arrived counts n bytes of a body.
func (c *Clients) arrived(conn net.Conn, n int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	have := c.open[conn]
	if have == nil {
		return net.ErrClosed
	}
	have.arriving += int64(n)
	c.arriving += int64(n)
	for c.arriving > c.memory && c.dismiss(func(have *client) bool { return have.arriving > 0 }) {
	}
	if c.open[conn] == nil {
		return net.ErrClosed
	}
	return nil
}

// Serve keeps the client of a request that is whole from being dismissed, until
// done is called. The error says that it was dismissed before.
func (c *Clients) Serve(r *http.Request) (done func(), err error) {
	conn := connectionOf(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	have := c.open[conn]
	if have == nil {
		return nil, net.ErrClosed
	}
	c.rest(conn)
	have.served = true
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.rest(conn)
	}, nil
}

// Body is the body of a request, counted as it arrives. Reading fails once the
// client was dismissed.
func (c *Clients) Body(r *http.Request, body io.ReadCloser) io.ReadCloser {
	conn := connectionOf(r)
	return counted{body, func(n int) error { return c.arrived(conn, n) }}
}

// A counted body tells how much of it has arrived.
type counted struct {
	io.ReadCloser
	arrived func(n int) error
}

func (b counted) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if gone := b.arrived(n); gone != nil {
		return 0, gone
	}
	return n, err
}

// connectionKey is where a request's context has its connection.
type connectionKey struct{}

// connectionOf is the connection of a request.
func connectionOf(r *http.Request) net.Conn {
	return r.Context().Value(connectionKey{}).(net.Conn)
}
