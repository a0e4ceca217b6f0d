package loader

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
)

// What a report shows of its lists, so that it stays on a screen: JSON holds
// all of them.
const (
	maxFindingsShown = 10
	maxFilesShown    = 12
	maxTensorsShown  = 20 // lines, with those of their files
)

// columns is the width that text is wrapped at. A word that is longer, such as
// a digest behind a long name, is not cut.
const columns = 96

// String is the report for people, as WriteText writes it.
func (r *Report) String() string {
	var b strings.Builder
	r.WriteText(&b)
	return b.String()
}

// WriteText writes the report for people: the verdict first, the reasons with
// their place and what to do, what else was seen, then what was measured. Names
// from files are escaped, and long lists are cut short: JSON has them in full.
func (r *Report) WriteText(w io.Writer) error {
	t := textWriter{w: w}
	t.line("%s  %s", strings.ToUpper(r.headline()), r.subject())
	reasons := make([]formats.Finding, 0, len(r.Findings))
	for _, reason := range r.Reasons() {
		reasons = append(reasons, reason.Finding)
	}
	t.findings(reasons, classLabel)
	if r.Error != "" && !slices.ContainsFunc(reasons, func(f formats.Finding) bool { return strings.Contains(f.Detail, r.Error) }) {
		t.wrap("  cause     ", indent, escape(r.Error))
	}
	t.findings(r.besides(reasons), func(f formats.Finding) string { return f.Severity.String() })
	t.waived(r.Waived())
	if !r.Identity.IsZero() {
		t.line("  identity  %s", r.Identity)
	}
	t.evidence(r.facts.Evidence)
	t.files(r.Files, r.facts.Inspect != nil)
	t.conversions(r.Conversions)
	if !r.Derived.IsZero() {
		t.line("  derived   %s", r.Derived)
		t.derived(r.DerivedFiles)
	}
	t.tensors(r.Inventory, r.Event == EventInspect)
	for _, l := range r.Library {
		t.line("  library   %s  %s", l.Verity, formats.Quote(l.Name))
	}
	if s := r.Session; s != nil {
		t.line("  session   %s, ONNX Runtime %s", formats.Quote(s.Device), formats.Quote(s.Runtime))
	}
	if n := len(r.LeftOut); n > 0 {
		t.line("  left out  %s that files.only does not name", count(n, "file"))
	}
	t.phases(r.Phases)
	return t.err
}

func (r *Report) headline() string {
	if r.Event == EventInspect && r.Verdict == policy.Pending { // nothing was decided
		return "inspected"
	}
	if r.Audit {
		return "audit, " + r.Verdict.String()
	}
	return r.Verdict.String()
}

// classLabel is a class in a word that fits the column of labels.
func classLabel(f formats.Finding) string {
	if f.Class == formats.Unverifiable {
		return "unread"
	}
	return f.Class.String()
}

// subject is what was judged, and by what.
func (r *Report) subject() string {
	s := fmt.Sprintf("%s (%s", formats.Quote(r.Name), formats.Quote(r.Origin.Kind))
	if r.Origin.Repository != "" {
		s += " " + formats.Quote(r.Origin.Repository)
	}
	if r.Origin.Commit != "" {
		s += "@" + formats.Quote(r.Origin.Commit)
	}
	s += ")"
	if n := len(r.Reasons()); n > 0 {
		s += ", " + count(n, "reason")
		if r.Audit {
			s += " for which enforce would refuse it"
		}
	} else if r.Event == EventInspect {
		s += ", " + count(len(r.Findings), "finding")
	}
	if !r.Vouched && r.Verdict == policy.Admitted {
		s += ", nobody vouched for it"
	}
	return s
}

// besides are the findings that are no reasons, the worst first.
func (r *Report) besides(reasons []formats.Finding) []formats.Finding {
	counted := make(map[formats.Finding]bool, len(reasons))
	for _, f := range reasons {
		counted[f] = true
	}
	rest := slices.DeleteFunc(slices.Clone(r.Findings), func(f formats.Finding) bool { return counted[f] })
	slices.SortStableFunc(rest, func(a, b formats.Finding) int { return cmp.Compare(b.Severity.Rank(), a.Severity.Rank()) })
	return rest
}

// textWriter writes lines and keeps the first error.
type textWriter struct {
	w   io.Writer
	err error
}

// indent is where everything begins that has no label.
const indent = "            "

func (t *textWriter) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format+"\n", args...)
	}
}

// wrap writes text behind first, and what does not fit behind rest.
func (t *textWriter) wrap(first, rest, text string) {
	line, fresh := first, true
	for word := range strings.SplitSeq(text, " ") { // two spaces in a name stay two
		if !fresh && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > columns {
			t.line("%s", line)
			line, fresh = rest, true
		}
		if !fresh {
			line += " "
		}
		line, fresh = line+word, false
	}
	t.line("%s", line)
}

// findings writes each finding under its label and what to do about it, which
// is said once for findings in a row that share it.
func (t *textWriter) findings(all []formats.Finding, label func(formats.Finding) string) {
	shown := all[:min(len(all), maxFindingsShown)]
	for i, f := range shown {
		t.wrap(fmt.Sprintf("  %-9s ", label(f)), indent, escape(f.String()))
		if f.Advice != "" && (i+1 == len(shown) || shown[i+1].Advice != f.Advice) {
			t.wrap(indent+"→ ", indent+"  ", f.Advice)
		}
	}
	byCode := map[string]int{}
	for _, f := range all[len(shown):] {
		byCode[string(f.Code)]++
	}
	t.more(byCode)
}

// files writes a table of files: the start of the digest, size, format, name.
func (t *textWriter) files(files []FileReport, inspected bool) {
	if len(files) == 0 {
		return
	}
	none := "no format"
	if !inspected {
		none = "not parsed"
	}
	var rows [][]string
	bytes, byFormat := int64(0), map[string]int{}
	for i, f := range files {
		bytes += f.Size
		format := cmp.Or(f.Format, none)
		if i >= maxFilesShown {
			byFormat[format]++
			continue
		}
		rows = append(rows, []string{f.Verity.String()[:12] + "…", size(f.Size), format, formats.Quote(f.Name)})
	}
	t.line("  files     %s, %s", count(len(files), "file"), size(bytes))
	t.table(rows, 1)
	t.more(byFormat)
}

// tensors writes how many there are, and in full a table of them, with a line
// for each file if there are several.
func (t *textWriter) tensors(all []TensorReport, full bool) {
	if len(all) == 0 {
		return
	}
	files, bytes := map[string]bool{}, int64(0)
	for _, tensor := range all {
		files[tensor.File] = true
		bytes += tensor.Bytes
	}
	in := ""
	if len(files) > 1 {
		in = " in " + count(len(files), "file")
	}
	t.line("  tensors   %s, %s%s", count(len(all), "tensor"), size(bytes), in)
	if !full {
		return
	}
	rows := [][]string{{"name", "dtype", "shape", "bytes"}}
	shown, file := 0, ""
	for _, tensor := range all {
		if len(rows) > maxTensorsShown {
			break
		}
		if tensor.File != file && len(files) > 1 {
			rows = append(rows, []string{clip(formats.Quote(tensor.File), 2*maxNameShown) + ":"})
		}
		file = tensor.File
		rows = append(rows, []string{clip(formats.Quote(tensor.Name), maxNameShown), tensor.DType.String(),
			clip(formats.ShapeString(tensor.Shape), maxShapeShown), size(tensor.Bytes)})
		shown++
	}
	t.table(rows, 3)
	if n := len(all) - shown; n > 0 {
		t.line("%sand %d more", indent, n)
	}
}

// The widths of a table of tensors.
const (
	maxNameShown  = 42
	maxShapeShown = 20
)

// table writes rows of cells in aligned columns, the given one to the right. A
// row of a single cell stands for itself.
func (t *textWriter) table(rows [][]string, right int) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if len(row) > 1 {
				widths[i] = max(widths[i], utf8.RuneCountInString(cell))
			}
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			fill := ""
			if len(row) > 1 {
				fill = strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			}
			if i == right {
				cell, fill = fill+cell, ""
			}
			b.WriteString(cell + fill + "  ")
		}
		t.line("%s%s", indent, strings.TrimRight(b.String(), " "))
	}
}

// more writes how many are not shown, by kind.
func (t *textWriter) more(byKind map[string]int) {
	n, kinds := 0, make([]string, 0, len(byKind))
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		n += byKind[kind]
		kinds = append(kinds, fmt.Sprintf("%d %s", byKind[kind], kind))
	}
	if n > 0 {
		t.wrap(indent, indent, fmt.Sprintf("and %d more: %s", n, strings.Join(kinds, ", ")))
	}
}

func (t *textWriter) phases(phases []PhaseTime) {
	if len(phases) == 0 {
		return
	}
	parts := make([]string, len(phases))
	for i, p := range phases {
		parts[i] = fmt.Sprintf("%s %s", p.Phase, p.Duration.Round(10*time.Microsecond))
	}
	t.line("  time      %s", strings.Join(parts, ", "))
}

// size is n bytes with a binary prefix.
func size(n int64) string {
	const prefixes = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, i := float64(n)/1024, 0
	for v >= 1024 && i < len(prefixes)-1 {
		v, i = v/1024, i+1
	}
	return fmt.Sprintf("%.1f %ciB", v, prefixes[i])
}

func count(n int, word string) string { return fmt.Sprintf("%d %s", n, plural(n, word)) }

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// clip cuts the middle out of printable ASCII that is longer than n.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n/2] + "…" + s[len(s)-(n-1-n/2):]
}

// escape keeps what quoted text could steer a terminal with, or hide, off it.
func escape(s string) string {
	return strings.Map(func(r rune) rune {
		if formats.Hides(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}
