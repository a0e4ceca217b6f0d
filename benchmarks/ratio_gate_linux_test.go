package benchmarks

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/benchmarks/internal/graphs"
)

// A ratioGate holds a way against a base that is measured beside it. It asks
// whether the way can be that fast here, so it takes the better of two numbers
// that a busy machine lowers and does not raise alike: the median of the rounds'
// ratios, and the ratio of the fastest runs. What falls short is measured again.
type ratioGate struct {
	plan     plan
	way      string
	base     string
	least    float64
	attempts int
}

// pinsGate is the gate of CI. Three runs on two cores gave 0.81 to 0.94, and
// 0.74 is the lowest beside neighbours that keep all cores busy: what fails is a
// load that hashes twice, on one core, or piece by piece.
func pinsGate(way string) ratioGate {
	return ratioGate{
		plan: plan{rounds: 5, quiet: *quietFlag, tries: 1},
		way:  way, base: leavesLimit, least: 0.5, attempts: 3,
	}
}

// judge is the best ratio of the attempts, and whether it is enough.
func (g ratioGate) judge(take func(way string) (sample, error)) (best float64, enough bool, err error) {
	for range g.attempts {
		r, err := g.plan.measure([]string{g.way, g.base}, take)
		if err != nil {
			return 0, false, err
		}
		median := r.compare(against("", g.way, g.base), seconds).Median
		fastest := r.of(g.base, seconds).Min / r.of(g.way, seconds).Min
		if best = max(best, median, fastest); best >= g.least {
			return best, true, nil
		}
	}
	return best, false, nil
}

// BenchmarkRatioGate fails where a load with pins is slower than it may be, and
// where a load that is made slow would pass.
func BenchmarkRatioGate(b *testing.B) {
	w := oneFile()
	w.write = func(t testing.TB, dir string) {
		writeTensors(t, dir, weightsName, graphs.Seeded(), halfWidth(1).tensors())
	}
	j := w.job(b)
	take := func(way string) (sample, error) {
		j.Way = way
		return j.inChild()
	}
	g := pinsGate(gatePinned)
	ratio, enough, err := g.judge(take)
	require.NoError(b, err)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ratio, "gate/leaves")
	require.True(b, enough, "a load with pins runs at %.2f of crypto/sha256 leaves on all cores, and is to reach %.2f", ratio, g.least)

	slowed := pinsGate(gateSlowed)
	slowed.attempts = 1
	ratio, enough, err = slowed.judge(take)
	require.NoError(b, err)
	b.ReportMetric(ratio, "slowed/leaves")
	require.False(b, enough, "a load that is done five times passes with %.2f: the gate sees nothing", ratio)
}

// A slow way does not pass; a fast one does, also where half of its rounds, or
// the first attempts, were disturbed.
func TestRatioGate(t *testing.T) {
	for _, c := range []struct {
		name     string
		ways     []float64 // seconds of the way, round by round; the base takes one
		enough   bool
		attempts int
	}{
		{"fast", []float64{1.1, 1.1, 1.1}, true, 1},
		{"too slow", []float64{2.1, 2.1, 2.1, 2.1, 2.1, 2.1}, false, 2},
		{"at the bound", []float64{2, 2, 2}, true, 1},
		{"one round quiet", []float64{9, 1.1, 9}, true, 1},
		{"the second attempt quiet", []float64{9, 9, 9, 1.1, 1.1, 1.1}, true, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			taken := 0
			g := ratioGate{plan: plan{rounds: 3, tries: 1}, way: gatePinned, base: leavesLimit, least: 0.5, attempts: 2}
			best, enough, err := g.judge(func(way string) (sample, error) {
				if way == g.base {
					return sample{Seconds: 1}, nil
				}
				taken++
				return sample{Seconds: c.ways[taken-1]}, nil
			})
			require.NoError(t, err)
			require.Equal(t, c.enough, enough)
			require.Equal(t, enough, best >= g.least)
			require.Equal(t, 3*c.attempts, taken)
		})
	}
	_, enough, err := pinsGate(gatePinned).judge(func(string) (sample, error) { return sample{}, fmt.Errorf("broken") })
	require.ErrorContains(t, err, "broken")
	require.False(t, enough)
}
