package service

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/examples/embed/encoder"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

// stalled is a model that takes its time: what a real one does under load, when
// the test says so.
type stalled struct {
	wait  time.Duration
	err   error
	began chan struct{} // gets one for each Embed
	ended atomic.Int64  // Embeds whose context ended
}

func (m *stalled) Encode(string) ([]int64, error) { return []int64{101, 102}, nil }
func (m *stalled) Check([]int64) error            { return nil }
func (m *stalled) MaxTokens() int                 { return 2 }
func (m *stalled) Width() int                     { return 1 }
func (m *stalled) Phases() []loader.PhaseTime {
	return []loader.PhaseTime{{Phase: "nap", Duration: time.Second}}
}
func (m *stalled) Report() *loader.Report { return &loader.Report{Verdict: policy.Admitted} }

func (m *stalled) Embed(ctx context.Context, texts [][]int64) ([][]float32, error) {
	if m.began != nil {
		m.began <- struct{}{}
	}
	select {
	case <-ctx.Done():
		m.ended.Add(1)
		return nil, ctx.Err()
	case <-time.After(m.wait):
	}
	vectors := make([][]float32, len(texts))
	for i := range vectors {
		vectors[i] = []float32{1}
	}
	return vectors, m.err
}

func TestWhatEmbedAnswers(t *testing.T) {
	for _, c := range []struct {
		name     string
		deadline time.Duration
		model    *stalled
		status   int
		kind     string
		code     string
		after    string
	}{
		{"the queue is full", time.Minute, &stalled{err: &encoder.BusyError{}}, 503, serverError, "overloaded", "1"},
		{"the queue is full for long", time.Minute, &stalled{err: &encoder.BusyError{After: 2100 * time.Millisecond}}, 503, serverError, "overloaded", "3"},
		{"the pace is wrong", time.Minute, &stalled{err: &encoder.BusyError{After: time.Hour}}, 503, serverError, "overloaded", "60"},
		{"it closes", time.Minute, &stalled{err: encoder.ErrClosed}, 503, serverError, "overloaded", "1"},
		{"it takes too long", 50 * time.Millisecond, &stalled{wait: time.Hour}, 503, serverError, "overloaded", "1"},
		{"no numbers", time.Minute, &stalled{err: encoder.ErrNotFinite}, 500, serverError, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, Config{Deadline: c.deadline}, c.model)
			a := s.post(t, body(t, "a"))
			require.Equal(t, c.status, a.status)
			require.Equal(t, c.after, a.header.Get("Retry-After"))
			e := a.error(t)
			require.Equal(t, c.kind, e.Type)
			require.Equal(t, c.code, e.code())
		})
	}
}

// A real queue that is full, and recovers.
func TestFullQueue(t *testing.T) {
	cfg := config(t)
	cfg.Limits.QueueTokens = 1
	e, err := encoder.Open(t.Context(), cfg)
	require.NoError(t, err)
	defer e.Close()
	s := serve(t, Config{}, e)
	texts, _ := references(t)
	large := make([]string, 50) // of some batches
	for i := range large {
		large[i] = texts[len(texts)-1]
	}
	answered := make(chan answer, 1)
	go func() { answered <- s.post(t, body(t, large)) }()
	require.Eventually(t, func() bool {
		a := s.post(t, body(t, "a"))
		return a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") != "" && a.error(t).code() == "overloaded"
	}, time.Minute, time.Millisecond)
	require.Equal(t, http.StatusOK, (<-answered).status)
	s.works(t)
}

// What takes longer than a request has is not refused for good: how fast the
// machine is changes, and what a request may have does not.
func TestMoreThanCanBeComputed(t *testing.T) {
	request := body(t, slices.Repeat([][]int64{{101, 102}}, 129))
	a := serve(t, Config{Deadline: time.Millisecond}, miniLM(t)).post(t, request)
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.NotEmpty(t, a.header.Get("Retry-After"))
	require.Equal(t, "overloaded", a.error(t).code())
	require.Equal(t, http.StatusOK, serve(t, Config{}, miniLM(t)).post(t, request).status)

	a = serve(t, Config{MaxTokens: 256}, miniLM(t)).post(t, request)
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Empty(t, a.header.Get("Retry-After"))
	require.Equal(t, "too_many_tokens", a.error(t).code())
	require.Contains(t, a.error(t).Message, "more than 256 tokens")
}

// Bodies that wait for a place to be parsed are bounded, and so is their wait.
func TestPlacesToParse(t *testing.T) {
	s := serve(t, Config{Parsing: 1, MaxBody: 100, MaxBodies: 100, Deadline: 300 * time.Millisecond}, &stalled{})
	s.parsing <- struct{}{} // somebody has it
	waits := make(chan answer, 1)
	go func() { waits <- s.post(t, body(t, strings.Repeat("a", 60))) }()
	require.Eventually(t, func() bool {
		free := s.bodies.TryAcquire(100)
		if free {
			s.bodies.Release(100)
		}
		return !free
	}, time.Minute, time.Millisecond)
	a := s.post(t, body(t, strings.Repeat("b", 60)))
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Equal(t, "1", a.header.Get("Retry-After"))
	require.Equal(t, "overloaded", a.error(t).code())
	require.Equal(t, "overloaded", (<-waits).error(t).code())
	<-s.parsing
	s.works(t)
}

// What a client asked for that left is computed until the deadline at most.
func TestClientLeaves(t *testing.T) {
	m := &stalled{wait: time.Hour, began: make(chan struct{}, 1)}
	s := serve(t, Config{Deadline: 100 * time.Millisecond}, m)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := do(ctx, "POST", "http://"+s.api+"/v1/embeddings", "application/json", body(t, "a"))
		left <- err
	}()
	<-m.began
	leave()
	require.ErrorIs(t, <-left, context.Canceled)
	require.Eventually(t, func() bool { return m.ended.Load() == 1 }, time.Minute, time.Millisecond)
}

func TestShutdownAnswersWhatIsUnderWay(t *testing.T) {
	m := &stalled{wait: 300 * time.Millisecond, began: make(chan struct{}, 1)}
	s := serve(t, Config{}, m)
	answered := make(chan answer, 1)
	go func() { answered <- s.post(t, body(t, "a")) }()
	<-m.began
	require.NoError(t, s.stop())
	require.Equal(t, http.StatusOK, (<-answered).status)
	require.Equal(t, Draining, s.Health().State)
	_, err := do(t.Context(), "GET", "http://"+s.api+"/healthz", "", "")
	require.Error(t, err)
}

// While it drains the API takes no connection, and operators see why.
func TestDrainingIsSeen(t *testing.T) {
	s := serve(t, Config{}, &stalled{})
	request := body(t, "a")
	c := dial(t, s.api, len(request))
	_, err := io.WriteString(c, request[:1])
	require.NoError(t, err)
	require.Eventually(t, func() bool { _, arriving := s.clients.Held(); return arriving > 0 }, time.Minute, time.Millisecond)
	s.end()
	require.Eventually(t, func() bool {
		_, err := do(t.Context(), "GET", "http://"+s.api+"/healthz", "", "")
		return err != nil
	}, time.Minute, time.Millisecond)
	a := get(t, "http://"+s.admin+"/healthz")
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Contains(t, string(a.body), `"state":"draining"`)
	_, err = io.WriteString(c, request[1:])
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, hear(t, c).status)
	require.NoError(t, s.stop())
}

func TestShutdownHasAnEnd(t *testing.T) {
	m := &stalled{wait: time.Hour, began: make(chan struct{}, 1)}
	s := serve(t, Config{Drain: 50 * time.Millisecond}, m)
	failed := make(chan error, 1)
	go func() {
		_, err := do(t.Context(), "POST", "http://"+s.api+"/v1/embeddings", "application/json", body(t, "a"))
		failed <- err
	}()
	<-m.began
	require.ErrorIs(t, s.stop(), context.DeadlineExceeded)
	require.Error(t, <-failed)
}
