package loader

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
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
	Vouched   bool              `json:"vouched"`             // a pin or a signature stands behind it
	Policy    manifest.Digest   `json:"policy,omitzero"`     // digest of policy and lock
	Identity  manifest.Digest   `json:"identity,omitzero"`   // measured; zero if not every file was
	Files     []FileReport      `json:"files,omitempty"`     // sorted bytewise by name
	LeftOut   []string          `json:"leftOut,omitempty"`   // names that files.only leaves out, never opened
	Tensors   int               `json:"tensors"`             // number of tensors in all files
	Inventory []TensorReport    `json:"inventory,omitempty"` // of Inspect: the tensors, in the order of the files
	Findings  []formats.Finding `json:"findings,omitempty"`  // all that was seen, whether or not it counted

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
	Format  string `json:"format,omitempty"` // none: no format claims it, or it was not reached
	Tensors int    `json:"tensors,omitempty"`
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

// Reasons are the reasons of all decisions that refused.
func (r *Report) Reasons() []policy.Reason {
	var all []policy.Reason
	for _, d := range r.Decisions {
		if d.Refused() {
			all = append(all, d.Reasons...)
		}
	}
	return all
}

// JSON is the report as one line of JSON.
func (r *Report) JSON() []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic("loader: a report that is not JSON: " + err.Error()) // every field marshals
	}
	return b
}

// String is the report for people, as WriteText writes it.
func (r *Report) String() string {
	var b strings.Builder
	r.WriteText(&b)
	return b.String()
}

// WriteText writes the report for people: the verdict first, every reason with
// its place and what to do, then what was measured. Names from files are
// escaped.
func (r *Report) WriteText(w io.Writer) error {
	t := textWriter{w: w}
	t.line("%s  %s", strings.ToUpper(r.headline()), r.subject())
	for _, reason := range r.Reasons() {
		t.finding(reason.Finding)
	}
	if r.Error != "" {
		t.line("  cause     %s", escape(r.Error))
	}
	if !r.Identity.IsZero() {
		t.line("  identity  %s", r.Identity)
	}
	t.files(r.Files)
	for _, l := range r.Library {
		t.line("  library   %s  %s", l.Verity, formats.Quote(l.Name))
	}
	if s := r.Session; s != nil {
		t.line("  session   %s, ONNX Runtime %s", s.Device, s.Runtime)
	}
	if n := len(r.LeftOut); n > 0 {
		t.line("  left out  %d files that files.only does not name", n)
	}
	t.phases(r.Phases)
	return t.err
}

func (r *Report) headline() string {
	if r.Event == EventInspect {
		return "inspected"
	}
	return r.Verdict.String()
}

// subject is what was judged, and by what.
func (r *Report) subject() string {
	s := fmt.Sprintf("%s (%s", formats.Quote(r.Name), r.Origin.Kind)
	if r.Origin.Repository != "" {
		s += " " + formats.Quote(r.Origin.Repository)
	}
	if r.Origin.Commit != "" {
		s += "@" + formats.Quote(r.Origin.Commit)
	}
	s += ")"
	if n := len(r.Reasons()); n > 0 {
		s += fmt.Sprintf(", %d %s", n, plural(n, "reason"))
	}
	if !r.Vouched && r.Verdict == policy.Admitted {
		s += ", nobody vouched for it"
	}
	return s
}

// textWriter writes lines and keeps the first error.
type textWriter struct {
	w   io.Writer
	err error
}

func (t *textWriter) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format+"\n", args...)
	}
}

func (t *textWriter) finding(f formats.Finding) {
	t.line("  %-9s %s", f.Class, escape(f.String()))
	if f.Advice != "" {
		t.line("            → %s", f.Advice)
	}
}

// maxFilesShown keeps a report on a screen; JSON holds them all.
const maxFilesShown = 12

func (t *textWriter) files(files []FileReport) {
	for i, f := range files {
		if i == maxFilesShown {
			t.line("            and %d more files", len(files)-i)
			break
		}
		format := f.Format
		if format == "" {
			format = "-"
		}
		t.line("  file      %s  %s  %s  %s", f.Verity, size(f.Size), format, formats.Quote(f.Name))
	}
}

func (t *textWriter) phases(phases []PhaseTime) {
	if len(phases) == 0 {
		return
	}
	parts := make([]string, len(phases))
	for i, p := range phases {
		parts[i] = fmt.Sprintf("%s %s", p.Phase, p.Duration.Round(10*time.Microsecond))
	}
	t.line("  time      %s", strings.Join(parts, ", "))
}

// size is n bytes with a binary prefix.
func size(n int64) string {
	const prefixes = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, i := float64(n)/1024, 0
	for v >= 1024 && i < len(prefixes)-1 {
		v, i = v/1024, i+1
	}
	return fmt.Sprintf("%.1f %ciB", v, prefixes[i])
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// escape keeps control characters of quoted text off a terminal.
func escape(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '\uFFFD'
		}
		return r
	}, s)
}
