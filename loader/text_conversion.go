package loader

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/manifest"
)

// What a report shows of a pickle.
const (
	maxUsesShown    = 8
	maxDroppedShown = 4
)

// conversions writes what became of each file that holds pickles: what was made
// of it, in what sandbox, what it names and calls, what was left out.
func (t *textWriter) conversions(all []ConversionReport) {
	for i, c := range all {
		if i == maxFilesShown {
			t.line("%sand %d more", indent, len(all)-i)
			return
		}
		made := "nothing"
		if c.Derived != "" {
			made = formats.Quote(c.Derived)
		}
		t.wrap("  pickle    ", indent, fmt.Sprintf("%s → %s, %s", formats.Quote(c.File), made, c.how()))
		t.uses(c.Uses)
		t.dropped(c.Dropped)
	}
}

// how is by what, and where, a file was read.
func (c *ConversionReport) how() string {
	packs := make([]string, len(c.Packs))
	for i, p := range c.Packs {
		packs[i] = fmt.Sprintf("%s %d", formats.Quote(p.Name), p.Version)
	}
	how := plural(len(packs), "pack") + " " + strings.Join(packs, ", ")
	if c.Sandbox == nil {
		return how + ", no sandbox"
	}
	return fmt.Sprintf("%s, sandbox %s, child %s", how, c.Sandbox.Level, size(c.Sandbox.MaxRSS))
}

// derived writes a table of what conversions made.
func (t *textWriter) derived(files manifest.Manifest) {
	var rows [][]string
	for i, f := range files {
		if i == maxFilesShown {
			break
		}
		rows = append(rows, []string{f.Verity.String()[:12] + "…", size(f.Size), formats.Quote(f.Name)})
	}
	t.table(rows, 1)
	if n := len(files) - len(rows); n > 0 {
		t.line("%sand %d more", indent, n)
	}
}

// uses writes a table of globals and calls, those first that no pack has.
func (t *textWriter) uses(all []formats.Use) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b formats.Use) int {
		if a.Known != b.Known {
			if a.Known {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.Offset, b.Offset)
	})
	var rows [][]string
	rest := map[string]int{}
	for _, u := range all {
		known, what := "unknown", "names"
		if u.Known {
			known = "known"
		}
		if u.Call {
			what = "calls"
		}
		if len(rows) == maxUsesShown {
			rest[known]++
			continue
		}
		rows = append(rows, []string{known, what, fmt.Sprintf("@%d", u.Offset), clip(formats.Quote(u.Name), 2*maxNameShown)})
	}
	t.table(rows, 2)
	t.more(rest)
}

// dropped writes what a conversion left out, in one paragraph.
func (t *textWriter) dropped(all []formats.Dropped) {
	if len(all) == 0 {
		return
	}
	var shown []string
	for _, d := range all[:min(len(all), maxDroppedShown)] {
		path := cmp.Or(d.Path, "the root")
		shown = append(shown, fmt.Sprintf("%s (%s)", clip(formats.Quote(path), maxNameShown), clip(formats.Quote(d.What), maxNameShown)))
	}
	if n := len(all) - len(shown); n > 0 {
		shown = append(shown, fmt.Sprintf("%d more", n))
	}
	t.wrap(indent+"dropped ", indent+"  ", strings.Join(shown, ", "))
}
