package hf

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/weightgate/weightgate/formats"
)

const (
	maxRedirects = 5
	firstPause   = 500 * time.Millisecond // between two tries; it doubles
)

// errRange says that a server does not have the range that was asked for.
var errRange = fmt.Errorf("%w: no such range", ErrStatus)

// A client asks the hub. It is safe for concurrent use.
type client struct {
	hub       *Hub // with its defaults
	endpoint  *url.URL
	transport http.RoundTripper
}

func newClient(hub *Hub, endpoint *url.URL) *client {
	c := &client{hub: hub, endpoint: endpoint, transport: hub.Transport}
	if c.transport == nil {
		c.transport = newTransport()
	}
	return c
}

// transient is the error of a request that may succeed if it is made failed.
type transient struct {
	error
	after time.Duration // what the server asked for; 0: nothing
	moved bool          // some of what was asked for came, and stays
}

func (t *transient) Unwrap() error { return t.error }

// retry calls try until it succeeds or fails for good, at most Tries times in a
// row that bring nothing.
func (c *client) retry(ctx context.Context, try func() error) error {
	pause := firstPause
	for n := 1; ; n++ {
		err := try()
		failed, ok := errors.AsType[*transient](err)
		if ok && failed.moved {
			n, pause = 1, firstPause
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !ok:
			return err
		case n == c.hub.Tries:
			return fmt.Errorf("%w, after %d tries", failed.error, n)
		case failed.after > c.hub.MaxWait:
			return fmt.Errorf("%w, and asks for a pause of %v", failed.error, failed.after)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(max(failed.after, min(pause, c.hub.MaxWait))):
		}
		pause = min(2*pause, c.hub.MaxWait)
	}
}

// get asks for what lies at u from that byte on, and follows where it leads. The
// body has the identity encoding, and its Reads fail with ErrStalled.
func (c *client) get(ctx context.Context, u *url.URL, from int64) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	b := &body{ctx: ctx, cancel: cancel, stall: c.hub.Stall, server: c.endpoint.Host}
	b.timer = time.AfterFunc(b.stall, func() { cancel(ErrStalled) })
	authorization := c.hub.Token.authorization()
	for range maxRedirects + 1 {
		b.timer.Reset(b.stall)
		resp, err := c.ask(ctx, u, from, authorization)
		if err != nil {
			b.end()
			return nil, b.failure(err)
		}
		if !redirects(resp) {
			if err := c.refuse(resp); err != nil {
				resp.Body.Close()
				b.end()
				return nil, err
			}
			b.timer.Stop()
			b.ReadCloser, resp.Body = resp.Body, b
			return resp, nil
		}
		resp.Body.Close()
		if u, err = follow(u, resp); err != nil {
			b.end()
			return nil, err
		}
		b.server = "where it leads"
		if u.Scheme != c.endpoint.Scheme || u.Host != c.endpoint.Host {
			authorization = "" // for good: who leads back to the endpoint has not the token
		}
	}
	b.end()
	return nil, ErrRedirects
}

// ask makes one request, and follows nothing.
func (c *client) ask(ctx context.Context, u *url.URL, from int64, authorization string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(context.WithValue(ctx, requestKey{}, ctx), http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "weightgate")
	req.Header.Set("Accept-Encoding", "identity")
	if from > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := c.transport.RoundTrip(req)
	if err == nil && ctx.Err() != nil { // an answer to the end of the connection
		return nil, errors.Join(ctx.Err(), resp.Body.Close())
	}
	return resp, err
}

// redirects reports whether the answer lies elsewhere.
func redirects(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// follow is where the answer lies: an address that can be asked. No error has
// its text: it may be signed, and whoever has it reads the file.
func follow(from *url.URL, resp *http.Response) (*url.URL, error) {
	to, err := from.Parse(resp.Header.Get("Location"))
	if err == nil {
		to, err = url.Parse(to.String()) // as a request reads it
	}
	if err != nil || to.Scheme != "https" || to.User != nil || !isHost(to) {
		return nil, fmt.Errorf("%w: a redirect", ErrInsecure)
	}
	return to, nil
}

// isHost reports whether u is of a host and port that can be looked up, and shown.
func isHost(u *url.URL) bool {
	host, port := u.Hostname(), u.Port()
	if _, err := strconv.ParseUint(port, 10, 16); port != "" && err != nil {
		return false
	}
	return host != "" && strings.Trim(host, letters+":") == ""
}

// refuse is why the body is none that was asked for.
func (c *client) refuse(resp *http.Response) error {
	status := func(err error) error { return fmt.Errorf("%w (status %d)", err, resp.StatusCode) }
	switch resp.StatusCode {
	case http.StatusOK, http.StatusPartialContent:
		if e := resp.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
			return fmt.Errorf("%w: a body in another encoding than the identity", ErrStatus)
		}
		return nil
	case http.StatusUnauthorized:
		return status(ErrUnauthorized)
	case http.StatusForbidden:
		return status(ErrForbidden)
	case http.StatusNotFound, http.StatusGone:
		return status(ErrNotFound)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return &transient{error: status(ErrBusy), after: retryAfter(resp)}
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
		return &transient{error: status(ErrStatus)}
	case http.StatusRequestedRangeNotSatisfiable:
		return status(errRange)
	}
	return status(ErrStatus)
}

// retryAfter is the pause that a server asks for, RFC 9110, section 10.2.3.
func retryAfter(resp *http.Response) time.Duration {
	text := resp.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) { // then it is the largest
		const most = 1<<63 - 1
		return time.Duration(min(seconds, most/uint64(time.Second))) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(date))
	}
	return 0
}

// body is that of an answer, which fails if no byte comes for too long.
type body struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	stall  time.Duration
	server string // who sends it, in no word of his
}

func (b *body) Read(p []byte) (int, error) {
	b.timer.Reset(b.stall)
	n, err := b.ReadCloser.Read(p)
	b.timer.Stop() // what the reader does meanwhile is not the server's delay
	if err != nil && err != io.EOF {
		err = b.failure(err)
	}
	return n, err
}

func (b *body) Close() error {
	b.end()
	return b.ReadCloser.Close()
}

func (b *body) end() {
	b.timer.Stop()
	b.cancel(context.Canceled)
}

// failure is what became of a connection.
func (b *body) failure(err error) error {
	if context.Cause(b.ctx) == ErrStalled {
		return &transient{error: ErrStalled}
	}
	lost := &failure{b.server, err}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return lost
	}
	return &transient{error: lost}
}

// A failure is that of a connection. The text of err may have words of a server,
// and of an address that is signed: errors.Is and errors.As find it, and no
// text has it. Nobody's context ended, though a transport's own time may have.
type failure struct {
	server string
	err    error
}

func (f *failure) Is(target error) bool {
	return target != context.Canceled && target != context.DeadlineExceeded && errors.Is(f.err, target)
}
func (f *failure) As(target any) bool { return errors.As(f.err, target) }

func (f *failure) Error() string { return "hf: " + formats.Quote(f.server) + ": " + reason(f.err) }

// reason is err in this program's and its system's words.
func reason(err error) string {
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate is not trusted" + ofCertificate(untrusted.Err)
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return "no such host"
	} else if ok {
		return "the host was not found out"
	}
	if system, ok := errors.AsType[*os.SyscallError](err); ok {
		return system.Error()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF.Error()
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return "it took too long"
	}
	return "not a connection of HTTP over TLS, or cut"
}

func ofCertificate(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return ": an unknown authority"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return ": of another host"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return ": expired, or not valid yet"
	}
	return ""
}
