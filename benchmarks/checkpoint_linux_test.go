package benchmarks

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/benchmarks/results"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/formats/torch"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/loader/convert"
	"github.com/weightgate/weightgate/policy"
)

var keepFlag = flag.String("keep", "", "a directory that keeps the checkpoint of conversions from one run to the next; empty: made for one run, where -dir says")

// checkpointName is the checkpoint's file.
const checkpointName = "model.pt"

// torchToo is what reads checkpoints and what is made of them.
func torchToo() formats.Set { return formats.Set{safetensors.Format(), torch.Format()} }

// built is the command of this checkout, at path.
func built(t testing.TB, path string) {
	t.Helper()
	said, err := exec.Command("go", "build", "-o", path, "github.com/weightgate/weightgate/cmd/weightgate").CombinedOutput()
	require.NoError(t, err, "%s", said)
}

// checkpoint is a new job with the checkpoint that real PyTorch wrote, pinned.
func checkpoint(t testing.TB) job {
	t.Helper()
	var tools tools
	if gone := tools.find(t, []string{torchReference}); len(gone) > 0 {
		skip(t, errors.New("there is no torch to write a checkpoint"))
	}
	dir := *keepFlag
	if dir == "" {
		dir = newDir(t)
	}
	require.NoError(t, os.MkdirAll(dir, 0o755))
	out, err := os.MkdirTemp(dir, "out-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(out)) })
	tools.Out, tools.Weightgate = out, filepath.Join(out, "weightgate")
	built(t, tools.Weightgate)

	mib := scaled(2048, 256)
	j := job{Dir: filepath.Join(dir, fmt.Sprintf("checkpoint-%d", mib)), Files: []string{checkpointName}, Tools: tools}
	require.NoError(t, os.MkdirAll(j.Dir, 0o755))
	if _, err := os.Stat(j.path(checkpointName)); errors.Is(err, fs.ErrNotExist) {
		script := filepath.Join(tools.Scripts, "reference.py")
		said, err := exec.Command(tools.Python, script, "make", j.path(checkpointName), fmt.Sprint(mib)).CombinedOutput()
		require.NoError(t, err, "%s", said)
	}
	return j.converting(t)
}

// converting is the job with a policy that converts, and pins for the one file
// and for what is made of it.
func (j job) converting(t testing.TB) job {
	t.Helper()
	report, err := loader.Inspect(context.Background(), modelName, loader.Dir(j.Dir), loader.InspectConfig{
		Formats: torchToo(), SHA256: true, Converter: convert.New(), Convert: weights(),
	})
	require.NoError(t, err)
	require.Len(t, report.DerivedFiles, 1, "%v", report.Findings)
	pin := policy.Pin{Name: modelName, Derived: report.DerivedFiles, Recipe: report.Recipe}
	for _, f := range report.Files {
		pin.Files = append(pin.Files, f.Entry)
	}
	lock, err := new(policy.Lock).With(pin)
	require.NoError(t, err)
	j.Lock = string(lock.Encode())
	j.Policy = policyFor("formats: [torch], pin: required, convert: {packs: [weights]}")
	j.Workload = results.Workload{Name: "torch checkpoint", Files: 1, Bytes: report.Bytes}
	return j
}

// weights is the rule of policy, and of the command's flags.
func weights() policy.Convert { return policy.Convert{Packs: []string{"weights"}} }
