package policy

import (
	"slices"
	"strings"

	"github.com/weightgate/weightgate/formats"
)

// conversionsAreAllowed holds how files were converted against the entry.
func conversionsAreAllowed(r *Rules, f *Facts) []formats.Finding {
	listed := map[string]bool{}
	for _, file := range f.Stat.Files {
		listed[file.Name] = true
	}
	var found []formats.Finding
	for _, c := range f.Inspect.Conversions {
		if !listed[c.File] {
			found = append(found, codes.Finding(CodePhase, c.File, 0, "converted twice, or never listed"))
		}
		delete(listed, c.File)
		rule, ok := r.Convert()
		if !ok {
			found = append(found, codes.Finding(CodeConvertAbsent, c.File, 0, "converted, and the policy's entry has no convert rule"))
			continue
		}
		if c.Index {
			continue
		}
		if c.Sandbox < rule.Sandbox || c.Sandbox > formats.SandboxFull {
			found = append(found, codes.Finding(CodeConvertSandbox, c.File, 0, "the sandbox reached the level %s, and the policy asks for %s",
				c.Sandbox, rule.Sandbox))
		}
		for _, pack := range c.Packs {
			if !slices.Contains(rule.Packs, pack.Name) {
				found = append(found, codes.Finding(CodeConvertUnlisted, c.File, 0, "judged by the pack %+q, and the policy takes %s",
					pack.Name, strings.Join(rule.Packs, ", ")))
			}
		}
	}
	return found
}

// derivedAreMeasured asks that the derived files are what the conversions made,
// each once, and that none could be taken for another file.
func derivedAreMeasured(r *Rules, f *Facts) []formats.Finding {
	var found []formats.Finding
	gap := func(name, detail string, args ...any) {
		found = append(found, codes.Finding(CodePhase, name, 0, detail, args...))
	}
	if len(f.Inspect.Derived) > 0 && f.Inspect.Derived.Identity().IsZero() {
		gap("", "the derived files have no identity: one is without digest, or out of order")
	}
	spelled := map[string]string{} // files, and what earlier conversions made, by their folded name
	for _, file := range f.Stat.Files {
		spelled[fold(file.Name)] = file.Name
	}
	made := map[string]bool{}
	for _, c := range f.Inspect.Conversions {
		if c.Derived == "" {
			continue
		}
		made[c.Derived] = true
		other, taken := spelled[fold(c.Derived)]
		_, measured := f.Inspect.Derived.Find(c.Derived)
		switch {
		case taken:
			found = append(found, codes.Finding(CodeDerivedName, c.File, 0, "converted into %+q beside %+q", c.Derived, other))
		case !measured:
			gap(c.Derived, "made of %+q, and never measured", c.File)
		}
		spelled[fold(c.Derived)] = c.Derived
	}
	for _, e := range f.Inspect.Derived {
		switch {
		case !made[e.Name]:
			gap(e.Name, "derived, and no conversion made it")
		case r.SHA256() && e.SHA256.IsZero():
			gap(e.Name, "no SHA-256 was measured, and the policy asks for it")
		}
	}
	return found
}

// derivedArePinned asks that the conversions arrived at what the lock has for
// this name. Where it has nothing, nobody has reviewed what came of them.
func derivedArePinned(r *Rules, f *Facts) []formats.Finding {
	derived := f.Inspect.Derived
	if len(r.derived) == 0 {
		if len(derived) == 0 || r.entry.Convert.Unpinned {
			return nil
		}
		return []formats.Finding{codes.Finding(CodeDerivedUnpinned, "", 0, "the lock has no derived files for %+q", r.name)}
	}
	var found []formats.Finding
	for _, want := range r.derived {
		switch have, there := derived.Find(want.Name); {
		case !there:
			found = append(found, codes.Finding(CodeDerivedMissing, want.Name, 0, "no conversion made it, and it is pinned with %d bytes", want.Size))
		case want.Size != have.Size:
			found = append(found, codes.Finding(CodeDerivedChanged, want.Name, 0, "%d bytes, and pinned with %d", have.Size, want.Size))
		case want.Verity != have.Verity:
			found = append(found, codes.Finding(CodeDerivedChanged, want.Name, 0, "fs-verity digest %s, and pinned is %s", have.Verity, want.Verity))
		case !have.SHA256.IsZero() && want.SHA256 != have.SHA256:
			found = append(found, codes.Finding(CodePinInconsistent, want.Name, 0,
				"the fs-verity digest is the pinned one, and the SHA-256 is %s, not %s", have.SHA256, want.SHA256))
		}
	}
	for _, have := range derived {
		if _, pinned := r.derived.Find(have.Name); !pinned {
			found = append(found, codes.Finding(CodeDerivedExtra, have.Name, 0, "%d bytes, and not pinned", have.Size))
		}
	}
	return found
}
