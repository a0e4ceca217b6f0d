//go:build cgo && linux

package main

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/examples/fetch/fetchtest"
	"github.com/weightgate/weightgate/policy"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == childArgument {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// The whole check with the CPU in the device's place.
func TestOnTheCPU(t *testing.T) {
	library, models := fetchtest.Library(t), fetchtest.Models(t)
	scratch, written := t.TempDir(), t.TempDir()
	var out, said bytes.Buffer
	code := run(t.Context(), []string{
		"-device", "cpu", "-small", "-rounds", "2", "-library", library, "-models", models, "-scratch", scratch, "-results", written,
	}, nil, &out, &said)
	require.Zero(t, code, said.String())
	shown := out.String()
	require.True(t, strings.HasPrefix(shown, "NOT A CHECK OF CUDA"), shown)
	require.Equal(t, 4, strings.Count(shown, "| equal |"), shown)
	require.Equal(t, 4, strings.Count(shown, ": yes\n"), shown)
	require.Equal(t, 2, strings.Count(shown, ": not on this device\n"), "limits of device memory, and the fallback")
	for _, dir := range []string{scratch, written} {
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left)
	}
}

// A CUDA session that does not come about is a failure of each line, told and
// counted, and nothing that ends the check.
func TestCUDAOnARuntimeWithoutIt(t *testing.T) {
	library, models := fetchtest.Library(t), fetchtest.Models(t)
	provider := filepath.Join(t.TempDir(), "libonnxruntime_providers_cuda.so")
	require.NoError(t, os.WriteFile(provider, []byte("no library"), 0o600))
	c := check{
		device: deviceCUDA, rounds: 1, large: small(), scratch: t.TempDir(), progress: &bytes.Buffer{},
		files: files{library: library, providers: []string{provider}, models: models},
	}
	r := &report{Device: deviceCUDA}
	require.NoError(t, c.run(t.Context(), r))
	require.Len(t, r.Workloads, 4)
	for _, w := range r.Workloads {
		require.Contains(t, w.Failure, byPath+": ", w.Name)
	}
	var failed, held []string
	for _, v := range r.Refusals {
		require.False(t, v.Skipped, v.What)
		if v.Failure != "" {
			failed = append(failed, v.What)
		} else {
			held = append(held, v.What)
		}
	}
	require.Len(t, failed, 4, "%v, and not %v", failed, held)
	require.Len(t, r.failures(), 8)
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"-device", "tpu"}, "cuda or cpu"},
		{[]string{"-rounds", "0"}, "at least 1"},
		{[]string{"more"}, `what is "more"`},
		{[]string{"-no-such-flag"}, "no-such-flag"},
	} {
		var said bytes.Buffer
		require.Equal(t, exitUsage, run(t.Context(), c.args, nil, &bytes.Buffer{}, &said))
		require.Contains(t, said.String(), c.says)
	}
}

// What is left where memory ran out is a session that works: it gives as many
// zeros as it is asked for.
func TestSurvived(t *testing.T) {
	zeros := floats("y", make([]float32, zerosAsked), zerosAsked)
	for _, c := range []struct {
		says   string
		answer answer
	}{
		{"", answer{Memory: true, Outputs: []array{zeros}}},
		{"it failed: broken", answer{Memory: true, Error: "broken", Outputs: []array{zeros}}},
		{"for want of memory, and: no shape", answer{Excess: "no shape", Outputs: []array{zeros}}},
		{"gave []", answer{Memory: true}},
		{"gave [[]]", answer{Memory: true, Outputs: []array{floats("y", nil, 0)}}},
		{"gave [[0 1 0]]", answer{Memory: true, Outputs: []array{floats("y", []float32{0, 1, 0}, 3)}}},
		{"gave [[0 NaN 0]]", answer{Memory: true, Outputs: []array{floats("y", []float32{0, float32(math.NaN()), 0}, 3)}}},
		{"gave [[0 0 0] [0 0 0]]", answer{Memory: true, Outputs: []array{zeros, zeros}}},
	} {
		err := survived(c.answer)
		if c.says == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, c.says)
	}
}

// A library that was not changed is not refused, and the check says so.
func TestTheChangedLibraryIsChanged(t *testing.T) {
	library, models := fetchtest.Library(t), fetchtest.Models(t)
	for _, providers := range [][]string{nil, {library}} {
		c := check{device: deviceCPU, scratch: t.TempDir(), files: files{library: library, providers: providers, models: models}}
		c.probes = probes(c.scratch)
		c.warmUp = c.probe(modelWarmUp)
		j, err := c.changed()
		require.NoError(t, err)
		changed := slices.Concat([]string{j.Library}, j.Providers)[len(providers)]
		require.Equal(t, filepath.Base(library), filepath.Base(changed))
		ours, err := os.ReadFile(changed)
		require.NoError(t, err)
		original, err := os.ReadFile(library)
		require.NoError(t, err)
		require.Equal(t, append(original, 0), ours)
		require.Equal(t, providers, c.files.providers)
	}
	require.Error(t, refused(policy.CodeLibraryChanged)(answer{Codes: []string{string(policy.CodeLibraryUnpinned)}}))
}

// The runtime keeps no data base in the home of whoever runs the check.
func TestSessionsSendNothing(t *testing.T) {
	library := fetchtest.Library(t)
	scratch, home := t.TempDir(), t.TempDir()
	require.NoError(t, makeModels(scratch, small()))
	t.Setenv("HOME", home)
	for _, libraries := range [][]string{nil, {scratch}} {
		j := job{Way: byPath, Device: deviceCPU, Model: probes(scratch)[0], Library: library, Outputs: []string{"y"}}
		a, err := j.inChild(t.Context(), libraries)
		require.NoError(t, err)
		require.Empty(t, a.Error)
		require.Len(t, a.Outputs, 1)
	}
	left, err := os.ReadDir(home)
	require.NoError(t, err)
	require.Empty(t, left)
}
