package cli

import (
	"bytes"
	"errors"
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
