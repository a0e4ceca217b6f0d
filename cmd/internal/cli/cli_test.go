package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

func TestVerdictCode(t *testing.T) {
	require.Equal(t, exitAdmitted, verdictCode(policy.Admitted))
	require.Equal(t, exitUnverifiable, verdictCode(policy.Pending))
	require.Equal(t, exitUnverifiable, verdictCode(policy.Unverifiable))
	require.Equal(t, exitDenied, verdictCode(policy.Denied))
	require.Equal(t, exitDenied, verdictCode(255))
}

func TestRan(t *testing.T) {
	require.NoError(t, ran(nil))
	for _, c := range []struct {
		err  error
		code int
	}{
		{errors.New("any"), exitUnverifiable},
		{denied("wrong"), exitDenied},
		{errors.Join(errors.New("any"), denied("wrong")), exitDenied},
	} {
		e, ok := errors.AsType[*ended](ran(c.err))
		require.True(t, ok)
		require.Equal(t, c.code, e.code)
	}
}

func TestSettles(t *testing.T) {
	pending := &loader.Report{Verdict: policy.Pending, Pending: []policy.Phase{policy.PhaseLibrary, policy.PhaseSession}}
	session := &loader.Report{Verdict: policy.Pending, Pending: []policy.Phase{policy.PhaseSession}}
	for _, c := range []struct {
		until string
		r     *loader.Report
		want  bool
	}{
		{"", pending, false},
		{"", session, false},
		{"inspect", pending, true},
		{"library", pending, false},
		{"library", session, true},
		{"inspect", &loader.Report{Verdict: policy.Unverifiable}, false},
		{"inspect", &loader.Report{}, false},
	} {
		var until lastPhase
		if c.until != "" {
			require.NoError(t, until.Set(c.until))
		}
		require.Equal(t, c.until, until.String())
		require.Equal(t, c.want, until.settles(c.r), "--until %s: %v", c.until, c.r.Pending)
	}
}

func TestStrict(t *testing.T) {
	const lenient = `{version: 1, lock: l, models: [
  {name: a, source: [dir], formats: [onnx], pin: required, findings: {refuse: critical}, files: {only: ["\"findings\":{\"refuse\":\"critical\"},"]}},
  {name: b, source: [dir], formats: [onnx], pin: required, findings: {refuse: low}},
  {findings: {refuse: critical}, name: c, source: [dir], formats: [onnx], pin: required, limits: {bytes: 9223372036854775807}}]}`
	lock := new(policy.Lock).Encode()
	pol, err := policy.Parse([]byte(lenient), lock)
	require.NoError(t, err)
	want, err := policy.Parse([]byte(strings.ReplaceAll(lenient, "findings: {refuse: critical}", "findings: {refuse: high}")), lock)
	require.NoError(t, err)
	require.NotEqual(t, pol.Digest(), want.Digest())
	got, err := policy.Parse(strict(pol), lock)
	require.NoError(t, err)
	require.Equal(t, want.Digest(), got.Digest())
}

func TestProgress(t *testing.T) {
	var w bytes.Buffer
	p := progress{&w}
	p.show(loader.Progress{Name: "ocr", Done: 1 << 20, Total: 4 << 20})
	require.Equal(t, "\r\x1b[Kocr: 1 of 4 MiB, 25 %", w.String())
	w.Reset()
	p.show(loader.Progress{Name: "ocr"})
	require.Equal(t, "\r\x1b[Kocr: 0 of 0 MiB, 100 %", w.String())
	w.Reset()
	p.clear()
	require.Equal(t, "\r\x1b[K", w.String())
}
