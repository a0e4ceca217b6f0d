package hf

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/loader/loadertest"
	"github.com/weightgate/weightgate/policy"
)

var tensorFormats = formats.Set{safetensors.Format()}

const testPolicy = `version: 1
lock: weightgate.lock
models:
  - name: m
    source: [hub]
    repository: ` + testID + `
    commit: "` + testCommit + `"
    files: {only: ["*.safetensors", config.json]}
    formats: [safetensors]
    companions: [config.json]
    pin: required
`

// pinnedGate is a gate whose lock has these files.
func pinnedGate(t *testing.T, files map[string][]byte) *loader.Gate {
	t.Helper()
	mem := fstest.MapFS{}
	for name, b := range files {
		mem[name] = &fstest.MapFile{Data: b}
	}
	report, err := loader.Inspect(t.Context(), "m", loader.FS(mem), loader.InspectConfig{Formats: tensorFormats, SHA256: true})
	require.NoError(t, err)
	pin := policy.Pin{Name: "m"}
	for _, f := range report.Files {
		pin.Files = append(pin.Files, f.Entry)
	}
	lock, err := (&policy.Lock{}).With(pin)
	require.NoError(t, err)
	p, err := policy.Parse([]byte(testPolicy), lock.Encode())
	require.NoError(t, err)
	g, err := loader.New(loader.Config{Policy: p, Formats: tensorFormats})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, g.Close()) })
	return g
}

// requireRejected wants a rejection whose first reason has this code.
func requireRejected(t *testing.T, m *loader.Model, err error, kind error, code formats.Code) {
	t.Helper()
	require.Nil(t, m)
	var r *loader.Rejection
	require.ErrorAs(t, err, &r)
	require.ErrorIs(t, err, kind)
	require.Equal(t, code, r.Report.Reasons()[0].Code, "%v", err)
}

// The whole line: what is pinned is loaded from the hub, and again without it;
// anything else is refused, by the policy or as what could not be read.
func TestLoad(t *testing.T) {
	ctx := context.Background()
	weights := loadertest.Tensors(loadertest.F32("w", []int64{2, 3}, 1, 2, 3, 4, 5, 6))
	wanted := map[string][]byte{"model.safetensors": weights, "config.json": []byte(`{"hidden_size":3}`)}
	s := newServer(t,
		map[string][]byte{"model.safetensors": weights, "pytorch_model.bin": randomBytes(1000, "pickle")},
		map[string][]byte{"config.json": wanted["config.json"], "README.md": []byte("# m\n")})
	gate := pinnedGate(t, wanted)
	h := s.client(t)
	h.Token, h.Tries = NewToken(testToken), 2
	src := h.Repository(testID, testCommit)

	m, err := gate.Load(ctx, "m", src)
	require.NoError(t, err)
	require.True(t, m.Vouched())
	require.Equal(t, src.Origin(), m.Report().Origin)
	config, err := fs.ReadFile(m.FS(), "config.json")
	require.NoError(t, err)
	require.Equal(t, wanted["config.json"], config)
	require.NoError(t, m.View(formats.TensorID{File: "model.safetensors", Name: "w"}, func(b []byte) error {
		require.Equal(t, weights[len(weights)-24:], b)
		return nil
	}))
	require.NoError(t, m.Close())
	for _, r := range s.requests() {
		require.NotContains(t, r.path, "README.md", "what files.only leaves out is not fetched")
		require.NotContains(t, r.path, "pytorch_model.bin")
		require.NotContains(t, r.path, hexSHA256(s.lfs["pytorch_model.bin"]))
	}

	offline := h
	offline.Offline = true
	m, err = gate.Load(ctx, "m", offline.Repository(testID, testCommit))
	require.NoError(t, err)
	require.NoError(t, m.Close())
	require.Empty(t, s.requests())

	blob := filepath.Join(h.Cache, "blobs", hexSHA256(weights))
	require.NoError(t, os.Truncate(blob, int64(len(weights)-1)))
	m, err = gate.Load(ctx, "m", offline.Repository(testID, testCommit))
	requireRejected(t, m, err, loader.ErrUnverifiable, loader.CodeRead)
	require.ErrorIs(t, err, ErrOffline)
	m, err = gate.Load(ctx, "m", src)
	require.NoError(t, err, "a damaged cache is mended")
	require.NoError(t, m.Close())

	report, err := loader.Inspect(ctx, "m", src, loader.InspectConfig{Formats: tensorFormats, SHA256: true})
	require.NoError(t, err, "a ring opens files again")
	require.Len(t, report.Files, 4)

	s.requests()
	for _, other := range []loader.Source{h.Repository("org/other", testCommit), h.Repository(testID, "main")} {
		m, err = gate.Load(ctx, "m", other)
		requireRejected(t, m, err, loader.ErrDenied, policy.CodeNoMatch)
	}
	require.Empty(t, s.requests(), "what the policy does not name is not asked for")
}

// A hub that lies: to itself, which is found while it is read, or to the end,
// which the pin finds.
func TestLoadOfALie(t *testing.T) {
	ctx := context.Background()
	good := loadertest.Tensors(loadertest.F32("w", []int64{2}, 1, 2))
	bad := loadertest.Tensors(loadertest.F32("w", []int64{2}, 1, 3))
	files := map[string][]byte{"model.safetensors": good, "config.json": []byte(`{}`)}
	gate := pinnedGate(t, files)
	fresh := func() (*server, loader.Source) {
		s := newServer(t, map[string][]byte{"model.safetensors": good}, map[string][]byte{"config.json": files["config.json"]})
		return s, s.client(t).Repository(testID, testCommit)
	}

	s, src := fresh()
	s.lfs["model.safetensors"] = bad
	m, err := gate.Load(ctx, "m", src)
	requireRejected(t, m, err, loader.ErrDenied, policy.CodePinChanged)

	s, src = fresh()
	s.onCDN = always(func(w http.ResponseWriter, _ *http.Request) { w.Write(bad) })
	m, err = gate.Load(ctx, "m", src)
	requireRejected(t, m, err, loader.ErrUnverifiable, loader.CodeRead)
	require.ErrorIs(t, err, ErrContent)

	s, src = fresh()
	s.onMetadata = always(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(strings.Replace(string(s.metadata(testCommit)), "config.json", "../config.json", 1)))
	})
	m, err = gate.Load(ctx, "m", src)
	requireRejected(t, m, err, loader.ErrUnverifiable, loader.CodeRead)
	require.ErrorIs(t, err, ErrMetadata)

	s, src = fresh()
	canceled, cancel := context.WithCancelCause(ctx)
	s.onCDN = always(func(_ http.ResponseWriter, r *http.Request) { cancel(errors.New("enough")); <-r.Context().Done() })
	m, err = gate.Load(canceled, "m", src)
	requireRejected(t, m, err, loader.ErrUnverifiable, loader.CodeCanceled)
}
