package convert

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
)

func TestCodes(t *testing.T) {
	seen := map[formats.Code]bool{}
	for _, info := range Codes() {
		require.False(t, seen[info.Code], "%s stands there twice", info.Code)
		seen[info.Code] = true
		family, _, _ := strings.Cut(string(info.Code), ".")
		require.Contains(t, []string{"convert", "sandbox"}, family)
		require.True(t, strings.HasSuffix(info.Advice, "."), "%s: %q is no sentence", info.Code, info.Advice)
		require.NotZero(t, info.Severity)
		if family == "sandbox" {
			require.Equal(t, formats.Unverifiable, info.Class, info.Code)
		}
	}
	Codes()[0].Code = "changed"
	require.NotEqual(t, formats.Code("changed"), Codes()[0].Code)
}
