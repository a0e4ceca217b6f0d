package loader

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

// ReportVersion is the version of a Report's JSON. Fields are added within a
// version, never changed or removed.
const ReportVersion = 1

// A Report is everything that is known of one admission: the same value goes
// to the Recorder, the Rejection and the Model. It is not changed once it was
// handed out.
type Report struct {
	Version   int               `json:"version"`
	Event     Event             `json:"event"`
	Name      string            `json:"name"`
	Origin    policy.Origin     `json:"origin"`
	Verdict   policy.Verdict    `json:"verdict"`
	Audit     bool              `json:"audit,omitempty"`     // only the mode audit lets it pass: Verdict is what enforce would make of it
	Vouched   bool              `json:"vouched"`             // a pin or a signature stands behind it; false of what is refused
	Policy    manifest.Digest   `json:"policy,omitzero"`     // digest of policy and lock
	Identity  manifest.Digest   `json:"identity,omitzero"`   // measured; zero if not every file was
	Files     []FileReport      `json:"files,omitempty"`     // sorted bytewise by name
	LeftOut   []string          `json:"leftOut,omitempty"`   // names that files.only leaves out, never opened
	Tensors   int               `json:"tensors"`             // number of tensors in all files
	Inventory []TensorReport    `json:"inventory,omitempty"` // of Inspect: the tensors, in the order of the files
	Findings  []formats.Finding `json:"findings,omitempty"`  // all that was seen, whether or not it counted

	Conversions  []ConversionReport `json:"conversions,omitempty"`  // of files that hold pickles, in the order of the files
	Derived      manifest.Digest    `json:"derived,omitzero"`       // identity of what the conversions made; zero: nothing
	DerivedFiles manifest.Manifest  `json:"derivedFiles,omitempty"` // sorted bytewise by name
	Recipe       manifest.Digest    `json:"recipe,omitzero"`        // of Derived: how it was made, the source's content included
	Implied      bool               `json:"implied,omitempty"`      // Derived is the lock's, since Recipe is: it was not hashed again

	Shards   map[string][]manifest.Digest `json:"shards,omitempty"`   // SHA-256 of each shard by file, if they were asked for
	Evidence *policy.EvidenceFacts        `json:"evidence,omitempty"` // who says what of it, verified; without the long lists in it

	Pending   []policy.Phase       `json:"pending,omitempty"`   // phases whose rules were not asked yet
	Decisions []policy.Decision    `json:"decisions,omitempty"` // in the order of their phases
	Library   manifest.Manifest    `json:"library,omitempty"`
	Session   *policy.SessionFacts `json:"session,omitempty"`

	Began  time.Time   `json:"began"`
	Phases []PhaseTime `json:"phases,omitempty"` // in the order they ran
	Bytes  int64       `json:"bytes"`            // copied and hashed
	Error  string      `json:"error,omitempty"`  // the cause beneath the reasons, if there is one

	facts policy.Facts
}

// Facts are what the policy was told, or would be told by Inspect. The parts
// are shared and must not be changed.
func (r *Report) Facts() *policy.Facts {
	f := r.facts
	return &f
}

// Event is the call that a Report stands for.
type Event string

const (
	EventLoad    Event = "load"    // Gate.Load
	EventVerify  Event = "verify"  // Gate.Verify
	EventInspect Event = "inspect" // Inspect: no policy was asked, the verdict says nothing
	EventLibrary Event = "library" // Model.AdmitLibrary
	EventSession Event = "session" // Library.AdmitSession
)

// FileReport is one file as it was measured.
type FileReport struct {
	manifest.Entry
	Format string `json:"format,omitempty"` // none: no format claims it, or it was not reached
}

// ConversionReport is what became of one file that holds pickles.
type ConversionReport struct {
	File      string            `json:"file"`
	Derived   string            `json:"derived,omitempty"` // name of the safetensors file; none: nothing was made
	Converter string            `json:"converter"`
	Packs     []formats.Pack    `json:"packs,omitempty"`
	Sandbox   *formats.Sandbox  `json:"sandbox,omitempty"` // nil: no child ran
	Uses      []formats.Use     `json:"uses,omitempty"`    // globals and calls, each once
	Dropped   []formats.Dropped `json:"dropped,omitempty"` // what the safetensors file leaves out
}

// TensorReport is one tensor as a format describes it.
type TensorReport struct {
	formats.TensorID
	DType  formats.DType `json:"dtype"`
	Shape  []int64       `json:"shape"`
	Bytes  int64         `json:"bytes"`
	Inline bool          `json:"inline,omitempty"` // without a place of its own in the file
}

// PhaseTime is how long a part of the line took, decision included.
type PhaseTime struct {
	Phase    string        `json:"phase"`
	Duration time.Duration `json:"nanoseconds"`
}

// Reasons are the reasons against it: of decisions that refused, and behind them
// those that only the mode audit let pass, which more than one phase may give.
func (r *Report) Reasons() []policy.Reason {
	var all, audited []policy.Reason
	for _, d := range r.Decisions {
		if d.Audit {
			audited = append(audited, d.Reasons...)
		} else if d.Refused() {
			all = append(all, d.Reasons...)
		}
	}
	return append(all, each(audited)...)
}

// Waived are the reasons that exceptions of the policy let pass.
func (r *Report) Waived() []policy.Waived {
	var all []policy.Waived
	for _, d := range r.Decisions {
		all = append(all, d.Waived...)
	}
	return each(all)
}

// each is all of them, each once.
func each[T comparable](all []T) []T {
	seen := make(map[T]bool, len(all))
	return slices.DeleteFunc(all, func(one T) bool {
		twice := seen[one]
		seen[one] = true
		return twice
	})
}

// JSON is the report as one line of JSON.
func (r *Report) JSON() []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic("loader: a report that is not JSON: " + err.Error()) // every field marshals
	}
	return b
}
