package cli

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

func TestThreshold(t *testing.T) {
	for severity := formats.Info; severity <= formats.Critical; severity++ {
		var fail threshold
		require.NoError(t, fail.Set(severity.String()))
		require.Equal(t, severity.String(), fail.String())
		for found := formats.Severity(0); found <= formats.Critical; found++ {
			for _, class := range []formats.Class{formats.Denied, formats.Unverifiable} {
				seen := formats.Finding{Code: "x.y", Class: class, Severity: found}
				r, err := fail.judge(&loader.Report{Event: loader.EventInspect, Verdict: policy.Pending, Findings: []formats.Finding{seen}})
				require.NoError(t, err)
				want := policy.Pending
				switch {
				case class == formats.Unverifiable:
					want = policy.Unverifiable
				case found.Rank() >= severity:
					want = policy.Denied
				}
				require.Equal(t, want, r.Verdict, "%s %s, from %s up", class, found, severity)
				require.Equal(t, want != policy.Pending, len(r.Reasons()) == 1)
				require.Equal(t, []formats.Finding{seen}, r.Findings)
			}
		}
	}
	require.Error(t, new(threshold).Set("none"))
}

// Why a look ended early is among the findings, and counts.
func TestThresholdOfARejection(t *testing.T) {
	ended := loader.Codes().Finding(loader.CodeCanceled, "", 0, "context canceled")
	seen := formats.Finding{Code: "x.y", Severity: formats.Low}
	look := &loader.Report{Event: loader.EventInspect, Verdict: policy.Unverifiable, Findings: []formats.Finding{seen}, Decisions: []policy.Decision{
		{Phase: policy.PhaseStat, Verdict: policy.Unverifiable, Reasons: []policy.Reason{{Finding: ended, Rule: "line"}}},
	}}
	before, err := json.Marshal(look)
	require.NoError(t, err)
	r, err := threshold(formats.Critical).judge(look)
	require.NoError(t, err)
	require.Equal(t, policy.Unverifiable, r.Verdict)
	require.ElementsMatch(t, []formats.Finding{ended, seen}, r.Findings)
	require.Len(t, r.Reasons(), 1)

	r, err = threshold(formats.Low).judge(look)
	require.NoError(t, err)
	require.Equal(t, policy.Denied, r.Verdict)
	require.Equal(t, "x.y", string(r.Reasons()[0].Code), "the worst first")
	require.Len(t, r.Reasons(), 2)

	after, err := json.Marshal(look)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after), "a report that was handed out was changed")
}

func TestSummaryCounts(t *testing.T) {
	var s summary
	require.Equal(t, exitAdmitted, s.exitCode())
	s.add(&loader.Report{Verdict: policy.Pending, Findings: []formats.Finding{{Severity: formats.Info}, {Severity: formats.Low}, {Severity: formats.Medium}, {}}})
	require.Equal(t, exitAdmitted, s.exitCode())
	s.add(&loader.Report{Verdict: policy.Unverifiable, Tensors: 2, Findings: []formats.Finding{{Severity: formats.High}}})
	require.Equal(t, exitUnverifiable, s.exitCode())
	s.add(&loader.Report{Files: make([]loader.FileReport, 3)})
	require.Equal(t, exitDenied, s.exitCode())
	require.Equal(t, "3 paths: 1 denied, 1 unverifiable, 1 inspected; 3 files, 2 tensors; findings: 1 critical, 1 high, 1 medium, 1 low, 1 info", s.String())
}
