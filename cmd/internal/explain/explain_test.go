package explain

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/signature"
)

// Each code that can be raised is explained once, and nothing else is.
func TestEveryCodeIsExplained(t *testing.T) {
	explained := map[formats.Code]bool{}
	for _, e := range entries() {
		require.False(t, explained[e.code], "%s is explained twice", e.code)
		explained[e.code] = true
	}
	require.Greater(t, len(explained), 100)
	for _, c := range Codes() {
		require.True(t, explained[c.Code], "%s is not explained", c.Code)
		delete(explained, c.Code)
		for _, said := range []string{c.Meaning, c.Why, c.Advice} {
			require.NotEmpty(t, said, c.Code)
			require.True(t, strings.HasSuffix(said, "."), "%s: %q is no sentence", c.Code, said)
		}
		frameworks := map[*Framework]bool{}
		for _, id := range c.IDs {
			frameworks[id.Framework] = true
		}
		require.Len(t, frameworks, len(Frameworks()), "%s is not in every framework: %v", c.Code, c.IDs)
	}
	require.Empty(t, explained, "explained, and raised by nobody")
}

func TestIDs(t *testing.T) {
	forms := map[*Framework]string{
		&cwe:   `^CWE-[1-9]\d{1,3}$`,
		&llm:   `^LLM(0[1-9]|10):2025$`,
		&atlas: `^AML\.T\d{4}(\.\d{3})?$`,
		&aisvs: `^\d{1,2}\.\d\.\d{1,2}$`,
	}
	used := map[string]bool{}
	for _, e := range entries() {
		wanted := strings.Fields(e.risk.ids)
		require.Len(t, lookup(e.risk.ids), len(wanted), "%s: %q has an id without a title, or twice", e.code, e.risk.ids)
		for _, id := range wanted {
			used[id] = true
		}
	}
	for _, f := range Frameworks() {
		for _, id := range f.IDs() {
			require.Regexp(t, regexp.MustCompile(forms[f]), id.ID)
			require.NotEmpty(t, id.Title)
			require.True(t, used[id.ID], "%s is mapped to no code", id.ID)
		}
	}
}

func TestFind(t *testing.T) {
	for _, info := range append(append(formats.CodeTable{}, loader.Codes()...), policy.Codes()...) {
		c, ok := Find(string(info.Code))
		require.True(t, ok)
		require.Equal(t, info, c.CodeInfo)
	}
	_, ok := Find("pin")
	require.False(t, ok)
	_, ok = Find("")
	require.False(t, ok)
}

func TestNear(t *testing.T) {
	require.Equal(t, []formats.Code{policy.CodePinChanged}, Near("pin.chnged"))
	require.Equal(t, []formats.Code{policy.CodePinChanged, loader.CodeChanged, policy.CodeDerivedChanged, policy.CodeLibraryChanged, signature.CodeFileChanged}, Near("changed"))
	require.Len(t, Near("onnx"), 5)
	require.Empty(t, Near("weather"))
	require.Empty(t, Near(""))
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"same", "same", 0}} {
		require.Equal(t, c.want, distance(c.a, c.b), "%q and %q", c.a, c.b)
		require.Equal(t, c.want, distance(c.b, c.a), "%q and %q", c.b, c.a)
	}
}

// What is printed fits a terminal.
func TestTextFits(t *testing.T) {
	var text bytes.Buffer
	require.NoError(t, List(&text))
	for _, c := range Codes() {
		require.Contains(t, "\n"+text.String(), "\n"+string(c.Code)+" ")
		require.NoError(t, c.WriteText(&text))
	}
	for line := range strings.Lines(text.String()) {
		require.LessOrEqual(t, utf8.RuneCountInString(line), columns+1, line)
		require.Equal(t, strings.TrimRight(line, " \n"), strings.TrimRight(line, "\n"))
	}
}
