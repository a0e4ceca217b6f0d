package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/weightgate/weightgate/benchmarks/results"
	"github.com/weightgate/weightgate/loader"
)

// The committed results are those of one report: gpu.md is what gpu.json says.
func TestCommittedResults(t *testing.T) {
	text, err := os.ReadFile("../results/gpu.json")
	require.NoError(t, err)
	var r report
	require.NoError(t, json.Unmarshal(text, &r))
	shown, err := os.ReadFile("../results/gpu.md")
	require.NoError(t, err)
	require.Equal(t, string(r.markdown()), string(shown))
	require.Empty(t, r.failures())
	require.NotEqual(t, deviceCPU, r.Device, "a run on the CPU says nothing of CUDA")
}

func TestNothingRun(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, new(report).write(dir))
	shown, err := os.ReadFile(filepath.Join(dir, markdownFile))
	require.NoError(t, err)
	require.Contains(t, string(shown), "**Not run.**")
	for _, title := range []string{"MiniLM-L6", "PP-OCRv4 detection", "PP-OCRv4 recognition", "32 products with 4096 × 4096"} {
		require.Regexp(t, `(?m)^\| `+title+`.*\| not run \|$`, string(shown))
	}
}

func TestMarkdown(t *testing.T) {
	steady := func(v float64) results.Spread { return results.Spread{Median: v, Min: v, Max: v} }
	r := report{
		Device: deviceCUDA, Commit: "abc", Runtime: "1.31.1", Libraries: []string{"library 12ab libonnxruntime.so.1"},
		Machine: machine{GPU: "NVIDIA H200", Driver: "580.1", CPU: "some", Cores: 16, Memory: 64 << 30},
		Workloads: []comparison{
			{
				Title: "one", Bytes: 3 << 20, Tolerance: 1e-3, FromCPU: agreement{Absolute: 2e-6, Relative: 4e-6},
				Path: times{Start: steady(2), Seconds: steady(0.1)}, Gate: times{Start: steady(3), Seconds: steady(0.05)}, Ratio: results.Spread{Median: 2, Min: 1.8, Max: 2.3},
				Phases: []loader.PhaseTime{{Phase: "copy", Duration: 20 * time.Millisecond}, {Phase: "library", Duration: 3 * time.Millisecond}},
			},
			{Title: "two", Bytes: 1 << 20, Failure: "broken |\nhere"},
		},
		Refusals: []verdict{{What: "a"}, {What: "b", Skipped: true}, {What: "c", Failure: "it succeeded"}},
	}
	shown := string(r.markdown())
	for _, line := range []string{
		"NVIDIA H200, driver 580.1; some, 16 cores, 64 GiB; Linux (not told); ONNX Runtime 1.31.1; commit abc.",
		"    library 12ab libonnxruntime.so.1",
		"| one | 3 | 2e-06 | 4e-06 (0.001) | 100 (2000) | 50 (3000) | 2 (1.8..2.3) | equal |",
		"| two | 1 | | | | | | FAILED: broken   here |",
		"- one: copy 20 ms, library 3 ms",
		"- a: yes", "- b: not on this device", "- c: FAILED: it succeeded",
	} {
		require.Contains(t, shown, line+"\n")
	}
	require.Equal(t, []string{"two: broken |\nhere", "c: it succeeded"}, r.failures())
}
