package convert

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/loader/convert/plan"
)

func TestShown(t *testing.T) {
	plain := strings.Repeat("n", plan.MaxText)
	require.Equal(t, plain, shown(plain))
	require.Equal(t, `"a\x1b[2J"`, shown("a\x1b[2J"))
	require.LessOrEqual(t, len(shown(strings.Repeat("\x1b", plan.MaxText))), plan.MaxText+8)
}
