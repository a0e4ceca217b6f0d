package clients

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhoIsDismissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(3, 100)
		var conns []net.Conn
		come := func() net.Conn {
			conn, other := net.Pipe()
			t.Cleanup(func() { conn.Close(); other.Close() })
			time.Sleep(time.Second)
			c.track(conn, http.StateNew)
			conns = append(conns, conn)
			return conn
		}
		gone := func() (gone []int) {
			for i, conn := range conns {
				if c.open[conn] == nil {
					gone = append(gone, i)
				}
			}
			return gone
		}
		for range 3 {
			come()
		}
		require.Empty(t, gone())
		done, err := c.Serve(of(conns[0]))
		require.NoError(t, err)
		come()
		require.Equal(t, []int{1}, gone(), "the first is served")
		c.track(conns[1], http.StateIdle)
		require.Equal(t, []int{1}, gone(), "it does not return")
		require.ErrorIs(t, c.arrived(conns[1], 1), net.ErrClosed)
		_, err = c.Serve(of(conns[1]))
		require.ErrorIs(t, err, net.ErrClosed)

		time.Sleep(time.Second)
		done()
		come()
		require.Equal(t, []int{1, 2}, gone(), "the first is waited for only since it was served")
		time.Sleep(time.Second)
		c.track(conns[3], http.StateActive)
		come()
		require.Equal(t, []int{0, 1, 2}, gone())

		// 4 is waited for longer than 3, and 5 has sent nothing
		require.NoError(t, c.arrived(conns[3], 60))
		require.NoError(t, c.arrived(conns[4], 40))
		require.NoError(t, c.arrived(conns[3], 1))
		require.Equal(t, []int{0, 1, 2, 4}, gone(), "who is waited for longest makes room")
		require.Equal(t, int64(61), c.arriving)
		require.NoError(t, c.arrived(conns[5], 39))
		require.ErrorIs(t, c.arrived(conns[3], 1), net.ErrClosed, "if it is the one that sends, too")
		require.Equal(t, int64(39), c.arriving)
		c.track(conns[5], http.StateIdle)
		require.Zero(t, c.arriving)
		c.track(conns[5], http.StateClosed)
		require.Empty(t, c.open)
	})
}

// Whoever comes while all are served is turned away.
func TestNobodyIsLeftToDismiss(t *testing.T) {
	c := New(1, 100)
	served, other := net.Pipe()
	defer other.Close()
	c.track(served, http.StateNew)
	_, err := c.Serve(of(served))
	require.NoError(t, err)
	late, end := net.Pipe()
	c.track(late, http.StateNew)
	_, err = end.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	connections, bytes := c.Held()
	require.Equal(t, 1, connections)
	require.Zero(t, bytes)
}

// of is a request that came over a connection.
func of(conn net.Conn) *http.Request {
	ctx := context.WithValue(context.Background(), connectionKey{}, conn)
	return (&http.Request{}).WithContext(ctx)
}
