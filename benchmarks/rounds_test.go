package benchmarks

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
)

// A sample is one run of one way, in a process of its own.
type sample struct {
	Seconds float64 // the run; a way that repeats it: the median
	CPU     float64 // seconds of all cores, of one run
	Others  float64 // cores that the rest of the machine kept busy meanwhile

	Disk   int64 // bytes that came from storage
	Read   int64 // bytes that read calls returned
	Copied int64 // bytes that the way moved into memory of its process, as it counts them

	Before int64 // resident bytes when the run began, memory kept for it included
	Peak   int64 // most resident bytes during the run
	Anon   int64 // resident bytes at its end: private memory,
	File   int64 // pages of the page cache that are mapped,
	Shared int64 // and shared memory
	Child  int64 // most resident bytes of a process that the way started

	Digest string    // of the bytes that the way held, if the job asks
	Output []float32 // what the session computes, if the job asks

	Says string // what a program says of the job's file, or of itself
}

// A comparison is how many times as fast a way is as a base, round by round.
type comparison struct {
	metric    string // its name among the benchmark's metrics
	way, base string
	reach     float64 // what it should reach; 0: shown without a mark
}

// A bound is the most that a number of a way should be, in its unit.
type bound struct {
	way, unit string
	number    func(sample) float64
	most      float64
}

// rounds are samples of ways, side by side: noise from neighbours hits all ways
// of a round alike, and ratios are taken within a round.
type rounds struct {
	ways      []string
	samples   map[string][]sample // by way, in the order of the rounds
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

// rotated is list, begun at element n and continued from its front.
func rotated[T any](list []T, n int) []T {
	n %= len(list)
	return slices.Concat(list[n:], list[:n])
}

// of is one number of each sample of a way.
func (r *rounds) of(way string, number func(sample) float64) spread {
	var values []float64
	for _, s := range r.samples[way] {
		values = append(values, number(s))
	}
	return spreadOf(values)
}

// compare is base's number by way's, of each round.
func (r *rounds) compare(c comparison, number func(sample) float64) spread {
	var ratios []float64
	for i, base := range r.samples[c.base] {
		ratios = append(ratios, number(base)/number(r.samples[c.way][i]))
	}
	return spreadOf(ratios)
}

func seconds(s sample) float64 { return s.Seconds }
func cpu(s sample) float64     { return s.CPU }

// A spread is what a table shows of numbers.
type spread struct{ median, min, max float64 }

// spreadOf summarises at least one number. The median of an even count is the
// mean of the two in the middle.
func spreadOf(values []float64) spread {
	v := slices.Sorted(slices.Values(values))
	half := len(v) / 2
	median := v[half]
	if len(v)%2 == 0 {
		median = (v[half-1] + v[half]) / 2
	}
	return spread{median: median, min: v[0], max: v[len(v)-1]}
}

// write prints a table of all ways, then the comparisons. size is the bytes of
// the job, for the column of GB/s.
func (r *rounds) write(w io.Writer, title string, size int64, comparisons []comparison, bounds ...bound) error {
	n := len(r.samples[r.ways[0]])
	fmt.Fprintf(w, "\n%s\n%d rounds, medians, bytes in MiB; others disturbed %d of %d samples\n\n", title, n, r.disturbed, n*len(r.ways))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	columns := []string{"way", "ms", "min..max", "GB/s", "CPU ms", "others", "disk", "read", "copied", "RSS before", "peak", "anon", "file", "shared", "child"}
	fmt.Fprintln(t, strings.Join(columns, "\t")+"\t")
	for _, way := range r.ways {
		wall := r.of(way, seconds)
		fmt.Fprintf(t, "%s\t%.1f\t%.1f..%.1f\t%.2f\t%.1f\t%.1f\t", way,
			1e3*wall.median, 1e3*wall.min, 1e3*wall.max, float64(size)/1e9/wall.median,
			1e3*r.of(way, cpu).median,
			r.of(way, func(s sample) float64 { return s.Others }).median)
		for _, bytes := range []func(sample) int64{
			func(s sample) int64 { return s.Disk },
			func(s sample) int64 { return s.Read },
			func(s sample) int64 { return s.Copied },
			func(s sample) int64 { return s.Before },
			func(s sample) int64 { return s.Peak },
			func(s sample) int64 { return s.Anon },
			func(s sample) int64 { return s.File },
			func(s sample) int64 { return s.Shared },
			func(s sample) int64 { return s.Child },
		} {
			fmt.Fprintf(t, "%.0f\t", r.of(way, func(s sample) float64 { return float64(bytes(s)) / (1 << 20) }).median)
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, c := range comparisons {
		s := r.compare(c, seconds)
		fmt.Fprintf(w, "%-22s %.3g (%.3g..%.3g), by CPU time %.3g%s\n",
			c.metric, s.median, s.min, s.max, r.compare(c, cpu).median, c.mark(s))
	}
	for _, l := range bounds {
		s := r.of(l.way, l.number)
		fmt.Fprintf(w, "%-22s %.3g (%.3g..%.3g) %s%s\n", l.way, s.median, s.min, s.max, l.unit, l.mark(s))
	}
	for _, way := range r.ways {
		if said := r.sayings(way); said != "" {
			fmt.Fprintf(w, "%-22s %s\n", way, said)
		}
	}
	_, err := fmt.Fprintln(w)
	return err
}

// sayings is what a way said, each thing once.
func (r *rounds) sayings(way string) string {
	var all []string
	for _, s := range r.samples[way] {
		if !slices.Contains(all, s.Says) {
			all = append(all, s.Says)
		}
	}
	return strings.Join(all, " | ")
}

// mark says what a comparison should reach, and whether it does.
func (c comparison) mark(s spread) string {
	switch {
	case c.reach == 0:
		return ""
	case s.median >= c.reach:
		return fmt.Sprintf("; to reach %.2f: reached", c.reach)
	}
	return fmt.Sprintf("; to reach %.2f: MISSED", c.reach)
}

// mark says what a bound is, and whether it holds.
func (l bound) mark(s spread) string {
	if s.median <= l.most {
		return fmt.Sprintf("; at most %g: reached", l.most)
	}
	return fmt.Sprintf("; at most %g: MISSED", l.most)
}

// report gives the comparisons to the benchmark's own line.
func (r *rounds) report(b *testing.B, comparisons []comparison) {
	b.ReportMetric(0, "ns/op") // what it spans means nothing
	for _, c := range comparisons {
		b.ReportMetric(r.compare(c, seconds).median, c.metric)
	}
}
