package results

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Columns are the heads of a row's cells.
func Columns() []string {
	return []string{"way", "ms", "min..max", "GB/s", "CPU s/GB", "others", "disk", "read", "copied", "before", "peak", "anon", "file", "shared", "child"}
}

// Cells are a row in a table of columns: bytes in MiB, of a workload of size
// bytes. A dash is what nobody counted.
func (r Row) Cells(size int64) []string {
	cells := []string{
		r.Way,
		fmt.Sprintf("%.1f", 1e3*r.Seconds.Median),
		fmt.Sprintf("%.1f..%.1f", 1e3*r.Seconds.Min, 1e3*r.Seconds.Max),
		fmt.Sprintf("%.2f", float64(size)/1e9/r.Seconds.Median),
		fmt.Sprintf("%.2f", r.CPUByGB),
		fmt.Sprintf("%.1f", r.Others),
	}
	m := r.Memory
	for _, n := range []int64{r.Disk, r.Read, r.Copied, m.Before, m.Peak, m.Anon, m.File, m.Shared, m.Child} {
		cell := "–"
		if n >= 0 {
			cell = fmt.Sprintf("%.0f", float64(n)/(1<<20))
		}
		cells = append(cells, cell)
	}
	return cells
}

// Head is what a table says above its rows.
func (t Table) Head() string {
	return fmt.Sprintf("bytes: %d, files: %d, page cache %s, cores: %d; %d rounds, medians, bytes in MiB; others disturbed %d of %d samples",
		t.Workload.Bytes, t.Workload.Files, t.Cache, t.Cores, t.Rounds, t.Disturbed, t.Samples)
}

// Text is a spread as tables show it: one number if it is one.
func (s Spread) Text() string {
	if s.Min == s.Max {
		return fmt.Sprintf("%.3g", s.Median)
	}
	return fmt.Sprintf("%.3g (%.3g..%.3g)", s.Median, s.Min, s.Max)
}

// Mark says what a ratio should reach, and whether it does.
func (r Ratio) Mark() string {
	if r.Reach == 0 {
		return ""
	}
	return fmt.Sprintf("to reach %.2f: %s", r.Reach, mark(r.Reached()))
}

// Mark says what a bound is, and whether it holds.
func (b Bound) Mark() string { return fmt.Sprintf("at most %g: %s", b.Most, mark(b.Reached())) }

func mark(reached bool) string {
	if reached {
		return "reached"
	}
	return "MISSED"
}

// WriteText prints a table for a terminal.
func (t Table) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n%s\n\n", t.Title, t.Head())
	rows := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(rows, strings.Join(Columns(), "\t")+"\t")
	for _, r := range t.Rows {
		fmt.Fprintln(rows, strings.Join(r.Cells(t.Workload.Bytes), "\t")+"\t")
	}
	if err := rows.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(&b)
	for _, r := range t.Ratios {
		fmt.Fprintf(&b, "%-26s %s, by CPU time %.3g%s\n", r.Name, r.Times.Text(), r.CPU, after(r.Mark()))
	}
	for _, l := range t.Bounds {
		fmt.Fprintf(&b, "%-26s %s %s%s\n", l.Way, l.Found.Text(), l.Unit, after(l.Mark()))
	}
	for _, r := range t.Rows {
		if len(r.Says) > 0 {
			fmt.Fprintf(&b, "%-34s %s\n", r.Way, strings.Join(r.Says, " | "))
		}
	}
	fmt.Fprintln(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func after(mark string) string {
	if mark == "" {
		return ""
	}
	return "; " + mark
}
