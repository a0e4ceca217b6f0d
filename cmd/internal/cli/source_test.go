package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A token is one line, however it ends, of as many characters as are said.
func TestTokenFile(t *testing.T) {
	longest := strings.Repeat("x", maxToken)
	for text, holds := range map[string]bool{
		"secret":              true,
		"secret\n":            true,
		"secret\r\n":          true,
		longest:               true,
		longest + "\n":        true,
		longest + "\r\n":      true,
		longest + "x":         false,
		longest + "x\r\n":     false,
		longest + longest:     false,
		longest + "\r\n\r\nx": false,
		"secret\n\n":          false,
		"secret word":         false,
		"\n":                  false,
		"":                    false,
	} {
		s := sourceFlags{tokenFile: filepath.Join(t.TempDir(), "token")}
		require.NoError(t, os.WriteFile(s.tokenFile, []byte(text), 0o600))
		token, err := s.token(t.Context())
		if !holds {
			require.ErrorContains(t, err, "holds no token", "%q", text)
			require.Empty(t, token.String())
			continue
		}
		require.NoError(t, err, "%q", text)
		require.NotEmpty(t, token.String())
	}
}
