package policy_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy"
)

// An entry that no name reaches is a rule that its author believes in, and
// that nobody asks.
func TestUnreachableEntries(t *testing.T) {
	a, b := strings.Repeat("a", 40), strings.Repeat("b", 40)
	for _, c := range []struct {
		name    string
		entries []string // name, source and what a hub needs
		line    int      // of the entry that is never reached, 0: none
	}{
		{"a pattern before a name", []string{`name: "*", source: [dir]`, "name: ocr, source: [dir]"}, 4},
		{"a name before a pattern", []string{"name: ocr, source: [dir]", `name: "*", source: [dir]`}, 0},
		{"the same twice", []string{"name: ocr, source: [dir]", "name: ocr, source: [dir]"}, 4},
		{"a wider beginning", []string{"name: o*, source: [dir]", "name: ocr*, source: [dir]"}, 4},
		{"the same beginning", []string{"name: ocr*, source: [dir]", "name: ocr*, source: [dir]"}, 4},
		{"the beginning itself", []string{"name: ocr*, source: [dir]", "name: ocr, source: [dir]"}, 4},
		{"a narrower beginning", []string{"name: ocr*, source: [dir]", "name: o*, source: [dir]"}, 0},
		{"a name before its beginning", []string{"name: ocr, source: [dir]", "name: ocr*, source: [dir]"}, 0},
		{"other names", []string{"name: ocr, source: [dir]", "name: ocr2, source: [dir]"}, 0},
		{"other sources", []string{`name: "*", source: [fs]`, "name: ocr, source: [dir]"}, 0},
		{"more sources", []string{`name: "*", source: [dir]`, "name: ocr, source: [dir, fs]"}, 0},
		{"fewer sources", []string{`name: "*", source: [dir, fs]`, "name: ocr, source: [fs]"}, 4},
		{"several together", []string{`name: "*", source: [dir]`, "name: o*, source: [fs]", "name: ocr, source: [dir, fs]"}, 5},
		{"the third of three", []string{"name: a, source: [dir]", "name: b*, source: [dir]", "name: bert, source: [dir]"}, 5},
		{"any repository", []string{`name: "*", source: [hub]`, "name: ocr, source: [hub], repository: acme/ocr, commit: " + a}, 4},
		{"the same repository", []string{`name: "*", source: [hub], repository: acme/ocr`, "name: ocr, source: [hub], repository: acme/ocr, commit: " + a}, 4},
		{"the same commit", []string{`name: "*", source: [hub], commit: ` + a, "name: ocr, source: [hub], repository: acme/ocr, commit: " + a}, 4},
		{"another repository", []string{`name: "*", source: [hub], repository: acme/bert`, "name: ocr, source: [hub], repository: acme/ocr"}, 0},
		{"another commit", []string{`name: "*", source: [hub], commit: ` + b, "name: ocr, source: [hub], commit: " + a}, 0},
		{"one repository before any", []string{`name: "*", source: [hub], repository: acme/ocr`, "name: ocr, source: [hub]"}, 0},
		{"a directory beside a repository", []string{`name: "*", source: [dir, hub], repository: acme/bert`, "name: ocr, source: [dir]"}, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := "version: 1\nmodels:\n"
			for _, e := range c.entries {
				text += "  - {" + e + ", formats: [onnx], unpinned: true}\n"
			}
			p, err := policy.Parse([]byte(text), nil)
			if c.line == 0 {
				require.NoError(t, err)
				return
			}
			require.Nil(t, p)
			var parse *policy.ParseError
			require.ErrorAs(t, err, &parse)
			require.Equal(t, c.line, parse.Line)
			require.Equal(t, 5, parse.Column)
			require.Contains(t, parse.Msg, "is never reached")
		})
	}
}
