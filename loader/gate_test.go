package loader

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/loader/internal/memory"
	"github.com/weightgate/weightgate/policy"
)

// Helpers that every test of the line uses.

var testFormats = formats.Set{safetensors.Format()}

// weights is a safetensors file with one F32 tensor "w" of n elements, whose
// bytes follow from seed.
func weights(t testing.TB, n int, seed uint64) []byte {
	t.Helper()
	data := make([]byte, 4*n)
	fill := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	fill.Read(data)
	header := fmt.Sprintf(`{"w":{"dtype":"F32","shape":[%d],"data_offsets":[0,%d]}}`, n, len(data))
	for len(header)%8 != 0 {
		header += " "
	}
	var b bytes.Buffer
	b.Write([]byte{byte(len(header)), byte(len(header) >> 8), 0, 0, 0, 0, 0, 0})
	b.WriteString(header)
	b.Write(data)
	return b.Bytes()
}

// write makes a directory of these files.
func write(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, b, 0o644))
	}
	return dir
}

// entry is a policy with one model called m and these further lines.
func entry(lines ...string) string {
	return `version: 1
lock: weightgate.lock
models:
  - name: m
    source: [dir, file, fs, hub]
    formats: [safetensors]
    ` + strings.Join(lines, "\n    ") + "\n"
}

// pins is a lock with what the sources hold, under their names.
func pins(t testing.TB, sources map[string]Source) []byte {
	t.Helper()
	lock := &policy.Lock{}
	for name, src := range sources {
		report, err := Inspect(context.Background(), name, src, InspectConfig{Formats: testFormats, SHA256: true})
		require.NoError(t, err)
		pin := policy.Pin{Name: name}
		for _, f := range report.Files {
			pin.Files = append(pin.Files, f.Entry)
		}
		lock, err = lock.With(pin)
		require.NoError(t, err)
	}
	return lock.Encode()
}

func newGate(t testing.TB, yaml string, lock []byte, change ...func(*Config)) *Gate {
	t.Helper()
	p, err := policy.Parse([]byte(yaml), lock)
	require.NoError(t, err)
	cfg := Config{Policy: p, Formats: testFormats}
	for _, c := range change {
		c(&cfg)
	}
	g, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, g.Close()) })
	return g
}

// pinned is a gate for the model in dir as it is now.
func pinned(t testing.TB, dir string, change ...func(*Config)) *Gate {
	t.Helper()
	lines := []string{"pin: required"}
	if txt, err := filepath.Glob(filepath.Join(dir, "*.txt")); len(txt) > 0 {
		require.NoError(t, err)
		lines = append(lines, `companions: ["*.txt"]`)
	}
	return newGate(t, entry(lines...), pins(t, map[string]Source{"m": Dir(dir)}), change...)
}

// codesOf are the codes of a rejection's reasons, in their order.
func codesOf(t testing.TB, err error) []formats.Code {
	t.Helper()
	var r *Rejection
	require.ErrorAs(t, err, &r)
	var codes []formats.Code
	for _, reason := range r.Report.Reasons() {
		codes = append(codes, reason.Code)
	}
	return codes
}

// requireBytes holds every byte that a model lends against the file that it
// was pinned to.
func requireBytes(t *testing.T, good []byte, m *Model) {
	t.Helper()
	require.NoError(t, m.View(formats.TensorID{File: "model.safetensors", Name: "w"}, func(b []byte) error {
		require.True(t, bytes.Equal(good[len(good)-len(b):], b), "the model's bytes are not the pinned ones")
		return nil
	}))
}

func emptyArena(t testing.TB) *memory.Arena {
	t.Helper()
	a, err := memory.NewArena(0)
	require.NoError(t, err)
	return a
}
