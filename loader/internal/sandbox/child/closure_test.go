package child

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/weightgate/weightgate/"

// What runs in a child, outside the standard library.
var closure = []string{
	module + "formats/pickle/machine",
	module + "formats/torch/grammar",
	module + "loader/convert/plan",
	module + "loader/internal/sandbox/child",
	module + "loader/internal/sandbox/walls",
}

// Inside it, what would have to be initialised before the hook takes over, and
// would draw the host's packages before it that need no more.
var denied = []string{"context", "encoding/binary", "encoding/json", "fmt", "io/fs", "math/rand", "net", "os", "path/filepath", "reflect", "sort", "time"}

func TestClosure(t *testing.T) {
	for _, cgo := range []string{"0", "1"} {
		cmd := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}} {{.Standard}} {{len .CgoFiles}}", ".")
		cmd.Env = append(cmd.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED="+cgo)
		out, err := cmd.Output()
		require.NoError(t, err)
		var ours []string
		for line := range strings.Lines(string(out)) {
			f := strings.Fields(line)
			require.Len(t, f, 3)
			require.Equal(t, "0", f[2], "%s has cgo files", f[0])
			require.NotContains(t, denied, f[0])
			if f[1] == "false" {
				ours = append(ours, f[0])
			}
		}
		require.ElementsMatch(t, closure, ours)
	}
}
