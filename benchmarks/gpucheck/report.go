package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/weightgate/weightgate/benchmarks/results"
	"github.com/weightgate/weightgate/loader"
)

// A report is what a check found. The zero report is of no check.
type report struct {
	Device    string       `json:"device"` // empty: nothing was run
	Commit    string       `json:"commit"`
	Machine   machine      `json:"machine"`
	Runtime   string       `json:"runtime"`   // version of ONNX Runtime
	Libraries []string     `json:"libraries"` // as the lock has them
	Workloads []comparison `json:"workloads"`
	Refusals  []verdict    `json:"refusals"`
}

// A comparison is one model on the device against the same on the CPU, and
// through the gate against by path.
type comparison struct {
	Name      string         `json:"name"`
	Title     string         `json:"title"`
	Bytes     int64          `json:"bytes"`     // of the model's files
	Tolerance float64        `json:"tolerance"` // largest Relative of both
	FromCPU   agreement      `json:"fromCPU"`   // of outputs through the gate; of all rounds, the farthest
	FromPath  agreement      `json:"fromPath"`  // of the same from those by path, round by round; the farthest
	Rounds    int            `json:"rounds"`
	Path      times          `json:"path"`
	Gate      times          `json:"gate"`
	Ratio     results.Spread `json:"ratio"` // by path by gate, round by round: more is faster
	Failure   string         `json:"failure,omitempty"`

	Phases []loader.PhaseTime `json:"phases"` // of the last load through the gate
}

// Times are those of processes, each with one session.
type times struct {
	Start   results.Spread `json:"start"`   // seconds until a small session had run: runtime and device are open
	Seconds results.Spread `json:"seconds"` // then, from the model's files to the outputs of the first run
	Peak    int64          `json:"peak"`    // most resident bytes
}

// A verdict is what became of something that must fail.
type verdict struct {
	What    string `json:"what"`
	Skipped bool   `json:"skipped,omitempty"` // the device has nothing of the kind
	Said    string `json:"said,omitempty"`    // the error
	Failure string `json:"failure,omitempty"` // that it did not fail as it should
}

// failures are all that is wrong, a line each.
func (r *report) failures() (lines []string) {
	for _, w := range r.Workloads {
		if w.Failure != "" {
			lines = append(lines, w.Title+": "+w.Failure)
		}
	}
	for _, v := range r.Refusals {
		if v.Failure != "" {
			lines = append(lines, v.What+": "+v.Failure)
		}
	}
	return lines
}

const head = `# Sessions on CUDA

What ` + "`make gpu-check`" + ` found: outputs against the CPU's, and the time from a model's files to its first inference, by path and through the gate. TF32 is off. Differences are of the largest absolute value among the CPU's outputs.

`

// markdown is the report as the results show it.
func (r *report) markdown() []byte {
	var b bytes.Buffer
	b.WriteString(head)
	if r.Device == "" {
		b.WriteString("**Not run.** No machine with an NVIDIA device has run it yet.\n\n")
		r.table(&b)
		return b.Bytes()
	}
	m := r.Machine
	fmt.Fprintf(&b, "%s, driver %s; %s, %d cores, %d GiB; Linux %s; ONNX Runtime %s; commit %s.\n\n",
		orUnknown(m.GPU), orUnknown(m.Driver), orUnknown(m.CPU), m.Cores, m.Memory>>30, orUnknown(m.Kernel), r.Runtime, orUnknown(r.Commit))
	for _, line := range r.Libraries {
		fmt.Fprintf(&b, "    %s\n", line)
	}
	b.WriteString("\n")
	r.table(&b)
	b.WriteString("Times are medians of interleaved rounds, with the runtime and the device open; opening them took what stands in parentheses. A ratio above 1 is faster than by path.\n\n")
	b.WriteString("## Where the gate's time goes\n\nOf the last round; what is missing to the time above is the making of the session and its first run.\n\n")
	for _, w := range r.Workloads {
		fmt.Fprintf(&b, "- %s:", w.Title)
		for i, p := range w.Phases {
			if i > 0 {
				b.WriteString(",")
			}
			fmt.Fprintf(&b, " %s %d ms", p.Phase, p.Duration.Milliseconds())
		}
		b.WriteString("\n")
	}
	b.WriteString("\n## Refusals\n\n")
	for _, v := range r.Refusals {
		fmt.Fprintf(&b, "- %s: %s\n", v.What, v.mark())
	}
	return b.Bytes()
}

func (r *report) table(b *bytes.Buffer) {
	b.WriteString("| model | MiB | difference from the CPU, absolute | relative (at most) | by path, ms (start) | gate, ms (start) | gate to path | |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|\n")
	if r.Device == "" {
		for _, w := range measured("", "", usual()) {
			fmt.Fprintf(b, "| %s | | | | | | | not run |\n", w.Title)
		}
	}
	for _, w := range r.Workloads {
		if w.Failure != "" {
			fmt.Fprintf(b, "| %s | %d | | | | | | FAILED: %s |\n", w.Title, w.Bytes>>20, oneLine(w.Failure))
			continue
		}
		fmt.Fprintf(b, "| %s | %d | %.2g | %.2g (%.2g) | %s | %s | %s | equal |\n",
			w.Title, w.Bytes>>20, w.FromCPU.Absolute, w.FromCPU.Relative, w.Tolerance, w.Path.text(), w.Gate.text(), w.Ratio.Text())
	}
	b.WriteString("\n")
}

func (t times) text() string {
	return fmt.Sprintf("%.0f (%.0f)", 1e3*t.Seconds.Median, 1e3*t.Start.Median)
}

func (v verdict) mark() string {
	switch {
	case v.Skipped:
		return "not on this device"
	case v.Failure != "":
		return "FAILED: " + oneLine(v.Failure)
	}
	return "yes"
}

// oneLine is text that neither ends a line nor a cell of a table.
func oneLine(text string) string {
	b := []byte(text)
	for i, c := range b {
		if c < ' ' || c == '|' {
			b[i] = ' '
		}
	}
	return string(b)
}

func orUnknown(text string) string {
	if text == "" {
		return "(not told)"
	}
	return text
}

// Names of a report's files.
const (
	jsonFile     = "gpu.json"
	markdownFile = "gpu.md"
)

// write makes the report's two files in a directory.
func (r *report) write(dir string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, jsonFile), append(text, '\n'), 0o644),
		os.WriteFile(filepath.Join(dir, markdownFile), r.markdown(), 0o644),
	)
}
