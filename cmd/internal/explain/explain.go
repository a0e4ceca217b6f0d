// Package explain says of every code what it means, why it matters, what to do,
// and where the public frameworks speak of it.
package explain

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/formats/pickle"
	"github.com/weightgate/weightgate/formats/torch"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/loader/convert"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/attestation"
	"github.com/weightgate/weightgate/policy/revocation"
	"github.com/weightgate/weightgate/policy/signature"
)

// A Code is all that is known of a code.
type Code struct {
	formats.CodeInfo
	Meaning string // one sentence
	Why     string // why it matters
	IDs     []ID   // in the order of Frameworks
}

// An entry explains one code: its meaning, and the risk that it shares with
// others. What to do stands beside the code that raises it.
type entry struct {
	code    formats.Code
	meaning string
	risk    risk
}

func entries() []entry {
	return slices.Concat(admission, vouching, safetensorsFiles, numpyFiles, zipFiles, onnxFiles, foreignFiles, sidecarFiles, pickleStreams, torchFiles, conversions, checkpoints)
}

// Codes are all codes that a load can raise, sorted.
func Codes() []Code {
	explained := map[formats.Code]entry{}
	for _, e := range entries() {
		explained[e.code] = e
	}
	var codes []Code
	for _, info := range raised() {
		e := explained[info.Code]
		codes = append(codes, Code{CodeInfo: info, Meaning: e.meaning, Why: e.risk.why, IDs: lookup(e.risk.ids)})
	}
	return codes
}

// raised are the codes that the loader, the rules and the formats raise, each
// once, sorted.
func raised() formats.CodeTable {
	tables := slices.Concat(loader.Codes(), policy.Codes(), signature.Codes(), attestation.Codes(), revocation.Codes(), all.Formats().Codes(), pickle.Codes(), torch.Codes(), convert.Codes())
	slices.SortFunc(tables, func(a, b formats.CodeInfo) int { return cmp.Compare(a.Code, b.Code) })
	return slices.CompactFunc(tables, func(a, b formats.CodeInfo) bool { return a.Code == b.Code })
}

// Find is the code of that name.
func Find(name string) (Code, bool) {
	for _, c := range Codes() {
		if string(c.Code) == name {
			return c, true
		}
	}
	return Code{}, false
}

// Near are the codes that somebody may have meant by name, the nearest first.
func Near(name string) []formats.Code {
	const most = 5
	distances := map[formats.Code]int{}
	var near []formats.Code
	for _, info := range raised() {
		d := distance(name, string(info.Code))
		within := len(name) >= 3 && strings.Contains(string(info.Code), name)
		if d <= 1+len(name)/4 || within {
			near = append(near, info.Code)
			distances[info.Code] = d
		}
	}
	slices.SortStableFunc(near, func(a, b formats.Code) int { return cmp.Compare(distances[a], distances[b]) })
	return near[:min(len(near), most)]
}

// distance is Levenshtein's: how many bytes to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// WriteText writes the code for people.
func (c Code) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s, %s\n\n", c.Code, c.Severity.Rank(), c.Class)
	wrap(&b, "  ", "  ", c.Meaning)
	b.WriteString("\n")
	wrap(&b, "  why       ", indent, c.Why)
	wrap(&b, "  to do     ", indent, c.Advice)
	for i, id := range c.IDs {
		label := indent
		if i == 0 {
			label = "  see       "
		}
		name := id.ID
		if id.Framework == &aisvs { // whose ids are bare numbers
			name = "AISVS " + name
		}
		wrap(&b, fmt.Sprintf("%s%-14s ", label, name), indent+strings.Repeat(" ", 15), id.Title)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// List writes a line or two of every code.
func List(w io.Writer) error {
	var b strings.Builder
	for _, c := range Codes() {
		wrap(&b, fmt.Sprintf("%-28s  %-8s  ", c.Code, c.Severity.Rank()), strings.Repeat(" ", 40), c.Meaning)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

const (
	columns = 96
	indent  = "            "
)

// wrap writes text behind first, and what does not fit behind rest.
func wrap(b *strings.Builder, first, rest, text string) {
	line, fresh := first, true
	for word := range strings.FieldsSeq(text) {
		if !fresh && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > columns {
			b.WriteString(line + "\n")
			line, fresh = rest, true
		}
		if !fresh {
			line += " "
		}
		line, fresh = line+word, false
	}
	b.WriteString(line + "\n")
}
