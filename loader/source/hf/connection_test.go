package hf

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
)

// A load's own connections end with it, also those that were given up in the
// middle, and at a server that speaks HTTP/2.
func TestConnectionsEnd(t *testing.T) {
	s := smallRepository(t)
	var open, opened atomic.Int64
	x := httptest.NewUnstartedServer(http.HandlerFunc(s.serveHub))
	x.EnableHTTP2 = true
	x.Config.ErrorLog = log.New(io.Discard, "", 0)
	x.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			opened.Add(1)
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		}
	}
	x.StartTLS()
	defer x.Close()
	defer x.CloseClientConnections()
	roots := x509.NewCertPool()
	roots.AddCert(x.Certificate())
	h := s.client(t)
	h.Transport, h.Endpoint, h.Tries = nil, x.URL, 1
	endpoint, err := parseEndpoint(x.URL)
	require.NoError(t, err)
	arrived := make(chan struct{}, 1)
	for name, c := range map[string]struct {
		answer hook
		want   error
	}{
		"cancelled": {always(func(_ http.ResponseWriter, r *http.Request) { arrived <- struct{}{}; <-r.Context().Done() }), context.Canceled},
		"endless":   {always(endless), ErrTooLarge},
		"led on": {always(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1/")
			w.WriteHeader(http.StatusFound)
			endless(w, r)
		}), ErrInsecure},
		"not found": {answer(http.StatusNotFound), ErrNotFound},
		"fine":      {nil, nil},
	} {
		s.change(&s.onMetadata, c.answer)
		for range 5 {
			tree, err := newTree(h.repository(testID, testCommit), endpoint, formats.Limits{}.WithDefaults())
			require.NoError(t, err)
			tree.client.transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				select {
				case <-arrived:
					cancel()
				case <-ctx.Done():
				}
			}()
			_, err = tree.relist(ctx)
			require.ErrorIs(t, err, c.want, name)
			require.NoError(t, tree.Close())
			cancel()
		}
		require.Eventually(t, func() bool { return open.Load() == 0 }, 20*time.Second, time.Millisecond, name)
	}
	require.EqualValues(t, 25, opened.Load())
}

// What a server says, where it leads, and what becomes of that is in no error.
func TestErrorsHaveNoServersText(t *testing.T) {
	s := smallRepository(t)
	lookup := &net.DNSError{Err: "no such host", Name: "SECRET", IsNotFound: true}
	certificate := func(err error) error { return &tls.CertificateVerificationError{Err: err} }
	for name, c := range map[string]struct {
		location string // of a redirect; empty: the endpoint fails
		fails    error
		want     error
		text     string
		requests int
	}{
		"a host that is none":       {"//::/x?signature=SECRET", nil, ErrInsecure, "redirect", 1},
		"a host that turns the eye": {"https://SECRET\u202eexe.example/", nil, ErrInsecure, "redirect", 1},
		"a port that is none":       {"https://SECRET.example:70000/", nil, ErrInsecure, "redirect", 1},
		"a zone":                    {"https://[::1%25SECRET]/", nil, ErrInsecure, "redirect", 1},
		"a host that is not there":  {"https://SECRET.example/", lookup, lookup, "where it leads: no such host", 4},
		"no name server":            {"", &net.DNSError{Err: "SECRET"}, nil, "hub.example: the host was not found out", 2},
		"refused":                   {"", &net.OpError{Op: "SECRET", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, syscall.ECONNREFUSED, "hub.example: connect: " + syscall.ECONNREFUSED.Error(), 2},
		"too slow":                  {"", &net.OpError{Op: "SECRET", Err: os.ErrDeadlineExceeded}, os.ErrDeadlineExceeded, "hub.example: it took too long", 2},
		"cut":                       {"", errors.Join(io.EOF, errors.New("SECRET")), io.EOF, "hub.example: unexpected EOF", 2},
		"no HTTP":                   {"", errors.New("malformed HTTP response SECRET"), nil, "hub.example: not a connection", 2},
		"nobody's certificate":      {"", certificate(x509.UnknownAuthorityError{}), nil, "not trusted: an unknown authority", 1},
		"another's certificate":     {"", certificate(x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"SECRET"}}, Host: "x"}), nil, "not trusted: of another host", 1},
		"an old certificate":        {"", certificate(x509.CertificateInvalidError{Reason: x509.Expired, Detail: "SECRET"}), nil, "not trusted: expired", 1},
		"an odd certificate":        {"", certificate(errors.New("SECRET")), nil, "its certificate is not trusted", 1},
	} {
		requests := 0
		h := s.client(t)
		h.Endpoint, h.Tries = "https://hub.example", 2
		h.Transport = transport(func(r *http.Request) (*http.Response, error) {
			requests++
			if r.URL.Host == "hub.example" && c.location != "" {
				return says(http.StatusFound, http.NoBody, "Location", c.location)(r)
			}
			return nil, c.fails
		})
		_, err := h.Repository(testID, testCommit).Open(t.Context(), formats.Limits{})
		require.Error(t, err, name)
		if c.want != nil {
			require.ErrorIs(t, err, c.want, name)
		}
		require.Contains(t, err.Error(), c.text, name)
		require.NotContains(t, err.Error(), "SECRET", name)
		require.NotContains(t, err.Error(), "\u202e", name)
		require.Equal(t, c.requests, requests, name)
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The name of a file is in an error as it may be shown.
func TestNamesInErrors(t *testing.T) {
	odd := "a\u202eb\"" + strings.Repeat("c", 500)
	s := newServer(t, nil, map[string][]byte{odd: []byte("{}")})
	tree := openTree(t, s.client(t))
	s.onHub = answer(http.StatusNotFound)
	_, err := tree.Open(t.Context(), odd)
	require.ErrorIs(t, err, ErrNotFound)
	require.Contains(t, err.Error(), `a\u202eb\"ccc`)
	require.Less(t, len(err.Error()), 200)
}

// Where a redirect leads can be asked for over https, and shown.
func FuzzRedirect(f *testing.F) {
	seeds := []string{"", "?x", "https://a/b", "https://[::1]:8443/", "https://[::1%25a]/?s=SECRET", "https://a%25/", "https://a:/", "https://é%e2%80%ae/", "//x\\y", "https://a;b/", "//::/x", "https://u@h/", "http://h/"}
	for _, seed := range seeds {
		f.Add(seed)
	}
	if len(seeds) == 0 {
		f.Fatal("no seeds")
	}
	from := &url.URL{Scheme: "https", Host: "h.example", Path: "/a/b"}
	f.Fuzz(func(t *testing.T, location string) {
		to, err := follow(from, &http.Response{Header: http.Header{"Location": {location}}})
		if err != nil {
			require.Equal(t, ErrInsecure.Error()+": a redirect", err.Error())
			require.Nil(t, to)
			return
		}
		req, err := http.NewRequest(http.MethodGet, to.String(), nil)
		require.NoError(t, err)
		require.Equal(t, "https", req.URL.Scheme)
		require.Equal(t, to.Hostname(), req.URL.Hostname())
		require.Empty(t, strings.Trim(req.URL.Host, letters+":[]"))
		require.Nil(t, req.URL.User)
	})
}
