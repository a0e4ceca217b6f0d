package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/cmd/internal/cli"
	"github.com/weightgate/weightgate/policy"
)

// The command says of the golden cases what the package says.
func TestPolicyTestGolden(t *testing.T) {
	const dir = "../../../policy/testdata/cases"
	for _, name := range []string{"enforce", "audit", "revoked"} {
		path, casesPath := filepath.Join(dir, name+".yaml"), filepath.Join(dir, name+".cases.yaml")
		p, err := policy.Open(path)
		require.NoError(t, err)
		text, err := os.ReadFile(casesPath)
		require.NoError(t, err)
		cases, err := policy.ParseCases(text)
		require.NoError(t, err)
		var want strings.Builder
		for _, c := range cases {
			d, wrong := c.Try(p)
			require.Empty(t, wrong)
			want.WriteString("ok      " + c.Name + ": " + d.Verdict.String() + "\n")
		}
		var out, errs bytes.Buffer
		require.Equal(t, 0, cli.Main([]string{"policy", "test", path, casesPath}, &out, &errs), errs.String())
		require.Equal(t, want.String(), out.String())
		require.Empty(t, errs.String())
	}
}
