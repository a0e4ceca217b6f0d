package main

import (
	"fmt"
	"strings"

	"github.com/weightgate/weightgate/benchmarks/results"
)

// markdown is all of a run.
func markdown(run *results.Run) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Results of the benchmarks\n\nMade from results.json by `go run ./benchmarks/report`; what the rows and columns mean is in [the benchmarks' README](../README.md).\n\n![chart](%s)\n\n", chartName)
	fmt.Fprintf(&b, "## What is required\n\n%s\n", summary(run))
	b.WriteString("## Peers\n\n| peer | version |\n|---|---|\n")
	for _, p := range run.Peers {
		says := p.Version
		switch {
		case p.Without != "":
			says = "left out: " + p.Without
		case says == "":
			says = "it tells none"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", cell(p.Name), cell(says))
	}
	for _, t := range run.Tables {
		b.WriteString(section(t))
	}
	if len(run.Skipped) > 0 {
		b.WriteString("\n## Not measured\n\n| what | why |\n|---|---|\n")
		for _, s := range run.Skipped {
			fmt.Fprintf(&b, "| %s | %s |\n", cell(s.Name), cell(s.Why))
		}
	}
	return b.String()
}

// section is one table.
func section(t results.Table) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s\n\n%s: %s.\n\n", t.Name, t.Title, t.Head())
	columns := results.Columns()
	fmt.Fprintf(&b, "| %s |\n|---%s|\n", strings.Join(columns, " | "), strings.Repeat("|--:", len(columns)-1))
	for _, r := range t.Rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(r.Cells(t.Workload.Bytes), " | "))
	}
	if len(t.Ratios) > 0 {
		b.WriteString("\n| ratio | times as fast | by CPU time | |\n|---|--:|--:|---|\n")
	}
	for _, r := range t.Ratios {
		fmt.Fprintf(&b, "| %s | %s | %.3g | %s |\n", r.Name, r.Times.Text(), r.CPU, r.Mark())
	}
	if len(t.Bounds) > 0 {
		b.WriteString("\n| way | measured | |\n|---|--:|---|\n")
	}
	for _, l := range t.Bounds {
		fmt.Fprintf(&b, "| %s | %s %s | %s |\n", l.Way, l.Found.Text(), l.Unit, l.Mark())
	}
	said := false
	for _, r := range t.Rows {
		for _, says := range r.Says {
			if !said {
				b.WriteString("\n| way | says |\n|---|---|\n")
			}
			said = true
			fmt.Fprintf(&b, "| %s | %s |\n", r.Way, cell(says))
		}
	}
	return b.String()
}

// cell is text of others as one cell.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(text)
}
