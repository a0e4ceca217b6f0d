package hf

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
)

// script is a transport that answers in turn, and notes when it was asked.
type script struct {
	answers []func(r *http.Request) (*http.Response, error)
	asked   []time.Time
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked = append(s.asked, time.Now())
	next := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	return next(r)
}

// pauses are the times between two requests.
func (s *script) pauses() []time.Duration {
	var all []time.Duration
	for i, at := range s.asked[1:] {
		all = append(all, at.Sub(s.asked[i]))
	}
	return all
}

func says(status int, body io.Reader, headers ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i < len(headers); i += 2 {
			h.Set(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(body), ContentLength: -1}, nil
	}
}

// never is a server that takes the request and says nothing.
func never(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// drip sends a byte in each pause, until all are sent.
type drip struct {
	left  []byte
	pause time.Duration
}

func (d *drip) Read(p []byte) (int, error) {
	if len(d.left) == 0 {
		return 0, io.EOF
	}
	time.Sleep(d.pause)
	n := copy(p[:1], d.left)
	d.left = d.left[n:]
	return n, nil
}

func TestPauses(t *testing.T) {
	s := smallRepository(t)
	good := func(r *http.Request) (*http.Response, error) {
		return says(200, bytes.NewReader(s.metadata(testCommit)))(r)
	}
	busy := func(after string) func(*http.Request) (*http.Response, error) {
		return says(429, http.NoBody, "Retry-After", after)
	}
	type answers = []func(*http.Request) (*http.Response, error)
	half := time.Second / 2
	for name, c := range map[string]struct {
		answers answers
		maxWait time.Duration
		want    error
		pauses  []time.Duration
	}{
		"at once":                {answers{good}, 0, nil, nil},
		"what it asks for":       {answers{busy("7"), says(503, http.NoBody, "Retry-After", "2"), good}, 0, nil, []time.Duration{7 * time.Second, 2 * time.Second}},
		"by a date":              {answers{busy("Sat, 01 Jan 2000 00:00:09 GMT"), good}, 0, nil, []time.Duration{9 * time.Second}}, // the bubble's clock starts at its midnight
		"by a date in the past":  {answers{busy("Sat, 01 Jan 1994 00:00:09 GMT"), good}, 0, nil, []time.Duration{half}},
		"in no words":            {answers{busy("soon"), busy("-5"), good}, 0, nil, []time.Duration{half, 2 * half}},
		"it doubles, bounded":    {answers{busy("")}, 3 * time.Second, ErrBusy, []time.Duration{half, 2 * half, 4 * half, 3 * time.Second}},
		"longer than we wait":    {answers{busy("61")}, 0, ErrBusy, nil},
		"longer than there is":   {answers{busy("18446744073709551615")}, 0, ErrBusy, nil},
		"longer than any number": {answers{busy("99999999999999999999999"), good}, 0, ErrBusy, nil},
		"it never answers":       {answers{never}, time.Second, ErrStalled, []time.Duration{30*time.Second + half, 31 * time.Second, 31 * time.Second, 31 * time.Second}},
		"it fails":               {answers{func(*http.Request) (*http.Response, error) { return nil, io.ErrClosedPipe }, good}, 0, nil, []time.Duration{half}},
		"slow, but not stalled":  {answers{says(200, &drip{s.metadata(testCommit), 29 * time.Second})}, 0, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				transport := &script{answers: c.answers}
				h := Hub{Cache: t.TempDir(), Transport: transport, MaxWait: c.maxWait}
				tree, err := h.Repository(testID, testCommit).Open(t.Context(), formats.Limits{})
				require.ErrorIs(t, err, c.want)
				require.Equal(t, c.pauses, transport.pauses())
				if err == nil {
					require.NoError(t, tree.Close())
				}
			})
		})
	}
}

// A pause ends with the context.
func TestPauseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := &script{answers: []func(*http.Request) (*http.Response, error){says(429, http.NoBody, "Retry-After", "50")}}
		h := Hub{Cache: t.TempDir(), Transport: transport}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		_, err := h.Repository(testID, testCommit).Open(ctx, formats.Limits{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 5*time.Second, time.Since(began))
	})
}

// Who waits for another writer waits until his context ends.
func TestLockWaits(t *testing.T) {
	c, err := openCache(filepath.Join(t.TempDir(), "cache"), false)
	require.NoError(t, err)
	defer c.root.Close()
	unlock, err := c.lock(t.Context(), "k")
	require.NoError(t, err)
	ctx, cancel := context.WithCancelCause(t.Context())
	answered := make(chan error)
	go func() { _, err := c.lock(ctx, "k"); answered <- err }()
	cancel(errors.New("enough"))
	require.ErrorIs(t, <-answered, context.Canceled)
	require.NoError(t, unlock())
	unlock, err = c.lock(t.Context(), "k")
	require.NoError(t, err)
	require.NoError(t, unlock())
}
