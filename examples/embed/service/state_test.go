package service

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/examples/embed/encoder"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

func TestNewNeedsAName(t *testing.T) {
	s, err := New(Config{})
	require.Error(t, err)
	require.Nil(t, s)
}

// health is what /healthz answers operators. All others get the same without
// errors, details and paths.
func (r *running) health(t testing.TB) (int, Health) {
	public, admin := get(t, "http://"+r.api+"/healthz"), get(t, "http://"+r.admin+"/healthz")
	require.Equal(t, public.status, admin.status)
	var h, told Health
	require.NoError(t, json.Unmarshal(admin.body, &h))
	require.NoError(t, json.Unmarshal(public.body, &told))
	require.Equal(t, h.public(), told)
	require.NotContains(t, string(public.body), "/tmp")
	require.Equal(t, "minilm", h.Model)
	require.False(t, h.Since.IsZero())
	return public.status, h
}

func TestPublicHealth(t *testing.T) {
	h := Health{State: Denied, Model: "m", Error: "open /srv/m", Reasons: []Reason{
		{Code: "A1", File: "1_Pooling/config.json", Detail: "it is 0a0b", Advice: "look"},
		{Code: "A2", File: "/opt/lib.so", Detail: "/opt/lib.so is 0c0d", Advice: "pin"},
		{Code: "A3", File: "../lib.so"},
	}}
	require.Equal(t, Health{State: Denied, Model: "m", Reasons: []Reason{
		{Code: "A1", File: "1_Pooling/config.json", Advice: "look"}, {Code: "A2", Advice: "pin"}, {Code: "A3"},
	}}, h.public())
}

func TestStatesAfterVerdicts(t *testing.T) {
	for verdict, want := range map[policy.Verdict]State{policy.Denied: Denied, policy.Unverifiable: Unverifiable} {
		s, err := New(Config{Model: "m"})
		require.NoError(t, err)
		s.Refuse(&loader.Rejection{Report: &loader.Report{Verdict: verdict}})
		require.Equal(t, want, s.Health().State)
		require.Equal(t, "model_"+string(want), s.now.Load().notReady().code)
	}
}

// A request that began without a model is told of the state it began in.
func TestStateOfARequest(t *testing.T) {
	s, err := New(Config{Model: "m"})
	require.NoError(t, err)
	began := s.now.Load()
	s.Ready(&stalled{})
	p := began.notReady()
	require.Equal(t, "model_loading", p.code)
	require.Equal(t, time.Second, p.retryAfter)
}

// Loading ends once, and draining never.
func TestStatesAreFinal(t *testing.T) {
	enter := map[State]func(*Service){
		Verified: func(s *Service) { s.Ready(&stalled{}) },
		Failed:   func(s *Service) { s.Refuse(errors.New("no")) },
		Draining: (*Service).drain,
	}
	for first := range enter {
		for second := range enter {
			s, err := New(Config{Model: "m"})
			require.NoError(t, err)
			enter[first](s)
			enter[second](s)
			want := first
			if second == Draining {
				want = Draining
			}
			require.Equal(t, want, s.Health().State, "%s, then %s", first, second)
			require.Equal(t, first == Verified, s.model() != nil)
		}
	}
}

func (r *running) details(t testing.TB) Details {
	a := get(t, "http://"+r.admin+"/debug/models")
	require.Equal(t, http.StatusOK, a.status)
	var list struct{ Models []json.RawMessage }
	require.NoError(t, json.Unmarshal(a.body, &list))
	require.Len(t, list.Models, 1)
	var d Details
	require.NoError(t, json.Unmarshal(list.Models[0], &d))
	return d
}

// Until there is a model nothing is served, and no list has one.
func (r *running) refuses(t testing.TB, code string) {
	a := r.post(t, body(t, "a"))
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Equal(t, code, a.error(t).code())
	require.JSONEq(t, `{"object":"list","data":[]}`, string(get(t, "http://"+r.api+"/v1/models").body))
	require.Equal(t, http.StatusNotFound, get(t, "http://"+r.api+"/v1/models/minilm").status)
}

func TestLoading(t *testing.T) {
	s := serve(t, Config{}, nil)
	status, h := s.health(t)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, Loading, h.State)
	require.Equal(t, Loading, s.details(t).State)
	require.Equal(t, "1", s.post(t, body(t, "a")).header.Get("Retry-After"))
	s.refuses(t, "model_loading")

	s.Ready(&stalled{})
	status, h = s.health(t)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, Health{State: Verified, Model: "minilm", Since: h.Since}, h)
	require.Equal(t, []Phase{{"nap", 1000}}, s.details(t).Phases)
}

func TestFailed(t *testing.T) {
	s := serve(t, Config{}, nil)
	s.Refuse(errors.New("no such graph"))
	status, h := s.health(t)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, Health{State: Failed, Model: "minilm", Since: h.Since, Error: "no such graph"}, h)
	s.refuses(t, "model_failed")
}

func TestVerified(t *testing.T) {
	m := miniLM(t)
	s := serve(t, Config{}, m)
	d := s.details(t)
	require.Equal(t, Verified, d.State)
	require.Equal(t, m.Report().Identity.String(), d.Identity)
	require.Equal(t, []string{"pin"}, d.VouchedBy)
	require.Equal(t, 384, d.Width)
	require.Equal(t, 256, d.MaxTokens)
	require.Equal(t, "cpu", d.Report.Session.Device)
	require.NotEmpty(t, d.Report.Session.Runtime)
	require.Len(t, d.Report.Files, 9)
	var names []string
	for _, p := range d.Phases {
		names = append(names, p.Name)
		require.Positive(t, p.Milliseconds)
	}
	require.Subset(t, names, []string{"copy and hash", "inspect", "seal libraries", "tokenizer", "session", "first run"})
}

func TestVouchers(t *testing.T) {
	by := func(name string) policy.Vouched { return policy.Vouched{By: name} }
	bad := policy.Vouched{By: "mallory", Problem: &formats.Finding{}}
	e := &policy.EvidenceFacts{
		Signatures: []policy.SignatureFact{{Vouched: by("release")}, {Vouched: bad}},
		Approvals:  []policy.ApprovalFact{{Vouched: bad}, {Vouched: by("alice")}},
	}
	require.Equal(t, []string{"signer release", "approver alice"}, vouchers(&loader.Report{Vouched: true, Evidence: e}))
	e.Signatures[0].Problem = bad.Problem
	require.Equal(t, []string{"pin", "approver alice"}, vouchers(&loader.Report{Vouched: true, Evidence: e}))
	require.Equal(t, []string{"pin"}, vouchers(&loader.Report{Vouched: true}))
	require.Equal(t, []string{}, vouchers(&loader.Report{Evidence: e}))
	require.Equal(t, []string{}, vouchers(nil))
}

// A tampered model is never ready, and everybody hears why.
func TestDenied(t *testing.T) {
	cfg := config(t)
	for _, file := range []string{"model.safetensors", "vocab.txt", "tokenizer.json", "config.json", "1_Pooling/config.json"} {
		t.Run(file, func(t *testing.T) {
			changed, dir := cfg, t.TempDir()
			require.NoError(t, os.CopyFS(dir, os.DirFS(cfg.Dir)))
			content, err := os.ReadFile(filepath.Join(dir, file))
			require.NoError(t, err)
			content[len(content)/2] ^= 1
			require.NoError(t, os.WriteFile(filepath.Join(dir, file), content, 0o644))
			changed.Dir = dir
			e, err := encoder.Open(t.Context(), changed)
			require.Nil(t, e)

			s := serve(t, Config{}, nil)
			s.Refuse(err)
			status, h := s.health(t)
			require.Equal(t, http.StatusServiceUnavailable, status)
			require.Equal(t, Denied, h.State)
			require.Len(t, h.Reasons, 1)
			require.Equal(t, policy.CodePinChanged, h.Reasons[0].Code)
			require.Equal(t, file, h.Reasons[0].File)
			require.NotEmpty(t, h.Reasons[0].Detail)
			require.NotEmpty(t, h.Reasons[0].Advice)
			d := s.details(t)
			require.Equal(t, h.Reasons, d.Reasons)
			require.Equal(t, policy.Denied, d.Report.Verdict)
			require.Empty(t, d.VouchedBy)
			require.False(t, d.Report.Vouched)
			s.refuses(t, "model_denied")
		})
	}
}
