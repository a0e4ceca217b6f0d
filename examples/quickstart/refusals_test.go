package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

func TestSwapAE(t *testing.T) {
	require.Equal(t, "x\ne\nb\na\nea", string(swapAE([]byte("x\na\nb\ne\nea"))))
	require.Equal(t, "x\ne\n", string(swapAE([]byte("x\na\n"))))
}

func TestFlipMiddle(t *testing.T) {
	content := []byte{1, 2, 3, 4}
	require.Equal(t, []byte{1, 2, 0xfc, 4}, flipMiddle(content))
	require.Equal(t, []byte{1, 2, 3, 4}, content)
}

func TestChanged(t *testing.T) {
	for _, c := range []struct {
		name    string
		verdict policy.Verdict
		code    formats.Code
		file    string
		want    bool
	}{
		{"the file is not what was pinned", policy.Denied, policy.CodePinChanged, graph, true},
		{"another file", policy.Denied, policy.CodePinChanged, dictionary, false},
		{"another reason", policy.Denied, policy.CodePinMissing, graph, false},
		{"it could not be read", policy.Unverifiable, policy.CodePinChanged, graph, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := formats.Finding{Code: c.code, File: c.file}
			report := &loader.Report{Verdict: c.verdict, Decisions: []policy.Decision{
				{Phase: policy.PhaseDigest, Verdict: c.verdict, Reasons: []policy.Reason{{Finding: found}}},
			}}
			require.Equal(t, c.want, changed(&loader.Rejection{Report: report}, graph))
		})
	}
}
