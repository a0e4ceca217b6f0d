package policy

import (
	"slices"
	"strings"

	"github.com/weightgate/weightgate/formats"
)

// rated are those of found that reach the severity which the entry refuses.
func (r *Rules) rated(found []formats.Finding) []formats.Finding {
	return slices.DeleteFunc(found, func(f formats.Finding) bool { return f.Severity.Rank() < r.threshold() })
}

// contentIsUnsuspicious lets pass what a parser says of a file that it has
// read, below the severity which the entry refuses, and no other finding.
func contentIsUnsuspicious(r *Rules, f *Facts) []formats.Finding {
	return slices.DeleteFunc(slices.Clone(f.Inspect.Findings), func(finding formats.Finding) bool {
		least := r.threshold()
		if severity, is := firm[area(finding)]; is {
			least = min(least, severity)
		}
		return finding.Severity.Rank() < least && finding.Class == formats.Denied && isContent(finding, f.Inspect)
	})
}

// isContent reports whether a format says it, of a file whose format is known.
// A derived file has none: what its converter wrote has no excuse.
func isContent(finding formats.Finding, f *InspectFacts) bool {
	known := f.Formats[finding.File] != "" || f.Sidecars[finding.File] != ""
	return known && finding.Code != "" && !slices.Contains(reserved, area(finding))
}

// firm are the severities from which findings of an area count whatever the
// entry lets pass: what refuses to convert a file is no matter of taste. Of a
// pickle information alone may pass.
var firm = map[string]formats.Severity{"convert": formats.High, "pickle": formats.Low, "torch": formats.High}

// contentRule is the name of the rule above.
const contentRule = "content"

// reserved are the areas of codes that are about the line itself: integrity,
// ambiguity, limits, trust. Any other area is the name of some format.
var reserved = []string{
	"approval", "attestation", "companion", "derived", "file", "format", "library", "limits", "load", "memory", "name", "pin",
	"policy", "provenance", "record", "release", "revocation", "sandbox", "session", "signature", "source",
}

// area is what stands before the first dot of a code.
func area(f formats.Finding) string {
	before, _, _ := strings.Cut(string(f.Code), ".")
	return before
}
