package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy"
)

// maxPolicy is how long a policy may be, in bytes.
const maxPolicy = 1 << 20

// filled repeats what item says of 0, 1, 2, … between head and tail, up to the
// longest text that Parse takes.
func filled(head, item, tail string) string {
	var b strings.Builder
	b.WriteString(head)
	for i := 0; ; i++ {
		next := fmt.Sprintf(item, i)
		if b.Len()+len(next)+len(tail) > maxPolicy {
			return b.String() + tail
		}
		b.WriteString(next)
	}
}

// The longest policies are read in a time that grows as their text does: with
// a walk through the line for each node these take hours.
func TestLongestPolicies(t *testing.T) {
	const model = `"source": ["dir"], "formats": ["onnx"], "unpinned": true`
	commit := strings.Repeat("ab", 20)
	for name, text := range map[string]string{
		"models on one line": filled(`{"version": 1, "models": [{"name": "ocr", `+model+`}`, `,{"name": "m-%d", `+model+`}`, `]}`),
		"a set on one line":  filled(minimal+"    companions: [", "a%x,", "z]\n"),
		"a set of lines":     filled(minimal+"    companions:\n", "      - a%x\n", ""),
		"one name from many places": filled("version: 1\nmodels:\n",
			"  - {name: ocr, source: [hub, dir], repository: a/b%d, commit: "+commit+", formats: [onnx], unpinned: true}\n", ""),
		"long names": filled("version: 1\nmodels:\n",
			"  - {name: "+strings.Repeat("n", 240)+"%05d*, source: [dir, file, fs, hub], formats: [onnx], unpinned: true}\n", ""),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policy.Parse([]byte(text), nil)
			require.NoError(t, err)
		})
	}
	for name, text := range map[string]string{
		"lists in lists":                          strings.Repeat("[", maxPolicy),
		"mappings in mappings":                    strings.Repeat("{a: ", maxPolicy/4),
		"entries in entries":                      strings.Repeat("- ", maxPolicy/2),
		"keys on one line":                        "{" + strings.Repeat("a: 1, ", maxPolicy/6-1) + "}",
		"a set that ends with what it began with": filled(minimal+"    companions: [z,", "a%x,", "z]\n"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policy.Parse([]byte(text), nil)
			require.Error(t, err)
		})
	}
}
