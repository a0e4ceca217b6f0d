//go:build cgo

package benchmarks

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/benchmarks/results"
)

// goals are requirements, and what measures them.
type goals map[goal]bool

type goal struct {
	name, measured, against string
	limit                   float64
}

func (g goals) ratio(name, way string, bases []string, reach float64) {
	for _, base := range bases {
		g.add(goal{name, way, base, reach})
	}
}

// add adds what is a requirement, which has a name.
func (g goals) add(one goal) {
	if one.name != "" {
		g[one] = true
	}
}

// The results that are shown are of what these tables require, by the same ways:
// whoever changes a goal measures again.
func TestResultsHaveTheseGoals(t *testing.T) {
	want, got := goals{}, goals{}
	for _, table := range []table{
		loads(workload{}, job{}, allWarm()), coldLoads(workload{}, job{}), admissions(),
		convertingLoads(0), conversions(), judgements(), {comparisons: throughputs()},
	} {
		for _, c := range table.comparisons {
			want.ratio(c.goal, c.way, c.bases, c.reach)
		}
		for _, b := range table.bounds {
			want.add(goal{b.goal, b.way, b.unit, b.most})
		}
	}
	run, err := results.Read("results/results.json")
	require.NoError(t, err)
	for _, table := range run.Tables {
		for _, r := range table.Ratios {
			got.ratio(r.Goal, r.Way, r.Bases, r.Reach)
		}
		for _, b := range table.Bounds {
			got.add(goal{b.Goal, b.Way, b.Unit, b.Most})
		}
	}
	require.Equal(t, want, got)
}
