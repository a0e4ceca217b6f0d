package formats_test

import (
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
)

func TestClassText(t *testing.T) {
	for class, word := range map[formats.Class]string{formats.Denied: `"denied"`, formats.Unverifiable: `"unverifiable"`} {
		text, err := json.Marshal(class)
		require.NoError(t, err)
		require.Equal(t, word, string(text))
		back := formats.Class(9)
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, class, back)
	}
	require.Equal(t, "denied", formats.Class(9).String(), "what is neither is the worse")
	require.ErrorContains(t, new(formats.Class).UnmarshalText([]byte("clean")), "clean")
}

func TestSeverityText(t *testing.T) {
	for severity, word := range map[formats.Severity]string{
		formats.Info: "info", formats.Low: "low", formats.Medium: "medium", formats.High: "high", formats.Critical: "critical",
	} {
		text, err := severity.MarshalText()
		require.NoError(t, err)
		require.Equal(t, word, string(text))
		var back formats.Severity
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, severity, back)
		require.Equal(t, severity, severity.Rank())
	}
	for _, word := range []string{"", "CRITICAL", "fatal"} {
		require.ErrorContains(t, new(formats.Severity).UnmarshalText([]byte(word)), "no severity")
	}
}

// What nobody rated is not harmless.
func TestSeverityZeroIsCritical(t *testing.T) {
	for _, s := range []formats.Severity{0, formats.Critical + 1, 255} {
		require.Equal(t, formats.Critical, s.Rank())
		require.Equal(t, "critical", s.String())
	}
}

func TestCodeTable(t *testing.T) {
	table := formats.CodeTable{
		{Code: "x.short", Class: formats.Denied, Severity: formats.High, Advice: "Fetch it again."},
		{Code: "x.limit", Class: formats.Unverifiable, Severity: formats.Low, Advice: "Raise it."},
	}
	require.Equal(t, formats.Finding{
		Code: "x.limit", Class: formats.Unverifiable, Severity: formats.Low,
		File: "m", Offset: 7, Detail: "9 of 8", Advice: "Raise it.",
	}, table.Finding("x.limit", "m", 7, "%d of %d", 9, 8))

	strange := table.Finding("x.other", "m", 0, "")
	require.Equal(t, formats.Denied, strange.Class)
	require.Equal(t, formats.Critical, strange.Severity)
}

func TestFindingString(t *testing.T) {
	for want, f := range map[string]formats.Finding{
		"x.y":            {Code: "x.y"},
		"x.y: why":       {Code: "x.y", Offset: 3, Detail: "why"},
		"x.y a/b: why":   {Code: "x.y", File: "a/b", Detail: "why"},
		"x.y a/b@3: why": {Code: "x.y", File: "a/b", Offset: 3, Detail: "why"},
		`x.y "a\nb"@3`:   {Code: "x.y", File: "a\nb", Offset: 3},
	} {
		require.Equal(t, want, f.String())
	}
}

func TestSyntaxError(t *testing.T) {
	table := formats.CodeTable{{Code: "x.short", Class: formats.Unverifiable, Severity: formats.High}}
	err := table.Syntax("x", "x.short", "m", 3, "%d left", 2)
	require.Equal(t, "x: x.short m@3: 2 left", err.Error())
	require.Equal(t, formats.Unverifiable, err.Class)
	require.NoError(t, errors.Unwrap(err))

	err.Err = io.ErrUnexpectedEOF
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, "x: x.short m@3: 2 left: unexpected EOF", err.Error())
}

func TestQuote(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"", ""},
		{"a/b-c_d.e f", "a/b-c_d.e f"},
		{"~", "~"},
		{`a"b`, `"a\"b"`},
		{`a\b`, `"a\\b"`},
		{"a\nb\x00\x1b[31m", `"a\nb\x00\x1b[31m"`},
		{"a\x7f", `"a\x7f"`},
		{"é", `"\u00e9"`},
		{"safe\u202egpj.exe", `"safe\u202egpj.exe"`}, // right-to-left override
		{"a\u200bb", `"a\u200bb"`},                   // zero width
		{"\U0001f600", `"\U0001f600"`},
		{"\xff\xfe", `"\xff\xfe"`},
		{"\ufffd", `"\ufffd"`},
	} {
		got := formats.Quote(c.name)
		require.Equal(t, c.want, got)
		for _, r := range got {
			require.True(t, 0x20 <= r && r <= 0x7e, "%q", got)
		}
	}
}
