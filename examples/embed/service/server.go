package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/weightgate/weightgate/examples/internal/clients"
)

// maxHeader is a request's header, in bytes. The API needs a few lines.
const maxHeader = 16 << 10

// Serve answers the API on one listener and operators on the other until ctx
// ends. Then it stops accepting and waits for what is under way, no longer than
// Config.Drain. It closes both listeners. Nil: everything was answered.
func (s *Service) Serve(ctx context.Context, api, admin net.Listener) error {
	servers := map[net.Listener]*http.Server{
		api:   s.server(s.handler(), s.clients),
		admin: s.server(s.admin(), clients.New(s.cfg.MaxConnections, s.cfg.MaxBodies)),
	}
	group, ctx := errgroup.WithContext(ctx)
	for listener, server := range servers {
		group.Go(func() error {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
	}
	group.Go(func() error {
		<-ctx.Done()
		s.drain()
		end, cancel := context.WithTimeout(context.Background(), s.cfg.Drain)
		defer cancel()
		return errors.Join(shutdown(end, servers[api]), shutdown(end, servers[admin]))
	})
	return group.Wait()
}

func shutdown(ctx context.Context, server *http.Server) error {
	err := server.Shutdown(ctx)
	if err == nil {
		return nil
	}
	server.Close()
	return fmt.Errorf("service: requests that were under way got no answer: %w", err)
}

func (s *Service) server(h http.Handler, c *clients.Clients) *http.Server {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: s.cfg.ReadHeader,
		ReadTimeout:       s.cfg.Read,
		WriteTimeout:      s.cfg.Write,
		IdleTimeout:       s.cfg.Idle,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug),
	}
	c.Watch(server)
	return server
}
