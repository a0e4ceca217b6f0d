package benchmarks

import (
	"context"
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/formats/torch"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/loader/convert"
	"github.com/weightgate/weightgate/policy"
)

var (
	keepFlag       = flag.String("keep", "", "a directory that keeps the checkpoint of conversions, 2 GiB, from one run to the next; empty: made for one run, where -dir says")
	pythonFlag     = flag.String("python", "python3", "a Python with torch and safetensors")
	picklescanFlag = flag.String("picklescan", "picklescan", "the command")
	modelscanFlag  = flag.String("modelscan", "modelscan", "the command")
	ficklingFlag   = flag.String("fickling", "python3", "a Python with fickling, whose command does not read checkpoints")
)

// tools are the programs of conversions, by their paths.
type tools struct {
	Weightgate, Python, Picklescan, Modelscan, Fickling, ModelSigning string

	Scripts string // the directory of what Python runs
	Out     string // a directory for what they write, beside the checkpoint
}

// checkpointName is the checkpoint's file.
const checkpointName = "model.pt"

// torchToo is what reads checkpoints and what is made of them.
func torchToo() formats.Set { return formats.Set{safetensors.Format(), torch.Format()} }

// found is all programs of conversions. What is not there is an error, and not
// left out.
func found(t testing.TB, out string) (p tools) {
	t.Helper()
	scripts, err := os.Getwd()
	require.NoError(t, err)
	p = tools{Weightgate: filepath.Join(out, "weightgate"), Scripts: scripts, Out: out}
	built(t, p.Weightgate)
	for _, c := range []struct {
		at   *string
		name string
	}{
		{&p.Python, *pythonFlag},
		{&p.Picklescan, *picklescanFlag},
		{&p.Modelscan, *modelscanFlag},
		{&p.Fickling, *ficklingFlag},
	} {
		path, err := exec.LookPath(c.name)
		require.NoError(t, err, "a peer that cannot be run is not left out: a flag names it")
		*c.at, err = filepath.Abs(path)
		require.NoError(t, err)
	}
	return p
}

// built is the command of this checkout, at path.
func built(t testing.TB, path string) {
	t.Helper()
	said, err := exec.Command("go", "build", "-o", path, "github.com/weightgate/weightgate/cmd/weightgate").CombinedOutput()
	require.NoError(t, err, "%s", said)
}

// checkpoint is a new job with the checkpoint that real PyTorch wrote, pinned.
// size is that of its file.
func checkpoint(t testing.TB) (j job, size int64) {
	t.Helper()
	dir := *keepFlag
	if dir == "" {
		dir = newDir(t)
	}
	out, err := os.MkdirTemp(dir, "out-")
	if errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, os.MkdirAll(dir, 0o755))
		out, err = os.MkdirTemp(dir, "out-")
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(out)) })

	j = job{Dir: filepath.Join(dir, "checkpoint"), Files: []string{checkpointName}, Tools: found(t, out)}
	require.NoError(t, os.MkdirAll(j.Dir, 0o755))
	if _, err := os.Stat(j.path(checkpointName)); errors.Is(err, fs.ErrNotExist) {
		made := exec.Command(j.Tools.Python, filepath.Join(j.Tools.Scripts, "reference.py"), "make", j.path(checkpointName))
		said, err := made.CombinedOutput()
		require.NoError(t, err, "%s", said)
	}
	return j.converting(t)
}

// converting is the job with a policy that converts, and pins for the one file
// and for what is made of it.
func (j job) converting(t testing.TB) (job, int64) {
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
	return j, report.Bytes
}

// weights is the rule of policy, and of the command's flags.
func weights() policy.Convert { return policy.Convert{Packs: []string{"weights"}} }
