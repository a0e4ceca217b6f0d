package policy

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/manifest"
)

// Convert is what an entry says of files that hold pickles: how a Converter
// may turn them into safetensors.
type Convert struct {
	// Packs name the sets of globals and calls that pickles may hold, sorted.
	Packs []string

	// Extract keeps the tensors of a pickle that names other globals too, and
	// drops and lists what those would have built. False: such a pickle is
	// refused.
	Extract bool

	// Root is the key whose dict holds the tensors. Empty: the only candidate.
	Root string

	// Sandbox is the least confinement that the reading child must have; never
	// formats.Unconfined in a rule that was parsed.
	Sandbox formats.SandboxLevel
}

// Convert is what the entry says of files that hold pickles; false: nothing,
// so that no file is converted. The caller owns it.
func (r *Rules) Convert() (Convert, bool) {
	if r.deny() || !r.entry.converts() {
		return Convert{}, false
	}
	c := r.entry.Convert
	return Convert{Packs: slices.Clone(c.Packs), Extract: c.Unknown == extract, Root: c.Root, Sandbox: c.least()}, true
}

// Made is what the lock has that conversions make of this name, and the recipe
// by which they made it; zero if the lock does not say. Who arrives at the same
// recipe has made the same files and need not hash them. The caller owns the
// list.
func (r *Rules) Made() (files manifest.Manifest, recipe manifest.Digest) {
	if r.deny() {
		return nil, manifest.Digest{}
	}
	return slices.Clone(r.derived), r.recipe
}

// Converts reports whether an entry has a convert rule: whether the policy
// needs a Converter.
func (p *Policy) Converts() bool {
	return p != nil && slices.ContainsFunc(p.doc.Models, func(e entry) bool { return e.converts() })
}

// Packs are the packs that the entries list, sorted, each once.
func (p *Policy) Packs() []string {
	if p == nil {
		return nil
	}
	var names []string
	for _, e := range p.doc.Models {
		names = append(names, e.Convert.Packs...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// convert is the key of that name. What it makes needs a pin, unless Unpinned;
// one that the lock has for the name is held all the same.
type convert struct {
	Packs    []string             `json:"packs"`
	Root     string               `json:"root,omitempty"`
	Sandbox  formats.SandboxLevel `json:"sandbox,omitzero"`  // zero is the default, seccomp
	Unknown  string               `json:"unknown,omitempty"` // empty is the default, deny
	Unpinned bool                 `json:"unpinned,omitempty"`
}

const extract = "extract" // the globals that no pack has

func (c *convert) read(n *yaml.Node) error {
	var sandbox string
	err := readMapping(n, "convert", map[string]reader{
		"packs":    readSet(&c.Packs, isPack),
		"root":     readString(&c.Root, isAny),
		"sandbox":  readString(&sandbox, oneOf("seccomp", "landlock", "full")),
		"unknown":  readString(&c.Unknown, oneOf("deny", extract)),
		"unpinned": readTrue(&c.Unpinned),
	})
	if err != nil {
		return err
	}
	if len(c.Packs) == 0 {
		return errAt(n, "convert names no packs: the globals that a pickle may hold, such as weights")
	}
	if c.Unknown != extract {
		c.Unknown = ""
	}
	switch sandbox {
	case "landlock":
		c.Sandbox = formats.SandboxLandlock
	case "full":
		c.Sandbox = formats.SandboxFull
	}
	return nil
}

func isPack(s string) string {
	if !formatSyntax.MatchString(s) {
		return "is no name of a pack"
	}
	return ""
}

// least is the lowest level of a sandbox that is enough.
func (c convert) least() formats.SandboxLevel { return max(c.Sandbox, formats.SandboxSeccomp) }

func (e *entry) converts() bool { return len(e.Convert.Packs) > 0 }
