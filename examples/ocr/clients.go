package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// clients are the connections of a service. Whoever comes when there are too
// many, or too many bytes, takes the place of the one that the service has
// waited for longest: connections that send nothing, or slowly, keep nobody out.
type clients struct {
	most   int   // connections at once; more than are served at once
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

func newClients(most int, memory int64) *clients {
	return &clients{most: most, memory: memory, open: map[net.Conn]*client{}}
}

// track is a hook for http.Server.ConnState.
func (c *clients) track(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		if len(c.open) >= c.most {
			c.dismiss(func(*client) bool { return true }) // there is one: fewer are served than may be open
		}
		c.open[conn] = &client{since: time.Now()}
	case http.StateActive, http.StateIdle:
		c.rest(conn)
	default:
		c.forget(conn)
	}
}

// dismiss closes the connection that has been waited for longest of those that
// may be closed, if there is one.
func (c *clients) dismiss(may func(*client) bool) bool {
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

func (c *clients) forget(conn net.Conn) {
	c.rest(conn)
	delete(c.open, conn)
}

// rest begins to wait for a client, if it was not dismissed.
func (c *clients) rest(conn net.Conn) {
	if have := c.open[conn]; have != nil {
		c.arriving -= have.arriving
		*have = client{since: time.Now()}
	}
}

// arrived counts n bytes of a body.
func (c *clients) arrived(conn net.Conn, n int) error {
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

// serve keeps a client whose request is whole from being dismissed, until done
// is called.
func (c *clients) serve(conn net.Conn) (done func(), err error) {
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

// withConnection is a hook for http.Server.ConnContext.
func withConnection(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, conn)
}

func connectionOf(r *http.Request) net.Conn {
	return r.Context().Value(connectionKey{}).(net.Conn)
}
