package sarif

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

func TestWrite(t *testing.T) {
	report := &loader.Report{Name: "models/bert", Origin: policy.Origin{Kind: "dir"}, Findings: []formats.Finding{
		policy.Codes().Finding(policy.CodePinChanged, "a b.txt", 0, "changed"),
		loader.Codes().Finding(loader.CodeRead, "x/y", 17, "bad sector"),
		{Code: "code.of.nobody"},
	}}
	var printed bytes.Buffer
	require.NoError(t, Write(&printed, []*loader.Report{report}, 1))
	require.Equal(t, 1, strings.Count(printed.String(), "\n"))

	var l log
	require.NoError(t, json.Unmarshal(printed.Bytes(), &l))
	require.Equal(t, "2.1.0", l.Version)
	require.Len(t, l.Runs, 1)
	r := l.Runs[0]
	require.Equal(t, []invocation{{Successful: false, ExitCode: 1}}, r.Invocations)
	require.NotEmpty(t, r.Tool.Driver.Version)

	require.Len(t, r.Tool.Driver.Rules, 2)
	rule := r.Tool.Driver.Rules[1]
	require.Equal(t, "pin.changed", rule.ID)
	require.Contains(t, rule.Help.Text, "Find out who changed the file.")
	require.Contains(t, rule.FullDescription.Text, rule.ShortDescription.Text)
	require.Contains(t, rule.Properties.Tags, "external/cwe/cwe-354")
	require.Contains(t, rule.Relationships, relationship{
		Target: target{ID: "AML.T0018", Component: reference{"MITRE ATLAS"}}, Kinds: []string{"relevant"}})

	taxa := map[string]bool{} // what rules refer to is there, and nothing else
	for _, taxonomy := range r.Taxonomies {
		for _, taxon := range taxonomy.Taxa {
			taxa[taxonomy.Name+" "+taxon.ID] = false
		}
	}
	for _, rule := range r.Tool.Driver.Rules {
		for _, to := range rule.Relationships {
			require.Contains(t, taxa, to.Target.Component.Name+" "+to.Target.ID)
			taxa[to.Target.Component.Name+" "+to.Target.ID] = true
		}
	}
	require.NotContains(t, taxa, false)
	for taxon, referred := range taxa {
		require.True(t, referred, taxon)
	}

	at := func(uri string, region *region) []location {
		return []location{{Physical: physical{Artifact: artifact{uri}, Region: region}}}
	}
	require.Equal(t, []result{
		{RuleID: "pin.changed", RuleIndex: 1, Level: "error", Locations: at("models/bert/a%20b.txt", nil),
			Message:    text{"changed\n" + rule.Help.Text},
			Properties: &properties{Severity: "critical", Class: "denied"}},
		{RuleID: "file.read", RuleIndex: 0, Level: "error", Locations: at("models/bert/x/y", &region{Offset: 17}),
			Message:    text{"bad sector\n" + r.Tool.Driver.Rules[0].Help.Text},
			Properties: &properties{Severity: "high", Class: "unverifiable"}},
		{RuleID: "code.of.nobody", RuleIndex: -1, Level: "error", Locations: at("models/bert", nil),
			Message:    text{"code.of.nobody"},
			Properties: &properties{Severity: "critical", Class: "denied"}},
	}, r.Results)
}

func TestWriteNothing(t *testing.T) {
	var printed bytes.Buffer
	require.NoError(t, Write(&printed, []*loader.Report{{Name: "m"}}, 0))
	require.Contains(t, printed.String(), `"results":[]`)
	require.Contains(t, printed.String(), `"executionSuccessful":true,"exitCode":0`)
}

func TestLevel(t *testing.T) {
	for severity, want := range map[formats.Severity]string{
		0: "error", formats.Info: "note", formats.Low: "note", formats.Medium: "warning", formats.High: "error", formats.Critical: "error", 99: "error",
	} {
		require.Equal(t, want, level(severity))
	}
}

func TestURI(t *testing.T) {
	for _, c := range []struct{ kind, name, file, want string }{
		{"dir", "m", "a/b", "m/a/b"},
		{"dir", "m/", "a", "m/a"},
		{"dir", ".", "a", "./a"},
		{"dir", "m", "", "m"},
		{"file", "m/x.onnx", "x.onnx", "m/x.onnx"},
		{"hub", "/cache/c", "a", "file:///cache/c/a"},
		{"dir", "/m", "a b#?%\x1b", "file:///m/a%20b%23%3F%25%1B"},
		{"file", "no:scheme", "no:scheme", "./no:scheme"},
	} {
		require.Equal(t, c.want, uri(&loader.Report{Name: c.name, Origin: policy.Origin{Kind: c.kind}}, c.file))
	}
}
