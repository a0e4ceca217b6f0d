package policy

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/manifest"
)

// A rule is one question. What judge finds speaks against the load; it is
// called only with an entry, and with the facts of its phase and before.
type rule struct {
	phase Phase
	name  string
	judge func(r *Rules, f *Facts) []formats.Finding
}

// others are the rules that ask what others say of a model.
var others = []string{"revocation", "signatures", "approvals", "release", "provenance", "derived revocation"}

// rules are asked in this order.
var rules = []rule{
	{PhaseStat, "source", sourceFits},
	{PhaseStat, "listing", listingIsSound},
	{PhaseStat, "kinds", filesAreRegular},
	{PhaseStat, "names", namesAreClear},
	{PhaseStat, "links", filesHaveOneName},
	{PhaseStat, "pin", listingIsPinned},
	{PhaseStat, "companions", companionsAreThere},
	{PhaseStat, "findings", func(_ *Rules, f *Facts) []formats.Finding { return slices.Clone(f.Stat.Findings) }},

	{PhaseDigest, "measured", everyFileIsMeasured},
	{PhaseDigest, "pin", contentIsPinned},
	{PhaseDigest, "sha256", digestsAgree},
	{PhaseDigest, "revocation", nothingIsRevoked},
	{PhaseDigest, "signatures", modelIsSigned},
	{PhaseDigest, "approvals", modelIsApproved},
	{PhaseDigest, "release", releaseIsNotOlder},
	{PhaseDigest, "findings", func(_ *Rules, f *Facts) []formats.Finding { return slices.Clone(f.Digest.Findings) }},

	{PhaseInspect, "listed", onlyListedFilesAreInspected},
	{PhaseInspect, "formats", formatsAreListed},
	{PhaseInspect, "conversions", conversionsAreAllowed},
	{PhaseInspect, "derived", derivedAreMeasured},
	{PhaseInspect, "derived pin", derivedArePinned},
	{PhaseInspect, "provenance", weightsHaveProvenance},
	{PhaseInspect, "derived revocation", derivedAreNotRevoked},
	{PhaseInspect, contentRule, contentIsUnsuspicious},

	{PhaseLibrary, "libraries", librariesArePinned},
	{PhaseLibrary, "one library", librariesAreTheOpenOnes},

	{PhaseSession, "device", deviceIsListed},
	{PhaseSession, "fallback", nodesAreOnTheDevice},
}

// sourceFits asks again what For has answered: these rules are for the name
// and the origin in the facts.
func sourceFits(r *Rules, f *Facts) []formats.Finding {
	var found []formats.Finding
	if f.Name != r.name {
		found = append(found, codes.Finding(CodeNoMatch, "", 0, "the rules are those of %+q, not of %+q", r.name, f.Name))
	}
	if !r.entry.admits(f.Origin) {
		found = append(found, codes.Finding(CodeSource, "", 0, "%s, and the policy takes %s", describeOrigin(f.Origin), r.entry.sources()))
	}
	return found
}

// sources is what e takes, for people.
func (e *entry) sources() string {
	s := strings.Join(e.Source, ", ")
	if e.Repository != "" {
		s += fmt.Sprintf(", of a hub the repository %+q", e.Repository)
	}
	if e.Commit != "" {
		s += ", of a hub the commit " + e.Commit
	}
	return s
}

func listingIsSound(r *Rules, f *Facts) []formats.Finding {
	var found []formats.Finding
	if len(f.Stat.Files) == 0 {
		found = append(found, codes.Finding(CodeSourceEmpty, "", 0, "no file of this model, and %d that files.only leaves out", len(f.Stat.LeftOut)))
	}
	seen := map[string]bool{}
	for _, file := range f.Stat.Files {
		switch {
		case !fs.ValidPath(file.Name) && utf8.ValidString(file.Name) || file.Name == ".":
			found = append(found, codes.Finding(CodeNameInvalid, file.Name, 0, "no relative, slash-separated name"))
		case seen[file.Name]:
			found = append(found, codes.Finding(CodeNameInvalid, file.Name, 0, "listed twice"))
		case file.Size < 0:
			found = append(found, codes.Finding(CodePhase, file.Name, 0, "a size of %d bytes", file.Size))
		case !r.Keep(file.Name):
			found = append(found, codes.Finding(CodePhase, file.Name, 0, "listed as part of the model, and files.only leaves it out"))
		}
		seen[file.Name] = true
	}
	return found
}

func filesAreRegular(_ *Rules, f *Facts) []formats.Finding {
	var found []formats.Finding
	for _, file := range f.Stat.Files {
		if file.Kind != Regular {
			found = append(found, codes.Finding(CodeIrregular, file.Name, 0, "a link, pipe, socket or device, not a regular file"))
		}
	}
	return found
}

func namesAreClear(r *Rules, f *Facts) []formats.Finding {
	var found []formats.Finding
	spelled := map[string]string{} // files and directories by their folded name
	for _, file := range f.Stat.Files {
		switch {
		case strings.ContainsFunc(file.Name, formats.Hides) || !utf8.ValidString(file.Name):
			found = append(found, codes.Finding(CodeNameControl, file.Name, 0, "control or direction characters, or no UTF-8: %+q", file.Name))
		case strings.ContainsFunc(file.Name, func(r rune) bool { return r > '~' }):
			found = append(found, codes.Finding(CodeNameUnprintable, file.Name, 0, "characters beyond printable ASCII: %+q", file.Name))
		}
		for at := range len(file.Name) + 1 {
			if at < len(file.Name) && file.Name[at] != '/' {
				continue
			}
			name := file.Name[:at]
			other, taken := spelled[fold(name)]
			if taken && other != name {
				found = append(found, codes.Finding(CodeNameCase, file.Name, 0, "%+q differs from %+q by case alone", name, other))
			}
			spelled[fold(name)] = name
		}
	}
	return r.rated(found)
}

// fold maps names that differ by case alone to one.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, name)
}

func filesHaveOneName(r *Rules, f *Facts) []formats.Finding {
	if r.Pinned() {
		return nil // whatever the other name is used for, the content is the pinned one
	}
	var found []formats.Finding
	for _, file := range f.Stat.Files {
		if file.Links > 1 {
			found = append(found, codes.Finding(CodeHardLink, file.Name, 0, "%d hard links", file.Links))
		}
	}
	return r.rated(found)
}

func listingIsPinned(r *Rules, f *Facts) []formats.Finding {
	var have manifest.Manifest
	for _, file := range f.Stat.Files {
		have = append(have, manifest.Entry{Name: file.Name, Size: file.Size})
	}
	return r.againstPin(have, func(want, have manifest.Entry) bool { return want.Size == have.Size })
}

func contentIsPinned(r *Rules, f *Facts) []formats.Finding {
	return r.againstPin(slices.Clone(f.Digest.Manifest), func(want, have manifest.Entry) bool {
		return want.Size == have.Size && want.Verity == have.Verity
	})
}

// againstPin holds files against the pin of this name: the same names, each
// the same as pinned. Digests make that the same identity.
func (r *Rules) againstPin(have manifest.Manifest, same func(want, have manifest.Entry) bool) []formats.Finding {
	if !r.Pinned() {
		return nil
	}
	if len(r.pin) == 0 {
		return []formats.Finding{codes.Finding(CodePinMissing, "", 0, "the lock has no pin for %+q", r.name)}
	}
	have.Sort()
	equal := func(want manifest.Manifest) bool {
		return slices.EqualFunc(want, have, func(w, h manifest.Entry) bool { return w.Name == h.Name && same(w, h) })
	}
	if equal(r.pin) {
		return nil
	}
	for _, p := range r.lock.pins {
		if p.Name != r.name && equal(p.Files) {
			return []formats.Finding{codes.Finding(CodePinOther, "", 0, "these are the files that %+q is pinned to (%s), not those of %+q (%s)",
				p.Name, p.Files.Identity(), r.name, r.pin.Identity())}
		}
	}
	return r.differences(have, same)
}

func (r *Rules) differences(have manifest.Manifest, same func(want, have manifest.Entry) bool) []formats.Finding {
	var found []formats.Finding
	for _, want := range r.pin {
		h, there := have.Find(want.Name)
		switch {
		case !there && matches(r.entry.Companions, want.Name):
			found = append(found, codes.Finding(CodeCompanionMissing, want.Name, 0, "missing, and pinned with %d bytes", want.Size))
		case !there:
			found = append(found, codes.Finding(CodePinChanged, want.Name, 0, "missing, and pinned with %d bytes", want.Size))
		case want.Size != h.Size:
			found = append(found, codes.Finding(CodePinChanged, want.Name, 0, "%d bytes, and pinned with %d", h.Size, want.Size))
		case !same(want, h):
			found = append(found, codes.Finding(CodePinChanged, want.Name, 0, "fs-verity digest %s, and pinned is %s", h.Verity, want.Verity))
		}
	}
	for i, h := range have {
		switch _, pinned := r.pin.Find(h.Name); {
		case !pinned:
			found = append(found, codes.Finding(CodeCompanionExtra, h.Name, 0, "%d bytes, and not pinned", h.Size))
		case i > 0 && have[i-1].Name == h.Name:
			found = append(found, codes.Finding(CodePinChanged, h.Name, 0, "occurs twice, and is pinned once"))
		}
	}
	return found
}

// companionsAreThere asks for what the policy names and neither the model nor
// its pin has; what the pin has is listingIsPinned's.
func companionsAreThere(r *Rules, f *Facts) []formats.Finding {
	var found []formats.Finding
	for _, glob := range r.entry.Companions {
		fits := func(name string) bool { return matches([]string{glob}, name) }
		if !slices.ContainsFunc(f.Stat.Files, func(file File) bool { return fits(file.Name) }) &&
			!slices.ContainsFunc(r.pin, func(e manifest.Entry) bool { return fits(e.Name) }) {
			found = append(found, codes.Finding(CodeCompanionMissing, glob, 0, "no file of the model fits this name under companions"))
		}
	}
	return found
}

// everyFileIsMeasured asks that what was hashed is what was listed.
func everyFileIsMeasured(r *Rules, f *Facts) []formats.Finding {
	listed := map[string]File{}
	for _, file := range f.Stat.Files {
		listed[file.Name] = file
	}
	var found []formats.Finding
	gap := func(name, detail string, args ...any) {
		found = append(found, codes.Finding(CodePhase, name, 0, detail, args...))
	}
	if f.Digest.Manifest.Identity().IsZero() {
		gap("", "the digests have no identity: a file without one, out of order, or none at all")
	}
	for _, e := range f.Digest.Manifest {
		file, known := listed[e.Name]
		switch {
		case !known:
			gap(e.Name, "hashed, and never listed")
		case file.Size != e.Size:
			gap(e.Name, "listed with %d bytes, and hashed with %d", file.Size, e.Size)
		case e.Verity.IsZero():
			gap(e.Name, "no digest was measured")
		case r.SHA256() && e.SHA256.IsZero():
			gap(e.Name, "no SHA-256 was measured, and the policy asks for it")
		}
		delete(listed, e.Name)
	}
	for name := range listed {
		gap(name, "listed, and never hashed")
	}
	return found
}

// digestsAgree compares the SHA-256 where this load measured it. With other
// content it has nothing to say: the pin has.
func digestsAgree(r *Rules, f *Facts) []formats.Finding {
	if !r.Pinned() {
		return nil
	}
	var found []formats.Finding
	for _, e := range f.Digest.Manifest {
		want, pinned := r.pin.Find(e.Name)
		if pinned && !e.SHA256.IsZero() && e.Verity == want.Verity && e.SHA256 != want.SHA256 {
			found = append(found, codes.Finding(CodePinInconsistent, e.Name, 0,
				"the fs-verity digest is the pinned one, and the SHA-256 is %s, not %s", e.SHA256, want.SHA256))
		}
	}
	return found
}

func onlyListedFilesAreInspected(_ *Rules, f *Facts) []formats.Finding {
	listed := map[string]bool{}
	for _, file := range f.Stat.Files {
		listed[file.Name] = true
	}
	var found []formats.Finding
	for _, inspected := range []map[string]string{f.Inspect.Formats, f.Inspect.Sidecars} {
		for name := range inspected {
			if !listed[name] {
				found = append(found, codes.Finding(CodePhase, name, 0, "inspected, and never listed"))
			}
		}
	}
	return found
}

func formatsAreListed(r *Rules, f *Facts) []formats.Finding {
	explained := map[string]bool{} // why a file has no format: its findings always count
	for _, finding := range f.Inspect.Findings {
		explained[finding.File] = explained[finding.File] || area(finding) == "format"
	}
	var found []formats.Finding
	for _, file := range f.Stat.Files {
		format, sidecar := f.Inspect.Formats[file.Name], f.Inspect.Sidecars[file.Name]
		switch {
		case format == DataFormat || slices.Contains(r.entry.Formats, format) || slices.Contains(r.entry.Formats, sidecar):
		case format != "":
			found = append(found, codes.Finding(CodeFormatDenied, file.Name, 0, "%+q, and the policy takes %s",
				format, strings.Join(r.entry.Formats, ", ")))
		case explained[file.Name]:
		case !matches(r.entry.Companions, file.Name) && sidecar != "":
			found = append(found, codes.Finding(CodeFormatDenied, file.Name, 0, "%+q, and neither formats nor companions names it", sidecar))
		case !matches(r.entry.Companions, file.Name):
			found = append(found, codes.Finding(CodeFormatUnknown, file.Name, 0, "no format claims it, and companions does not name it"))
		case !r.isPinned(file.Name) && !r.entry.signed() && !(r.audit && r.Pinned() && len(r.pin) == 0): // a missing pin was told already
			found = append(found, codes.Finding(CodeFormatUnknown, file.Name, 0, "no format claims it, and as a companion it is neither pinned nor signed"))
		}
	}
	return found
}

func (r *Rules) isPinned(file string) bool {
	_, pinned := r.pin.Find(file)
	return pinned && r.Pinned()
}

func librariesArePinned(r *Rules, f *Facts) []formats.Finding {
	if !r.libraries {
		return []formats.Finding{codes.Finding(CodeLibraryMissing, "", 0, "the policy has no rule for libraries, so it takes none")}
	}
	if len(f.Library.Files) == 0 {
		return []formats.Finding{codes.Finding(CodeLibraryMissing, "", 0, "no library was named")}
	}
	if f.Library.Files.Identity().IsZero() {
		return []formats.Finding{codes.Finding(CodePhase, "", 0, "the libraries have no identity: one is without digest, or out of order")}
	}
	var found []formats.Finding
	for _, have := range f.Library.Files {
		want, pinned := r.lock.libraries.Find(have.Name)
		switch {
		case !pinned:
			found = append(found, codes.Finding(CodeLibraryUnpinned, have.Name, 0, "fs-verity digest %s, %s", have.Verity, r.pinnedAs(have.Verity)))
		case have.Verity != want.Verity:
			found = append(found, codes.Finding(CodeLibraryChanged, have.Name, 0, "fs-verity digest %s, and pinned is %s", have.Verity, want.Verity))
		}
	}
	return found
}

// pinnedAs says under which name the lock has a library with this content.
func (r *Rules) pinnedAs(verity manifest.Digest) string {
	for _, e := range r.lock.libraries {
		if e.Verity == verity {
			return fmt.Sprintf("which the lock has as %+q", e.Name)
		}
	}
	return "which the lock does not have"
}

func librariesAreTheOpenOnes(_ *Rules, f *Facts) []formats.Finding {
	opened, identity := f.Library.Opened, f.Library.Files.Identity()
	if opened.IsZero() || opened == identity {
		return nil
	}
	return []formats.Finding{codes.Finding(CodeLibraryOther, "", 0, "this process has opened libraries of the identity %s, not %s", opened, identity)}
}

func deviceIsListed(r *Rules, f *Facts) []formats.Finding {
	allowed := r.entry.Session.Device
	switch {
	case len(allowed) == 0:
		return []formats.Finding{codes.Finding(CodeSessionDevice, "", 0, "the entry has no session, so it takes none")}
	case !slices.Contains(allowed, f.Session.Device):
		return []formats.Finding{codes.Finding(CodeSessionDevice, "", 0, "%+q, and the policy takes %s", f.Session.Device, strings.Join(allowed, ", "))}
	}
	return nil
}

// nodesAreOnTheDevice reads nodes as "Operator" or "Operator:name"; the
// policy may name either part, or the whole.
func nodesAreOnTheDevice(r *Rules, f *Facts) []formats.Finding {
	var found []formats.Finding
	for _, node := range f.Session.CPUNodes {
		operator, name, _ := strings.Cut(node, ":")
		if !slices.ContainsFunc(r.entry.Session.CPUNodes, func(s string) bool { return s == node || s == operator || s == name }) {
			found = append(found, codes.Finding(CodeSessionFallback, "", 0, "%+q runs on the CPU, and the session was asked for %+q", node, f.Session.Device))
		}
	}
	return found
}
