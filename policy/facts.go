package policy

import (
	"fmt"
	"time"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/manifest"
)

// Facts is all that Decide may know. Stages only add to it; a part that is nil
// was not measured, and the rules of its phase deny.
type Facts struct {
	Name     string         `json:"name"`         // the name given to Load
	Origin   Origin         `json:"origin"`       // where the source says that the files come from
	Now      time.Time      `json:"now,omitzero"` // of this decision
	Stat     *StatFacts     `json:"stat,omitempty"`
	Digest   *DigestFacts   `json:"digest,omitempty"`
	Evidence *EvidenceFacts `json:"evidence,omitempty"` // with the digests; nil: none was verified
	Inspect  *InspectFacts  `json:"inspect,omitempty"`
	Library  *LibraryFacts  `json:"library,omitempty"`
	Session  *SessionFacts  `json:"session,omitempty"`
}

// Origin is where a source says that its files come from. Its host vouches for
// that: nothing in it was verified.
type Origin struct {
	Kind       string `json:"kind"`                 // dir, file, fs or hub
	Repository string `json:"repository,omitempty"` // of a hub
	Commit     string `json:"commit,omitempty"`     // of a hub
}

// Kind of a directory entry. The zero Kind is none that may be loaded.
type Kind uint8

const (
	Irregular Kind = iota // device, socket, pipe, or a link that is not followed
	Regular
)

// MarshalText writes the kind as a word.
func (k Kind) MarshalText() ([]byte, error) {
	if k == Regular {
		return []byte("regular"), nil
	}
	return []byte("irregular"), nil
}

// UnmarshalText reads what MarshalText wrote.
func (k *Kind) UnmarshalText(b []byte) error {
	switch string(b) {
	case "regular":
		*k = Regular
	case "irregular":
		*k = Irregular
	default:
		return fmt.Errorf("policy: no kind %q: regular or irregular", b)
	}
	return nil
}

// File is one entry of a source's listing, before it was opened.
type File struct {
	Name  string `json:"name"` // slash-separated, beneath the root
	Size  int64  `json:"size"`
	Kind  Kind   `json:"kind"`
	Links int    `json:"links,omitempty"` // hard links; 0 is unknown
}

// StatFacts are known before a byte is copied.
type StatFacts struct {
	Files    []File            `json:"files"`              // sorted bytewise by name, what files.only leaves out not among them
	LeftOut  []string          `json:"leftOut,omitempty"`  // names that files.only leaves out, never opened
	Findings []formats.Finding `json:"findings,omitempty"` // of the listing; each counts
}

// DigestFacts are known when every byte was copied and hashed.
type DigestFacts struct {
	Manifest manifest.Manifest            `json:"manifest"`
	Shards   map[string][]manifest.Digest `json:"shards,omitempty"`   // SHA-256 by Rules.ShardSize, of each file by name; nil: no rule asks
	Findings []formats.Finding            `json:"findings,omitempty"` // of reads: file.read, file.changed; each counts
}

// InspectFacts are known when every file was parsed.
type InspectFacts struct {
	// Formats is the format of each file. A file that belongs to a graph as
	// its data has the format "data"; one that no format claims is absent.
	Formats map[string]string `json:"formats"`

	// Sidecars is the format of each file that carries no tensors and only
	// steers a load. Policies admit it as a companion, or by its format.
	Sidecars map[string]string `json:"sidecars,omitempty"`

	// Conversions are what a converter made of files that hold pickles, in any
	// order, and Derived the files that came of it, read back and measured.
	// They are no files of the model: Formats has their sources.
	Conversions []Conversion      `json:"conversions,omitempty"`
	Derived     manifest.Manifest `json:"derived,omitempty"`

	Tensors  int               `json:"tensors,omitempty"`
	Findings []formats.Finding `json:"findings,omitempty"` // each counts, but what a format says of content below the entry's threshold
}

// A Conversion is what became of one file that holds pickles, or of an index
// that places tensors in such files.
type Conversion struct {
	File      string               `json:"file"`
	Derived   string               `json:"derived,omitempty"` // name of what was made of it; empty: nothing was
	Sandbox   formats.SandboxLevel `json:"sandbox"`           // that it was read in
	Packs     []formats.Pack       `json:"packs"`             // that it was judged by
	Converter string               `json:"converter"`         // name and version
	Dropped   int                  `json:"dropped"`           // objects that were left out
	Index     bool                 `json:"index,omitempty"`   // rewritten here: no child read it, and no pack judged it
}

// DataFormat is the format of a file that a graph or an index claims as its data.
const DataFormat = "data"

// LibraryFacts are known when the runtime's libraries lie sealed in memory and
// none of them was opened.
type LibraryFacts struct {
	Files  manifest.Manifest `json:"files"`           // core and providers by base name
	Opened manifest.Digest   `json:"opened,omitzero"` // identity of the libraries this process has opened, zero for none
}

// SessionFacts are known when a session was created and not yet handed out.
type SessionFacts struct {
	Device   string          `json:"device"`             // cpu or cuda
	Runtime  string          `json:"runtime,omitempty"`  // version of the runtime
	Graph    manifest.Digest `json:"graph,omitzero"`     // SHA-256 of the graph as the runtime was given it
	CPUNodes []string        `json:"cpuNodes,omitempty"` // float-compute nodes on the CPU though another device was asked for
	Mapped   []string        `json:"mapped,omitempty"`   // files that the process has mapped as code
}

// Phase is a station of the line at which Decide is asked.
type Phase uint8

const (
	PhaseStat Phase = iota + 1
	PhaseDigest
	PhaseInspect
	PhaseLibrary
	PhaseSession
)

var phases = [...]string{"", "stat", "digest", "inspect", "library", "session"}

func (p Phase) String() string {
	if int(p) >= len(phases) || p == 0 {
		return fmt.Sprintf("phase %d", p)
	}
	return phases[p]
}

// MarshalText writes the phase as a word.
func (p Phase) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (p *Phase) UnmarshalText(b []byte) error {
	for v := PhaseStat; v <= PhaseSession; v++ {
		if phases[v] == string(b) {
			*p = v
			return nil
		}
	}
	return fmt.Errorf("policy: no phase %q", b)
}

// Verdict is the answer of Decide. The zero Verdict denies.
type Verdict uint8

const (
	Denied       Verdict = iota // something is wrong
	Unverifiable                // something could not be read or verified
	Pending                     // nothing is wrong so far, and a later phase has rules
	Admitted                    // every rule was met
)

var verdicts = [...]string{"denied", "unverifiable", "pending", "admitted"}

func (v Verdict) String() string {
	if v > Admitted {
		return verdicts[Denied]
	}
	return verdicts[v]
}

// MarshalText writes the verdict as a word.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (v *Verdict) UnmarshalText(b []byte) error {
	for i, name := range verdicts {
		if name == string(b) {
			*v = Verdict(i)
			return nil
		}
	}
	return fmt.Errorf("policy: no verdict %q", b)
}

// A Reason is a finding and the rule that made it count.
type Reason struct {
	formats.Finding
	Rule string `json:"rule"`
}

// A Decision is the answer of one phase, with every reason against the load.
type Decision struct {
	Phase   Phase    `json:"phase"`
	Verdict Verdict  `json:"verdict"`
	Reasons []Reason `json:"reasons,omitempty"` // sorted by rule order, file, offset; none when nothing speaks against it
	Waived  []Waived `json:"waived,omitempty"`  // reasons that exceptions let pass
	Audit   bool     `json:"audit,omitempty"`   // the mode is audit, and downgrades every reason: the load goes on, denied
}

// Refused reports whether the load ends here.
func (d Decision) Refused() bool { return d.Verdict != Pending && d.Verdict != Admitted && !d.Audit }
