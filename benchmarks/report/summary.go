package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/weightgate/weightgate/benchmarks/results"
)

// The lines between which a file shows the requirements.
const (
	begin = "<!-- results begin -->"
	end   = "<!-- results end -->"
)

var errNoPlace = errors.New("it has no place for the table: one line " + begin + " and, after it, one line " + end)

// shown is the chart, which lies at path, and the requirements.
func shown(run *results.Run, path string) string {
	return fmt.Sprintf("![How many times as fast as hashing the files and then loading them](%s)\n\n%s", path, summary(run))
}

// include is text with what lies between its two lines replaced.
func include(text, table string) (string, error) {
	if strings.Count(text, begin+"\n") != 1 || strings.Count(text, end+"\n") != 1 {
		return "", errNoPlace
	}
	before, rest, _ := strings.Cut(text, begin+"\n")
	_, after, ok := strings.Cut(rest, end+"\n")
	if !ok {
		return "", errNoPlace
	}
	return before + begin + "\n" + table + end + "\n" + after, nil
}

// A finding is what one table found of a requirement.
type finding struct {
	workload, measured string
	reached            bool
	distance           float64 // how far it is from what is to be reached: 1 is there, less is not
}

// A requirement is what is to be reached, and how far it was, table by table.
type requirement struct {
	goal, reach string
	found       []finding
}

// requirements are those of a run, in the order of its tables.
func requirements(run *results.Run) []requirement {
	var all []requirement
	add := func(goal, reach string, f finding) {
		if goal == "" {
			return
		}
		for i := range all {
			if all[i].goal == goal {
				all[i].found = append(all[i].found, f)
				return
			}
		}
		all = append(all, requirement{goal, reach, []finding{f}})
	}
	for _, t := range run.Tables {
		for _, r := range t.Ratios {
			add(r.Goal, fmt.Sprintf("≥ %.2f ×", r.Reach),
				finding{told(t), r.Times.Text() + " ×", r.Reached(), r.Times.Median / r.Reach})
		}
		for _, b := range t.Bounds {
			unit, _, _ := strings.Cut(b.Unit, " ")
			add(b.Goal, fmt.Sprintf("≤ %g %s", b.Most, unit),
				finding{told(t), b.Found.Text() + " " + unit, b.Reached(), b.Most / b.Found.Median})
		}
	}
	return all
}

// told is the workload of a table, and which of the throughput tables it is:
// they have one workload.
func told(t results.Table) string {
	if benchmark, part, ok := strings.Cut(t.Name, "/"); ok && benchmark == "Throughput" {
		return t.Workload.Name + " " + part
	}
	return t.Workload.Name
}

// worst is the finding that is farthest from what is to be reached, but for the
// first.
func (r requirement) worst() (finding, bool) {
	if len(r.found) < 2 {
		return finding{}, false
	}
	worst := r.found[1]
	for _, f := range r.found[2:] {
		if f.distance < worst.distance {
			worst = f
		}
	}
	return worst, true
}

// summary is the requirements as a table, under the machine.
func summary(run *results.Run) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", where(run))
	b.WriteString("| what | to reach | measured | the farthest of the others |\n|---|---|---|---|\n")
	for _, r := range requirements(run) {
		other := ""
		if f, ok := r.worst(); ok {
			other = f.cell()
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.goal, r.reach, r.found[0].cell(), other)
	}
	return b.String()
}

func (f finding) cell() string {
	mark := "reached"
	if !f.reached {
		mark = "**missed**"
	}
	return fmt.Sprintf("%s, %s: %s", f.measured, f.workload, mark)
}

// where says what a run was measured on.
func where(run *results.Run) string {
	m := run.Machine
	of := run.Commit
	if len(of) > 12 {
		of = of[:12]
	}
	if run.Dirty {
		of += " with changes"
	}
	text := fmt.Sprintf("Measured on %s at commit %s: %s; %d cores, %.0f GiB of memory, %s, %s, %s. Medians of interleaved rounds, with their bounds; × is how many times as fast.",
		run.Date.Format("2006-01-02"), of, m.CPU, m.Cores, float64(m.Memory)/(1<<30), m.Kernel, m.Disk, m.Go)
	samples, disturbed := 0, 0
	for _, t := range run.Tables {
		samples, disturbed = samples+t.Samples, disturbed+t.Disturbed
	}
	text += fmt.Sprintf(" Other processes disturbed %d of %d samples.", disturbed, samples)
	if run.Rounds > 0 {
		text += fmt.Sprintf(" %d rounds of each.", run.Rounds)
	}
	if run.Quick {
		text += " **A quick run, of small models and few rounds: it claims nothing.**"
	}
	return text
}
