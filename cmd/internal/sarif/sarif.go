package sarif

import (
	"cmp"
	"encoding/json"
	"io"
	"net/url"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/weightgate/weightgate/cmd/internal/explain"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
)

const schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// Write writes the findings of reports as one run of the command, which ends
// with this exit code. A report's name is the path that it is of.
func Write(w io.Writer, reports []*loader.Report, exitCode int) error {
	rules := newRules(reports)
	results := []result{}
	successful := true
	for _, r := range reports {
		for _, f := range r.Findings {
			successful = successful && f.Class != formats.Unverifiable
			results = append(results, rules.result(r, f))
		}
	}
	return json.NewEncoder(w).Encode(log{
		Schema: schema, Version: "2.1.0",
		Runs: []run{{
			Tool:        tool{Driver: rules.driver()},
			Taxonomies:  rules.taxonomies(),
			Invocations: []invocation{{Successful: successful, ExitCode: exitCode}},
			ColumnKind:  "unicodeCodePoints",
			Results:     results,
		}},
	})
}

// rules are the codes that a log speaks of.
type rules struct {
	codes []explain.Code       // sorted
	index map[formats.Code]int // in codes
}

func newRules(reports []*loader.Report) *rules {
	r := &rules{index: map[formats.Code]int{}}
	for _, code := range explain.Codes() {
		for _, report := range reports {
			if slices.ContainsFunc(report.Findings, func(f formats.Finding) bool { return f.Code == code.Code }) {
				r.index[code.Code] = len(r.codes)
				r.codes = append(r.codes, code)
				break
			}
		}
	}
	return r
}

func (r *rules) driver() component {
	d := component{Name: "weightgate", Organization: "weightgate", InformationURI: "https://github.com/weightgate/weightgate"}
	if info, ok := debug.ReadBuildInfo(); ok {
		d.Version = info.Main.Version
	}
	d.Version = cmp.Or(d.Version, "unknown")
	for _, c := range r.codes {
		d.Rules = append(d.Rules, rule(c))
	}
	for _, f := range explain.Frameworks() {
		d.SupportedTaxonomies = append(d.SupportedTaxonomies, reference{f.Name})
	}
	return d
}

func rule(c explain.Code) descriptor {
	d := descriptor{
		ID:               string(c.Code),
		ShortDescription: &text{c.Meaning},
		FullDescription:  &text{c.Meaning + " " + c.Why},
		Help:             &text{c.Advice},
		Default:          &configuration{level(c.Severity)},
		Properties:       &properties{Tags: []string{"security"}, Severity: c.Severity.Rank().String(), Class: c.Class.String()},
	}
	for _, id := range c.IDs {
		d.Relationships = append(d.Relationships, relationship{
			Target: target{ID: id.ID, Component: reference{id.Framework.Name}}, Kinds: []string{"relevant"},
		})
		if number, ok := strings.CutPrefix(id.ID, "CWE-"); ok {
			d.Properties.Tags = append(d.Properties.Tags, "external/cwe/cwe-"+number)
		}
	}
	return d
}

// taxonomies are the frameworks, with what the rules refer to.
func (r *rules) taxonomies() []component {
	var all []component
	for _, f := range explain.Frameworks() {
		c := component{Name: f.Name, Version: f.Version, Organization: f.Organization, InformationURI: f.URL}
		for _, id := range f.IDs() {
			if slices.ContainsFunc(r.codes, func(code explain.Code) bool { return slices.Contains(code.IDs, id) }) {
				c.Taxa = append(c.Taxa, descriptor{ID: id.ID, ShortDescription: &text{id.Title}})
			}
		}
		all = append(all, c)
	}
	return all
}

func (r *rules) result(report *loader.Report, f formats.Finding) result {
	index, known := r.index[f.Code]
	if !known {
		index = -1
	}
	at := physical{Artifact: artifact{uri(report, f.File)}}
	if f.Offset > 0 { // zero is also the file as a whole
		at.Region = &region{Offset: f.Offset}
	}
	message := cmp.Or(f.Detail, string(f.Code))
	if f.Advice != "" {
		message += "\n" + f.Advice
	}
	return result{
		RuleID: string(f.Code), RuleIndex: index, Level: level(f.Severity),
		Message: text{message}, Locations: []location{{at}},
		Properties: &properties{Severity: f.Severity.Rank().String(), Class: f.Class.String()},
	}
}

func level(s formats.Severity) string {
	switch s.Rank() {
	case formats.Info, formats.Low:
		return "note"
	case formats.Medium:
		return "warning"
	}
	return "error"
}

// uri is where a file of the report lies: relative if its path is.
func uri(r *loader.Report, file string) string {
	path := filepath.ToSlash(r.Name)
	if r.Origin.Kind != "file" && file != "" {
		path = strings.TrimSuffix(path, "/") + "/" + file
	}
	u := url.URL{Path: path}
	if filepath.IsAbs(r.Name) {
		u.Scheme, u.Path = "file", "/"+strings.TrimPrefix(path, "/")
	}
	return u.String()
}
