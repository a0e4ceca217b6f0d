package service

import (
	"context"
	"net/http"
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
		name   string
		model  *stalled
		status int
		kind   string
		code   string
		after  string
	}{
		{"the queue is full", &stalled{err: encoder.ErrBusy}, 503, serverError, "overloaded", "1"},
		{"it closes", &stalled{err: encoder.ErrClosed}, 503, serverError, "overloaded", "1"},
		{"it takes too long", &stalled{wait: time.Hour}, 503, serverError, "overloaded", "1"},
		{"no numbers", &stalled{err: encoder.ErrNotFinite}, 500, serverError, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, Config{Deadline: 50 * time.Millisecond}, c.model)
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
	large := make([]string, 1000) // of 200,000 tokens
	for i := range large {
		large[i] = texts[len(texts)-1]
	}
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := do(ctx, "POST", "http://"+s.api+"/v1/embeddings", "application/json", body(t, large))
		left <- err
	}()
	require.Eventually(t, func() bool {
		a := s.post(t, body(t, "a"))
		return a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") == "1" && a.error(t).code() == "overloaded"
	}, time.Minute, time.Millisecond)
	leave()
	require.ErrorIs(t, <-left, context.Canceled)
	require.Eventually(t, func() bool { return s.post(t, body(t, "a")).status == http.StatusOK }, time.Minute, time.Millisecond)
}

func TestClientLeaves(t *testing.T) {
	m := &stalled{wait: time.Hour, began: make(chan struct{}, 1)}
	s := serve(t, Config{}, m)
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
