package service

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/examples/internal/clients"
)

// Without any of these a client may hold a connection, or memory, for ever.
func TestServerHasLimits(t *testing.T) {
	for _, c := range []struct {
		cfg                           Config
		readHeader, read, write, idle time.Duration
	}{
		{Config{}, 5 * time.Second, 15 * time.Second, time.Minute, time.Minute},
		{Config{ReadHeader: 1, Read: 2, Write: 3, Idle: 4}, 1, 2, 3, 4},
	} {
		c.cfg.Model = "m"
		s, err := New(c.cfg)
		require.NoError(t, err)
		server := s.server(http.NotFoundHandler(), clients.New(1, 1))
		require.Equal(t, c.readHeader, server.ReadHeaderTimeout)
		require.Equal(t, c.read, server.ReadTimeout)
		require.Equal(t, c.write, server.WriteTimeout)
		require.Equal(t, c.idle, server.IdleTimeout)
		require.Equal(t, 16<<10, server.MaxHeaderBytes)
	}
}
