package convert_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/loader/convert"
	"github.com/weightgate/weightgate/policy"
)

var weights = policy.Convert{Packs: []string{"weights"}, Sandbox: formats.SandboxSeccomp}

// fixture is a checkpoint that PyTorch wrote.
func fixture(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("../../formats/torch/testdata/" + name)
	require.NoError(t, err)
	return data
}

const converting = `version: 1
lock: weightgate.lock
models:
  - name: m
    source: [dir]
    formats: [torch, torch.legacy]
    pin: required
    convert: `

// gateFor pins what an honest child makes of the checkpoint in dir.
func gateFor(t *testing.T, dir, rule string, c loader.Converter) *loader.Gate {
	report, err := loader.Inspect(t.Context(), "m", loader.Dir(dir), loader.InspectConfig{
		Formats: all.Formats(), SHA256: true, Converter: convert.New(), Convert: weights,
	})
	require.NoError(t, err)
	pin := policy.Pin{Name: "m", Derived: report.DerivedFiles}
	for _, f := range report.Files {
		pin.Files = append(pin.Files, f.Entry)
	}
	lock, err := new(policy.Lock).With(pin)
	require.NoError(t, err)
	p, err := policy.Parse([]byte(converting+rule), lock.Encode())
	require.NoError(t, err)
	g, err := loader.New(loader.Config{Policy: p, Formats: all.Formats(), Converter: c})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, g.Close()) })
	return g
}

// What a model lends of a checkpoint are the bytes of its records.
func TestLoad(t *testing.T) {
	for _, name := range []string{"state-dict-215.pt", "views-legacy-2-215.pt"} {
		data := fixture(t, name)
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "m.pt"), data, 0o600))
		m, err := gateFor(t, dir, "{packs: [weights]}", convert.New()).Load(t.Context(), "m", loader.Dir(dir))
		require.NoError(t, err)
		require.NotEmpty(t, m.Tensors())
		made, err := fs.ReadFile(m.FS(), "m.safetensors")
		require.NoError(t, err)
		for _, tensor := range m.Tensors() {
			require.NoError(t, m.View(tensor.ID, func(b []byte) error {
				require.True(t, bytes.Equal(made[tensor.Place.Offset:tensor.Place.End()], b), tensor.ID)
				return nil
			}))
		}
		require.NoError(t, m.Close())
	}
}

// A child that names other tensors of the same file within all bounds is caught
// by what the lock has.
func TestMislabelled(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "m.pt"), fixture(t, "state-dict-215.pt"), 0o600))
	_, err := gateFor(t, dir, "{packs: [weights], root: swapped}", &convert.Converter{HelperPath: convert.BuildLiar(t)}).Load(t.Context(), "m", loader.Dir(dir))
	var rejection *loader.Rejection
	require.ErrorAs(t, err, &rejection)
	var codes []formats.Code
	for _, r := range rejection.Report.Reasons() {
		codes = append(codes, r.Code)
	}
	require.Equal(t, []formats.Code{policy.CodeDerivedChanged}, codes)
}
