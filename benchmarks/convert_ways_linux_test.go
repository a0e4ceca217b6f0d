package benchmarks

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// small is a job with a small checkpoint of real PyTorch. There is no Python to
// be had in tests.
func small(t *testing.T) job {
	t.Helper()
	text, err := os.ReadFile("../formats/torch/testdata/parameters-215.pt")
	require.NoError(t, err)
	j := job{Dir: t.TempDir(), Files: []string{checkpointName}, Tools: tools{Out: t.TempDir()}}
	require.NoError(t, os.WriteFile(j.path(checkpointName), text, 0o644))
	j = j.converting(t)
	require.EqualValues(t, len(text), j.Workload.Bytes)
	return j
}

// A gate holds what the command writes, and both tell of the child.
func TestConvertWays(t *testing.T) {
	j := small(t)
	j.Tools.Weightgate = filepath.Join(j.Tools.Out, "weightgate")
	built(t, j.Tools.Weightgate)
	j.Check = true
	j.agree(t, convertThroughGate, convertThroughFresh, convertCommand)
	for _, way := range []string{convertThroughGate, convertThroughFresh, convertCommand, inspection, wholeInspection, inspectCommand} {
		t.Run(way, func(t *testing.T) {
			j := j
			j.Way, j.Watch = way, true
			s, err := j.inChild()
			require.NoError(t, err)
			require.Positive(t, s.Seconds)
			require.Positive(t, s.Peak)
			require.Positive(t, s.Child)
		})
	}
	left, err := os.ReadDir(j.Tools.Out)
	require.NoError(t, err)
	require.Len(t, left, 1, "samples leave nothing")
}

// A program's own memory is told, and nothing of who started it.
func TestProgramMemory(t *testing.T) {
	held := make([]byte, 64<<20)
	for i := range held {
		held[i] = 1
	}
	j := small(t)
	j.Watch = true
	p := program{
		line: func(job, string) []string { return []string{"sleep", "0.1"} },
		read: func(*sample, output) error { return nil },
	}
	s, err := p.measure(j)
	require.NoError(t, err)
	require.GreaterOrEqual(t, s.Seconds, 0.1)
	require.Positive(t, s.Peak)
	require.Less(t, s.Peak, int64(len(held)))
	require.NotZero(t, held[0])

	j.Watch = false
	s, err = p.measure(j)
	require.NoError(t, err)
	require.Negative(t, s.Peak, "a run that is timed is not looked at")
}

// What scanners say is read, and a word of theirs that is missing is an error.
func TestScanners(t *testing.T) {
	const fell = ""
	modelscanned := func(total, issues, errors string) string {
		return `{"summary": {"total_issues": ` + issues + `, "modelscan_version": "0.8.8", "scanned": {"total_scanned": ` + total + `}}, "issues": [], "errors": [` + errors + `]}`
	}
	for _, c := range []struct {
		name string
		way  program
		exit int
		text string // on stdout, and in the report's file
		says string
	}{
		{"picklescan, clean", scannedByPicklescan(), 0, "Scanned files: 1\nInfected files: 0\nDangerous globals: 0\n", "infected: 0"},
		{"picklescan, infected", scannedByPicklescan(), 1, "Scanned files: 1\nInfected files: 1\nDangerous globals: 2\n", "infected: 1"},
		{"picklescan, nothing scanned", scannedByPicklescan(), 0, "Scanned files: 0\nInfected files: 0\n", fell},
		{"picklescan, an error", scannedByPicklescan(), 2, "Scanned files: 1\nInfected files: 0\n", fell},
		{"modelscan, clean", scannedByModelscan(), 0, modelscanned("1", "0", ""), "issues: 0 (0.8.8)"},
		{"modelscan, issues", scannedByModelscan(), 1, modelscanned("1", "3", ""), "issues: 3 (0.8.8)"},
		{"modelscan, nothing scanned", scannedByModelscan(), 3, modelscanned("0", "0", ""), fell},
		{"modelscan, an error", scannedByModelscan(), 0, modelscanned("1", "0", `"broken"`), fell},
		{"fickling, unsafe", scannedByFickling(), 0, `{"version": "0.1.12", "members": [{"severity": "LIKELY_UNSAFE", "errors": []}]}`, "likely_unsafe (0.1.12)"},
		{"fickling, nothing scanned", scannedByFickling(), 0, `{"version": "0.1.12", "members": []}`, fell},
		{"fickling, an error", scannedByFickling(), 0, `{"version": "0.1.12", "members": [{"severity": "SUSPICIOUS", "errors": ["broken"]}]}`, fell},
		{"fickling, a traceback", scannedByFickling(), 1, "", fell},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(out, modelscanReport), []byte(c.text), 0o644))
			var s sample
			err := c.way.read(&s, output{exit: c.exit, stdout: []byte(c.text), out: out})
			if c.says == fell {
				require.ErrorIs(t, err, errNotDone)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.says, s.Says)
		})
	}
}
