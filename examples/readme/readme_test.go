package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy"
)

const begins = "// README begins here.\n"

// What the README shows is what is compiled here, letter for letter.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	source, err := os.ReadFile("main.go")
	require.NoError(t, err)
	var shown, compiled []string
	for rest := string(readme); strings.Contains(rest, "```go\n"); _, rest, _ = strings.Cut(rest, "```go\n") {
		shown = append(shown, between(t, rest, "```go\n", "```\n"))
	}
	for rest := string(source); strings.Contains(rest, begins); _, rest, _ = strings.Cut(rest, begins) {
		compiled = append(compiled, between(t, rest, begins, "\n// README ends here.\n"))
	}
	require.Len(t, shown, 3)
	require.Equal(t, shown, compiled)
}

// The policies that the README shows are some.
func TestREADMEPolicy(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	var names []string
	for rest := string(readme); strings.Contains(rest, "```yaml\n"); _, rest, _ = strings.Cut(rest, "```yaml\n") {
		text, lock := between(t, rest, "```yaml\n", "```\n"), ""
		if strings.Contains(text, "\nlock: ") {
			lock = "weightgate.lock v1\n"
		}
		p, err := policy.Parse([]byte(text), []byte(lock))
		require.NoError(t, err)
		names = append(names, p.Names()...)
	}
	require.Equal(t, []string{"bert", "bert", "reranker", "minilm"}, names)
}

func between(t *testing.T, s, begin, end string) string {
	t.Helper()
	_, s, ok := strings.Cut(s, begin)
	require.True(t, ok, "no %q", begin)
	s, _, ok = strings.Cut(s, end)
	require.True(t, ok, "no %q", end)
	return s
}
