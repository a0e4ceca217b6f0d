package benchmarks

import (
	"fmt"
	"slices"
	"testing"

	"github.com/weightgate/weightgate/benchmarks/results"
)

// A sample is one run of one way, in a process of its own.
type sample struct {
	Seconds float64 // the run; a way that repeats it: the median
	CPU     float64 // seconds of all cores, of one run
	Others  float64 // cores that the rest of the machine kept busy meanwhile

	Disk   int64 // bytes that came from storage
	Read   int64 // bytes that read calls returned
	Copied int64 // bytes that the way moved into memory of its process, as it counts them; -1: it does not

	Before int64 // resident bytes when the run began, memory kept for it included
	Peak   int64 // most resident bytes during the run
	Anon   int64 // resident bytes, at its end or, watched, the most: private memory,
	File   int64 // pages of the page cache that are mapped,
	Shared int64 // and shared memory
	Child  int64 // most resident bytes of a process that the way started

	Watched bool // memory is the most of each kind

	Digest string    // of each file that the way held, if the job asks
	Output []float32 // what the session computes, if the job asks

	Says string // what a program says of the job's files, or of itself
}

// A comparison is how many times as fast a way is as the fastest of its bases,
// round by round.
type comparison struct {
	metric string // its name among the benchmark's metrics
	way    string
	bases  []string
	reach  float64 // what it should reach; 0: shown without a mark
	goal   string  // the requirement that it measures
}

// against is a comparison with one base, which is shown without a mark.
func against(metric, way, base string) comparison {
	return comparison{metric: metric, way: way, bases: []string{base}}
}

// A bound is the most that a number of a way should be, in its unit.
type bound struct {
	way, unit string
	number    func(sample) float64
	most      float64
	goal      string
	watched   bool // the number is one of memory: of the watched sample
}

// rounds are samples of ways, side by side: noise from neighbours hits all ways
// of a round alike, and ratios are taken within a round.
type rounds struct {
	ways      []string
	samples   map[string][]sample // by way, in the order of the rounds
	watched   map[string]sample   // by way: one whose memory was looked at all along, and whose time counts nowhere
	disturbed int                 // samples that were taken beside others, for want of better ones
}

// A plan says how rounds are taken.
type plan struct {
	rounds int
	quiet  float64 // cores that others may keep busy during a sample
	tries  int     // how often to take a sample until that holds
}

// measure takes rounds of all ways, each round beginning with another way. Of
// the samples that others disturb it keeps the least disturbed.
func (p plan) measure(ways []string, take func(way string) (sample, error)) (*rounds, error) {
	r := &rounds{ways: ways, samples: map[string][]sample{}}
	for round := range p.rounds {
		for _, way := range rotated(ways, round) {
			best, err := take(way)
			for try := 1; err == nil && best.Others > p.quiet && try < p.tries; try++ {
				var s sample
				if s, err = take(way); s.Others < best.Others {
					best = s
				}
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", way, err)
			}
			if best.Others > p.quiet {
				r.disturbed++
			}
			r.samples[way] = append(r.samples[way], best)
		}
	}
	return r, nil
}

// add puts further rounds of the same ways behind these; there may be none yet.
func (r *rounds) add(further *rounds) {
	if r.samples == nil {
		r.ways, r.samples = further.ways, map[string][]sample{}
	}
	for way, samples := range further.samples {
		r.samples[way] = append(r.samples[way], samples...)
	}
	r.disturbed += further.disturbed
}

// watch takes one sample more of each way, for its memory, unless its samples
// have that.
func (r *rounds) watch(take func(way string) (sample, error)) error {
	r.watched = map[string]sample{}
	for _, way := range r.ways {
		s := r.samples[way][0]
		if !s.Watched {
			var err error
			if s, err = take(way); err != nil {
				return fmt.Errorf("%s: %w", way, err)
			}
		}
		r.watched[way] = s
	}
	return nil
}

// rotated is list, begun at element n and continued from its front.
func rotated[T any](list []T, n int) []T {
	n %= len(list)
	return slices.Concat(list[n:], list[:n])
}

// each is one number of each sample of a way.
func (r *rounds) each(way string, number func(sample) float64) (values []float64) {
	for _, s := range r.samples[way] {
		values = append(values, number(s))
	}
	return values
}

func (r *rounds) of(way string, number func(sample) float64) results.Spread {
	return results.SpreadOf(r.each(way, number))
}

// bytes is the median of a number of bytes.
func (r *rounds) bytes(way string, number func(sample) int64) int64 {
	return int64(r.of(way, func(s sample) float64 { return float64(number(s)) }).Median)
}

// compare is the least number of the bases by that of the way, of each round.
func (r *rounds) compare(c comparison, number func(sample) float64) results.Spread {
	ratios := r.each(c.way, number)
	for i, n := range ratios {
		base := number(r.samples[c.bases[0]][i])
		for _, other := range c.bases[1:] {
			base = min(base, number(r.samples[other][i]))
		}
		ratios[i] = base / n
	}
	return results.SpreadOf(ratios)
}

func seconds(s sample) float64 { return s.Seconds }
func cpu(s sample) float64     { return s.CPU }

// row is what is told of a way.
func (r *rounds) row(way string, kind results.Kind, size int64) results.Row {
	used := r.of(way, cpu)
	m, looked := r.watched[way]
	if !looked {
		m = sample{Before: -1, Peak: -1, Anon: -1, File: -1, Shared: -1, Child: -1}
	}
	row := results.Row{
		Way: way, Kind: kind,
		Seconds: r.of(way, seconds), CPU: used, CPUByGB: used.Median / (float64(size) / 1e9),
		Rounds: r.each(way, seconds),
		Others: r.of(way, func(s sample) float64 { return s.Others }).Median,
		Disk:   r.bytes(way, func(s sample) int64 { return s.Disk }),
		Read:   r.bytes(way, func(s sample) int64 { return s.Read }),
		Copied: r.bytes(way, func(s sample) int64 { return s.Copied }),
		Memory: results.Memory{Before: m.Before, Peak: m.Peak, Anon: m.Anon, File: m.File, Shared: m.Shared,
			Child: m.Child},
		Says: r.sayings(way),
	}
	if row.Disk < 0 && looked { // counted by looking alone
		row.Disk, row.Read = m.Disk, m.Read
	}
	return row
}

// sayings is what a way said, each thing once.
func (r *rounds) sayings(way string) (all []string) {
	for _, s := range r.samples[way] {
		if s.Says != "" && !slices.Contains(all, s.Says) {
			all = append(all, s.Says)
		}
	}
	return all
}

// ratio is a comparison that was measured.
func (r *rounds) ratio(c comparison) results.Ratio {
	return results.Ratio{
		Name: c.metric, Way: c.way, Bases: c.bases,
		Times: r.compare(c, seconds), CPU: r.compare(c, cpu).Median,
		Reach: c.reach, Goal: c.goal,
	}
}

// holds is a bound beside what was measured.
func (r *rounds) holds(l bound) results.Bound {
	found := r.of(l.way, l.number)
	if l.watched {
		found = results.SpreadOf([]float64{l.number(r.watched[l.way])})
	}
	return results.Bound{Way: l.way, Unit: l.unit, Found: found, Most: l.most, Goal: l.goal}
}

// tell gives the ratios to the benchmark's own line.
func tell(b *testing.B, t results.Table) {
	b.ReportMetric(0, "ns/op") // what it spans means nothing
	for _, r := range t.Ratios {
		b.ReportMetric(r.Times.Median, r.Name)
	}
}
