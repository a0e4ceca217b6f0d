package benchmarks

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/benchmarks/results"
)

func TestRoundsRotate(t *testing.T) {
	var taken []string
	_, err := plan{rounds: 4}.measure([]string{"a", "b", "c"}, func(way string) (sample, error) {
		taken = append(taken, way)
		return sample{}, nil
	})
	require.NoError(t, err)
	require.Equal(t, "abc bca cab abc", strings.Join([]string{
		strings.Join(taken[:3], ""), strings.Join(taken[3:6], ""), strings.Join(taken[6:9], ""), strings.Join(taken[9:], ""),
	}, " "))
}

func TestRoundsEndWithAnError(t *testing.T) {
	broken := errors.New("broken")
	r, err := plan{rounds: 2, tries: 3}.measure([]string{"a"}, func(string) (sample, error) { return sample{}, broken })
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "a: ")
	require.Nil(t, r)
}

// A disturbed sample is taken again, and the least disturbed one is kept.
func TestRoundsWaitForQuiet(t *testing.T) {
	others := []float64{0.9, 0.2, 0.8, 0.5, 0.7}
	r, err := plan{rounds: 2, quiet: 0.3, tries: 3}.measure([]string{"a"}, func(string) (sample, error) {
		s := sample{Others: others[0]}
		others = others[1:]
		return s, nil
	})
	require.NoError(t, err)
	require.Empty(t, others)
	require.Equal(t, []sample{{Others: 0.2}, {Others: 0.5}}, r.samples["a"])
	require.Equal(t, 1, r.disturbed)
}

// Rounds of a second sitting stand behind those of the first, way by way.
func TestRoundsOfSittings(t *testing.T) {
	var r rounds
	for _, sitting := range []float64{1, 2} {
		taken, err := plan{rounds: 2}.measure([]string{"a", "b"}, func(way string) (sample, error) {
			return sample{Seconds: sitting, Says: way, Others: 1}, nil
		})
		require.NoError(t, err)
		r.add(taken)
	}
	require.Equal(t, []string{"a", "b"}, r.ways)
	require.Equal(t, []float64{1, 1, 2, 2}, r.each("a", seconds))
	require.Equal(t, []float64{1, 1, 2, 2}, r.each("b", seconds))
	require.Equal(t, []string{"b"}, r.sayings("b"))
	require.Equal(t, 8, r.disturbed)
}

// Ratios are taken within a round: a machine that halves its speed between
// rounds changes none of them. Of several bases the fastest of a round counts.
func TestCompare(t *testing.T) {
	r := &rounds{
		ways: []string{"fast", "slow", "odd"},
		samples: map[string][]sample{
			"fast": {{Seconds: 1, CPU: 1}, {Seconds: 2, CPU: 1}, {Seconds: 4, CPU: 1}},
			"slow": {{Seconds: 2, CPU: 3}, {Seconds: 4, CPU: 4}, {Seconds: 12, CPU: 5}},
			"odd":  {{Seconds: 9}, {Seconds: 9}, {Seconds: 6}},
		},
	}
	fast := comparison{metric: "fast/slow", way: "fast", bases: []string{"slow"}, reach: 2, goal: "fast"}
	require.Equal(t, results.Spread{Median: 2, Min: 2, Max: 3}, r.compare(fast, seconds))
	require.Equal(t, results.Spread{Median: 0.5, Min: 1.0 / 3, Max: 0.5}, r.compare(against("", "slow", "fast"), seconds))
	require.Equal(t, results.Spread{Median: 4, Min: 3, Max: 5}, r.compare(fast, cpu))
	require.Equal(t, results.Spread{Median: 2, Min: 1.5, Max: 2}, r.compare(comparison{way: "fast", bases: []string{"odd", "slow"}}, seconds))
	require.Equal(t, results.Ratio{
		Name: "fast/slow", Way: "fast", Bases: []string{"slow"},
		Times: results.Spread{Median: 2, Min: 2, Max: 3}, CPU: 4, Reach: 2, Goal: "fast",
	}, r.ratio(fast))
}

// A row has the rounds in their order, memory of the watched sample, and what a
// way says once.
func TestRow(t *testing.T) {
	r := &rounds{
		ways: []string{"loud"},
		samples: map[string][]sample{"loud": {
			{Seconds: 3, CPU: 1, Read: 7, Copied: -1, Anon: 1, Says: "clean"},
			{Seconds: 1, CPU: 2, Read: 8, Copied: -1, Anon: 1, Says: "unsafe"},
			{Seconds: 2, CPU: 3, Read: 9, Copied: -1, Anon: 1, Says: "clean"},
		}},
	}
	require.NoError(t, r.watch(func(string) (sample, error) { return sample{Seconds: 99, Anon: 5, Peak: 6}, nil }))
	row := r.row("loud", results.Program, 4e9)
	require.Equal(t, results.Row{
		Way: "loud", Kind: results.Program,
		Seconds: results.Spread{Median: 2, Min: 1, Max: 3}, CPU: results.Spread{Median: 2, Min: 1, Max: 3}, CPUByGB: 0.5,
		Rounds: []float64{3, 1, 2}, Read: 8, Copied: -1,
		Memory: results.Memory{Anon: 5, Peak: 6}, Says: []string{"clean", "unsafe"},
	}, row)

	limit := bound{way: "loud", unit: "s", number: seconds, most: 2}
	require.Equal(t, results.Bound{Way: "loud", Unit: "s", Found: results.Spread{Median: 2, Min: 1, Max: 3}, Most: 2}, r.holds(limit))
	limit.watched, limit.number = true, func(s sample) float64 { return float64(s.Anon) }
	require.Equal(t, results.Spread{Median: 5, Min: 5, Max: 5}, r.holds(limit).Found)
}

// A sample whose memory was looked at needs no other for it.
func TestWatchOnce(t *testing.T) {
	r := &rounds{
		ways:    []string{"program", "own"},
		samples: map[string][]sample{"program": {{Anon: 1, Watched: true}}, "own": {{Anon: 2}}},
	}
	var taken []string
	require.NoError(t, r.watch(func(way string) (sample, error) {
		taken = append(taken, way)
		return sample{Anon: 3}, nil
	}))
	require.Equal(t, []string{"own"}, taken)
	require.Equal(t, int64(1), r.watched["program"].Anon)
	require.Equal(t, int64(3), r.watched["own"].Anon)
	require.Error(t, r.watch(func(string) (sample, error) { return sample{}, errors.New("broken") }))
}
