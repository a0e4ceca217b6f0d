package formats

import (
	"fmt"
	"slices"
)

// A Conversion is a safetensors file that a converter made of a file that
// holds pickles. It exists as a recipe: what lies in the source as it is, is
// named by its place; the rest is bytes.
type Conversion struct {
	// File is the derived file's name beneath the model's root. It is empty if
	// nothing was derived: the Findings say why, or there were no tensors.
	File string

	// Parts follow each other without gaps: the header, then each tensor.
	Parts []Part

	Merged   []string  // names of tensors that share the bytes of one that is kept
	Dropped  []Dropped // what the source holds besides
	Uses     []Use     // globals and calls of its pickles
	Findings []Finding // of pickles, plan and sandbox, in the order of their offsets

	Converter string   // name and version
	Packs     []Pack   // by which the pickles were judged
	Sandbox   *Sandbox // nil: no child ran
}

// Size is the derived file's length in bytes.
func (c *Conversion) Size() int64 {
	n := int64(0)
	for _, p := range c.Parts {
		n += p.Len()
	}
	return n
}

// A Part is a run of bytes of a derived file.
type Part struct {
	Source Range  // where it lies in the source, if Bytes is nil
	Bytes  []byte // not changed any more
}

// Len is the number of bytes.
func (p Part) Len() int64 {
	if p.Bytes != nil {
		return int64(len(p.Bytes))
	}
	return p.Source.Length
}

// Dropped is an object of a source that a conversion left out.
type Dropped struct {
	File   string `json:"file"`
	Path   string `json:"path"` // keys from the pickle's root, joined by dots
	What   string `json:"what"` // its type, for people
	Offset int64  `json:"offset,omitempty"`
}

// A Use is a place where a pickle names a global, or calls it.
type Use struct {
	File   string `json:"file"`
	Name   string `json:"name"` // module and name
	Offset int64  `json:"offset"`
	Call   bool   `json:"call,omitempty"`
	Known  bool   `json:"known"` // a pack has it, with these arguments
}

// A Pack is a set of signatures, by its digest.
type Pack struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
	SHA256  string `json:"sha256"` // of its text, in lower-case hexadecimal
}

// SandboxLevel orders how well a child was confined. The zero level is none.
type SandboxLevel uint8

const (
	Unconfined      SandboxLevel = iota
	SandboxSeccomp               // seccomp on all threads and resource limits
	SandboxLandlock              // and Landlock
	SandboxFull                  // and namespaces or a user of its own
)

var sandboxLevels = [...]string{"none", "seccomp", "landlock", "full"}

func (l SandboxLevel) String() string {
	if l > SandboxFull {
		l = Unconfined
	}
	return sandboxLevels[l]
}

// MarshalText writes the level as a word.
func (l SandboxLevel) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (l *SandboxLevel) UnmarshalText(b []byte) error {
	level, ok := ParseSandboxLevel(string(b))
	if !ok {
		return fmt.Errorf("formats: no sandbox level %q: none, seccomp, landlock or full", b)
	}
	*l = level
	return nil
}

// ParseSandboxLevel is the level of that name; it is false for a name that is
// none.
func ParseSandboxLevel(name string) (SandboxLevel, bool) {
	i := slices.Index(sandboxLevels[:], name)
	return SandboxLevel(max(i, 0)), i >= 0
}

// A Sandbox is what confined a child.
type Sandbox struct {
	Level   SandboxLevel `json:"level"`
	Walls   []string     `json:"walls"`             // that stand
	Refused []string     `json:"refused,omitempty"` // walls that the kernel refused, with its error
	MaxRSS  int64        `json:"maxRSS"`            // of the child, in bytes
}
