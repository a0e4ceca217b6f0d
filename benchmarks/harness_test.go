package benchmarks

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   spread
	}{
		{[]float64{3}, spread{3, 3, 3}},
		{[]float64{4, 1}, spread{2.5, 1, 4}},
		{[]float64{9, 1, 2}, spread{2, 1, 9}},
		{[]float64{8, 1, 4, 2}, spread{3, 1, 8}},
	} {
		before := append([]float64(nil), c.values...)
		require.Equal(t, c.want, spreadOf(c.values))
		require.Equal(t, before, c.values, "the order of the rounds is kept")
	}
}

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

// Ratios are taken within a round: a machine that halves its speed between
// rounds changes none of them.
func TestCompare(t *testing.T) {
	r := &rounds{
		ways: []string{"fast", "slow"},
		samples: map[string][]sample{
			"fast": {{Seconds: 1, CPU: 1}, {Seconds: 2, CPU: 1}, {Seconds: 4, CPU: 1}},
			"slow": {{Seconds: 2, CPU: 3}, {Seconds: 4, CPU: 4}, {Seconds: 12, CPU: 5}},
		},
	}
	require.Equal(t, spread{2, 2, 3}, r.compare(comparison{way: "fast", base: "slow"}, seconds))
	require.Equal(t, spread{0.5, 1.0 / 3, 0.5}, r.compare(comparison{way: "slow", base: "fast"}, seconds))
	require.Equal(t, spread{4, 3, 5}, r.compare(comparison{way: "fast", base: "slow"}, cpu))

	var out strings.Builder
	require.NoError(t, r.write(&out, "title", 4e9, []comparison{
		{metric: "fast/slow", way: "fast", base: "slow", reach: 2},
		{metric: "slow/fast", way: "slow", base: "fast", reach: 0.6},
	}))
	require.Regexp(t, `(?m)^ +fast +2000\.0 +1000\.0\.\.4000\.0 +2\.00 `, out.String())
	require.Contains(t, out.String(), "2 (2..3), by CPU time 4; to reach 2.00: reached\n")
	require.Contains(t, out.String(), "0.5 (0.333..0.5), by CPU time 0.25; to reach 0.60: MISSED\n")
}

// Bounds hold for medians, and what a way says is told once.
func TestBoundsAndSayings(t *testing.T) {
	r := &rounds{
		ways: []string{"quiet", "loud"},
		samples: map[string][]sample{
			"quiet": {{Seconds: 1}, {Seconds: 2}, {Seconds: 9}},
			"loud":  {{Seconds: 3, Says: "clean"}, {Seconds: 3, Says: "unsafe"}, {Seconds: 3, Says: "clean"}},
		},
	}
	var out strings.Builder
	require.NoError(t, r.write(&out, "title", 1, nil,
		bound{"quiet", "s", seconds, 2},
		bound{"loud", "s", seconds, 2.5},
	))
	require.Regexp(t, `(?m)^quiet +2 \(1\.\.9\) s; at most 2: reached$`, out.String())
	require.Regexp(t, `(?m)^loud +3 \(3\.\.3\) s; at most 2\.5: MISSED$`, out.String())
	require.Regexp(t, `(?m)^loud +clean \| unsafe$`, out.String())
}
