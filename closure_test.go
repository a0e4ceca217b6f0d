package weightgate

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a service links that imports only loader: no cgo outside the standard
// library, no converter, no source that it does not name, and nothing else
// that is not on this list.
var loaderClosure = []string{
	"github.com/weightgate/weightgate/formats",
	"github.com/weightgate/weightgate/loader",
	"github.com/weightgate/weightgate/loader/internal/filelock",
	"github.com/weightgate/weightgate/loader/internal/hashing",
	"github.com/weightgate/weightgate/loader/internal/memory",
	"github.com/weightgate/weightgate/policy",
	"github.com/weightgate/weightgate/policy/attestation",
	"github.com/weightgate/weightgate/policy/internal/strictjson",
	"github.com/weightgate/weightgate/policy/manifest",
	"github.com/weightgate/weightgate/policy/revocation",
	"github.com/weightgate/weightgate/policy/signature",
	"go.yaml.in/yaml/v3",
	"golang.org/x/sync/errgroup",
	"golang.org/x/sys/unix",
}

func TestLoaderClosure(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}} {{len .CgoFiles}}{{end}}", "./loader")
	cmd.Env = append(cmd.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=1")
	out, err := cmd.Output()
	require.NoError(t, err)
	var linked []string
	for line := range strings.Lines(string(out)) {
		name, cgo, ok := strings.Cut(strings.TrimSpace(line), " ")
		require.True(t, ok, line)
		require.Equal(t, "0", cgo, "%s has cgo files", name)
		linked = append(linked, name)
	}
	require.ElementsMatch(t, loaderClosure, linked)
}
