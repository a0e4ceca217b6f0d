package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy"
)

// What the README shows is what is compiled here, letter for letter.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	source, err := os.ReadFile("main.go")
	require.NoError(t, err)
	code := between(t, string(source), "// README begins here.\n", "\n// README ends here.\n")
	require.Equal(t, code, between(t, string(readme), "```go\n", "```\n"))
}

// The policy that the README shows is one.
func TestREADMEPolicy(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	p, err := policy.Parse([]byte(between(t, string(readme), "```yaml\n", "```\n")), []byte("weightgate.lock v1\n"))
	require.NoError(t, err)
	require.Equal(t, []string{"bert"}, p.Names())
}

func between(t *testing.T, s, begin, end string) string {
	t.Helper()
	_, s, ok := strings.Cut(s, begin)
	require.True(t, ok, "no %q", begin)
	s, _, ok = strings.Cut(s, end)
	require.True(t, ok, "no %q", end)
	return s
}
