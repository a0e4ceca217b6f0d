package cli

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

const weightsPack = "weights" // what any state_dict needs

// A firstPolicy takes what was found in one model, and nothing else.
type firstPolicy struct {
	name       string
	origin     policy.Origin
	formats    []string // of weights and graphs
	companions []string // files without tensors
	only       []string // all files
	converts   bool
	leftOut    []formats.Finding // one for each file that the policy does not take
}

// newFirstPolicy is for what an inspection measured. A file that a load could
// not take, or would refuse, is left out.
func newFirstPolicy(name string, origin policy.Origin, r *loader.Report) (*firstPolicy, error) {
	p := &firstPolicy{name: name, origin: origin}
	severe := map[string]formats.Finding{}
	for _, f := range r.Findings {
		if _, told := severe[f.File]; !told && (f.Class == formats.Unverifiable || f.Severity.Rank() >= formats.High) {
			severe[f.File] = f
		}
	}
	facts := r.Facts().Inspect
	kinds := map[string]bool{}
	for _, f := range r.Files {
		format, sidecar := facts.Formats[f.Name], facts.Sidecars[f.Name]
		if _, bad := severe[f.Name]; !bad && format == "" && sidecar == "" {
			severe[f.Name] = policy.Codes().Finding(policy.CodeFormatUnknown, f.Name, 0, "no format claims it")
		}
		if !utf8.ValidString(f.Name) || strings.ContainsFunc(f.Name, func(r rune) bool { return !unicode.IsPrint(r) }) {
			severe[f.Name] = policy.Codes().Finding(policy.CodeNameControl, f.Name, 0, "no policy can show it")
		}
		if _, bad := severe[f.Name]; bad {
			continue
		}
		p.only = append(p.only, f.Name)
		switch {
		case format == "":
			p.companions = append(p.companions, f.Name)
		case format != policy.DataFormat:
			kinds[format] = true
		}
	}
	p.formats = slices.Sorted(maps.Keys(kinds))
	p.converts = slices.ContainsFunc(r.Conversions, func(c loader.ConversionReport) bool { return slices.Contains(p.only, c.File) })
	for _, file := range slices.Sorted(maps.Keys(severe)) {
		p.leftOut = append(p.leftOut, severe[file])
	}
	if len(p.formats) == 0 {
		why := "no format of weights was found"
		if len(p.leftOut) > 0 {
			why = p.leftOut[0].String()
		}
		return nil, denied("nothing is left that a policy could take: %s", why)
	}
	return p, nil
}

// text is the policy as people read it.
func (p *firstPolicy) text() []byte {
	var b bytes.Buffer
	b.WriteString(`version: 1
mode: audit              # a missing pin is reported, and lets the load go on; take this line out to enforce it
lock: weightgate.lock    # weightgate pin writes it; keep both files in your repository, outside the model
models:
`)
	fmt.Fprintf(&b, "  - name: %-18s # what your service gives to Load\n", strconv.Quote(p.name))
	fmt.Fprintf(&b, "    source: [%s]\n", p.origin.Kind)
	if p.origin.Repository != "" {
		fmt.Fprintf(&b, "    repository: %q\n    commit: %q\n", p.origin.Repository, p.origin.Commit)
	}
	fmt.Fprintf(&b, "    formats: [%s]\n", strings.Join(p.formats, ", "))
	if p.converts {
		fmt.Fprintf(&b, "    convert: {packs: [%s]}   # pickles are turned into safetensors, and never executed\n", weightsPack)
	}
	b.WriteString("    pin: required            # the files must be those in the lock, byte for byte\n")
	writeGlobs(&b, "    files:\n      only:                  # anything else is never opened\n", "        ", p.only)
	writeGlobs(&b, "    companions:              # files that hold no weights\n", "      ", p.companions)
	if len(p.leftOut) > 0 {
		b.WriteString("\n# Left out, since a load would refuse it; weightgate explain CODE tells more:\n")
		for _, f := range p.leftOut {
			file := "the model as a whole"
			if f.File != "" {
				file = formats.Quote(f.File)
			}
			fmt.Fprintf(&b, "#   %s: %s\n", file, f.Code)
		}
	}
	return b.Bytes()
}

// writeGlobs writes a list of files, each as the pattern that fits it alone.
func writeGlobs(b *bytes.Buffer, head, indent string, files []string) {
	if len(files) == 0 {
		return
	}
	b.WriteString(head)
	for _, file := range files {
		fmt.Fprintf(b, "%s- %s\n", indent, strconv.Quote(globbing.Replace(file)))
	}
}

var globbing = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)

// modelName is a name for the model at path, within the grammar of policies.
func modelName(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	name := strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune("._-", r)) {
			return r
		}
		return '-'
	}, filepath.Base(path))
	name = strings.TrimLeft(name[:min(len(name), 64)], "._-")
	if name == "" {
		return "model"
	}
	return name
}
