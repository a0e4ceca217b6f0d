package policy_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy"
)

// The schema is held against the reader in the module cmd/internal/cli/sariftest,
// which has a validator. Here it is one text, that the caller owns.
func TestSchema(t *testing.T) {
	text := policy.Schema()
	var s struct {
		Required   []string
		Properties map[string]any
	}
	require.NoError(t, json.Unmarshal(text, &s))
	require.Equal(t, []string{"models", "version"}, s.Required)
	require.Contains(t, s.Properties, "signers")
	again := policy.Schema()
	require.Equal(t, text, again)
	text[0] = 'x'
	require.Equal(t, again, policy.Schema())
}
