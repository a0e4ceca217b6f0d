package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/examples/embed/encoder"
	"github.com/weightgate/weightgate/examples/embed/service"
	"github.com/weightgate/weightgate/examples/fetch/fetchtest"
	"github.com/weightgate/weightgate/examples/internal/fetch"
	"github.com/weightgate/weightgate/gpu"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

// onCPU are the flags for MiniLM on the CPU: see examples/fetch.
func onCPU(t testing.TB) flags {
	return flags{
		listen: free(t), admin: free(t),
		encoder: encoder.Config{
			Policy: "policy.yaml", Name: "minilm", Dir: fetchtest.MiniLM(t), Library: fetchtest.Library(t), Device: gpu.CPU,
		},
	}
}

// free is an address that nobody listens at.
func free(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// tampered are the flags for a copy in which one bit of a file is another.
func tampered(t testing.TB, f flags, file string) flags {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(f.encoder.Dir)))
	name := filepath.Join(dir, file)
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	content[len(content)/2] ^= 1
	require.NoError(t, os.WriteFile(name, content, 0o644))
	f.encoder.Dir = dir
	return f
}

var silent = slog.New(slog.DiscardHandler)

// running runs the program until the test ends, and waits for a state.
func running(t *testing.T, f flags, until service.State) service.Health {
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, f, silent) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	var h service.Health
	require.Eventually(t, func() bool {
		response, err := http.Get("http://" + f.listen + "/healthz")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(body, &h))
		require.Equal(t, h.State == service.Verified, response.StatusCode == http.StatusOK)
		return h.State != service.Loading
	}, time.Minute, 5*time.Millisecond)
	require.Equal(t, until, h.State)
	return h
}

func TestParsed(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string // on stderr; "": the arguments are taken
	}{
		{nil, ""},
		{[]string{"-listen", ":1", "-admin", ":2", "-max-tokens", "100"}, ""},
		{[]string{"serve"}, `"serve" is not a flag`},
		{[]string{"-ask", "What", "is verified?"}, `"is verified?" is not a flag`},
		{[]string{"-max-tokens", "0"}, "-max-tokens 0: want 1 or more"},
		{[]string{"-port", "1"}, "flag provided but not defined: -port"},
		{[]string{"-device", "tpu"}, `invalid value "tpu" for flag -device: want cpu or cuda`},
	} {
		var stderr strings.Builder
		f, err := parsed(c.args, &stderr)
		if c.want == "" {
			require.NoError(t, err)
			require.NotEqual(t, f.listen, f.admin)
			continue
		}
		require.Error(t, err)
		require.Zero(t, f.listen)
		require.Contains(t, stderr.String(), c.want)
		require.Contains(t, stderr.String(), "Usage of embed")
	}
}

func TestParsedDevices(t *testing.T) {
	for want, args := range map[gpu.Device][]string{
		gpu.CPU: nil, gpu.CUDA(0): {"-device", "cuda", "-providers", "a.so,b.so"},
	} {
		f, err := parsed(args, io.Discard)
		require.NoError(t, err)
		require.Equal(t, want, f.encoder.Device)
		require.Equal(t, want == gpu.CPU, f.encoder.Providers == nil)
	}
}

func TestRunServes(t *testing.T) {
	running(t, onCPU(t), service.Verified)
}

func TestRunSaysWhyItDoesNot(t *testing.T) {
	f := tampered(t, onCPU(t), "vocab.txt")
	h := running(t, f, service.Denied)
	require.Equal(t, policy.CodePinChanged, h.Reasons[0].Code)
	require.Equal(t, "vocab.txt", h.Reasons[0].File)
}

func TestRunWithoutADevice(t *testing.T) {
	f := onCPU(t)
	f.encoder.Device = 0
	require.Empty(t, running(t, f, service.Failed).Error) // for whoever asks
	response, err := http.Get("http://" + f.admin + "/healthz")
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Contains(t, string(body), gpu.ErrNoDevice.Error())
}

func TestRunEndsOnDenied(t *testing.T) {
	f := tampered(t, onCPU(t), "model.safetensors")
	f.exitOnDenied = true
	err := run(t.Context(), f, silent)
	require.ErrorIs(t, err, loader.ErrDenied)
	var rejection *loader.Rejection
	require.ErrorAs(t, err, &rejection)
}

func TestRunAsks(t *testing.T) {
	f := onCPU(t)
	f.ask = "What is verified?"
	require.NoError(t, run(t.Context(), f, silent))
	require.Eventually(t, func() bool {
		goroutines := make([]byte, 1<<20)
		goroutines = goroutines[:runtime.Stack(goroutines, true)]
		return !bytes.Contains(goroutines, []byte("encoder.(*queue).work"))
	}, 10*time.Second, time.Millisecond, "the model was not closed")
	f = tampered(t, f, "model.safetensors")
	require.ErrorIs(t, run(t.Context(), f, silent), loader.ErrDenied)
}

func TestRunNeedsItsAddresses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for _, f := range []flags{
		{listen: taken.Addr().String(), admin: free(t), encoder: encoder.Config{Name: "minilm"}},
		{listen: free(t), admin: taken.Addr().String(), encoder: encoder.Config{Name: "minilm"}},
		{listen: free(t), admin: free(t)},
	} {
		require.Error(t, run(t.Context(), f, silent))
	}
}

func TestWhatIsFetchedIsPinned(t *testing.T) {
	rules, err := policy.Open("policy.yaml")
	require.NoError(t, err)
	pin, ok := rules.Lock().Pin("minilm")
	require.True(t, ok)
	model, err := fetch.Items("minilm")
	require.NoError(t, err)
	require.Len(t, model, len(pin.Files))
	for _, item := range model {
		name, err := filepath.Rel("models/minilm", item.Path)
		require.NoError(t, err)
		pinned, ok := pin.Files.Find(filepath.ToSlash(name))
		require.True(t, ok, item.Path)
		require.Equal(t, pinned.Size, item.Size)
		require.Equal(t, pinned.SHA256.String(), item.SHA256)
	}
}
