package results

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func run() *Run {
	return &Run{
		Date: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Commit: "abc",
		Peers: []Peer{{Name: "b3sum", Without: "there is none"}},
		Tables: []Table{{
			Name: "Load", Title: "Load of a model", Workload: Workload{Name: "one file", Files: 1, Bytes: 4e9}, Cache: Warm, Cores: 2, Rounds: 2, Samples: 4,
			Rows: []Row{
				{Way: "fast", Kind: Gate, Seconds: Spread{2, 1, 4}, Rounds: []float64{1, 4}, Read: 1 << 20, Copied: -1},
				{Way: "slow", Kind: Program, Seconds: Spread{4, 2, 12}, Rounds: []float64{2, 12}, Says: []string{"clean", "unsafe"}},
			},
			Ratios: []Ratio{
				{Name: "fast/slow", Way: "fast", Bases: []string{"slow"}, Times: Spread{2, 2, 3}, CPU: 4, Reach: 2},
				{Name: "slow/fast", Way: "slow", Bases: []string{"fast"}, Times: Spread{0.5, 1.0 / 3, 0.5}, CPU: 0.25, Reach: 0.6},
				{Name: "shown", Way: "slow", Bases: []string{"fast"}, Times: Spread{0.5, 0.5, 0.5}, CPU: 1},
			},
			Bounds: []Bound{
				{Way: "fast", Unit: "s", Found: Spread{2, 1, 9}, Most: 2},
				{Way: "slow", Unit: "s", Found: Spread{3, 3, 3}, Most: 2.5},
			},
		}},
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Spread
	}{
		{[]float64{3}, Spread{3, 3, 3}},
		{[]float64{4, 1}, Spread{2.5, 1, 4}},
		{[]float64{9, 1, 2}, Spread{2, 1, 9}},
		{[]float64{8, 1, 4, 2}, Spread{3, 1, 8}},
	} {
		before := slices.Clone(c.values)
		require.Equal(t, c.want, SpreadOf(c.values))
		require.Equal(t, before, c.values, "the order of the rounds is kept")
	}
}

func TestText(t *testing.T) {
	var b strings.Builder
	require.NoError(t, run().Tables[0].WriteText(&b))
	for _, line := range []string{
		`(?m)^ +fast +2000\.0 +1000\.0\.\.4000\.0 +2\.00 +0\.00 +0\.0 +0 +1 +– `,
		`(?m)^fast/slow +2 \(2\.\.3\), by CPU time 4; to reach 2\.00: reached$`,
		`(?m)^slow/fast +0\.5 \(0\.333\.\.0\.5\), by CPU time 0\.25; to reach 0\.60: MISSED$`,
		`(?m)^shown +0\.5, by CPU time 1$`,
		`(?m)^fast +2 \(1\.\.9\) s; at most 2: reached$`,
		`(?m)^slow +3 s; at most 2\.5: MISSED$`,
		`(?m)^slow +clean \| unsafe$`,
	} {
		require.Regexp(t, line, b.String())
	}
	require.Len(t, run().Tables[0].Rows[0].Cells(1), len(Columns()))
}

func TestWriteAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.json")
	require.NoError(t, run().Write(path))
	got, err := Read(path)
	require.NoError(t, err)
	require.Equal(t, run(), got)
	table, ok := got.Table("Load")
	require.True(t, ok)
	_, ok = table.Row("slow")
	require.True(t, ok)
	_, ok = table.Row("other")
	require.False(t, ok)
	_, ok = got.Table("other")
	require.False(t, ok)
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1)
}

// What reports take for granted is there, or there is no file and no run.
func TestIncomplete(t *testing.T) {
	for name, spoil := range map[string]func(*Table){
		"no rows":         func(t *Table) { t.Rows = nil },
		"no rounds":       func(t *Table) { t.Rounds = 0 },
		"no bytes":        func(t *Table) { t.Workload.Bytes = 0 },
		"a round missing": func(t *Table) { t.Rows[1].Rounds = t.Rows[1].Rounds[:1] },
		"a round of zero": func(t *Table) { t.Rows[1].Rounds[0] = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "results.json")
			r := run()
			spoil(&r.Tables[0])
			require.ErrorIs(t, r.Write(path), ErrIncomplete)
			require.NoFileExists(t, path)
		})
	}
	path := filepath.Join(t.TempDir(), "results.json")
	for _, text := range []string{"", "{", `{"speed": 1}`, `{"tables": [{"name": "Load"}]}`} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		r, err := Read(path)
		require.Error(t, err, text)
		require.Nil(t, r)
	}
	_, err := Read(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
