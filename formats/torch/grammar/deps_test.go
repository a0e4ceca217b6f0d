package grammar_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The confined child runs this package before anything else of its process is
// initialised: what needs an operating system has no place here.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	linked := strings.Fields(string(out))
	require.Contains(t, linked, "github.com/weightgate/weightgate/formats/pickle/machine")
	for _, path := range linked {
		require.NotContains(t, []string{"fmt", "os", "time", "context", "net", "syscall", "encoding/json", "encoding/binary", "github.com/weightgate/weightgate/formats"}, path)
	}
}
