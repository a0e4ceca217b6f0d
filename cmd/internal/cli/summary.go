package cli

import (
	"fmt"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

// A summary counts what several reports say.
type summary struct {
	Version      int              `json:"version"`
	FailOn       formats.Severity `json:"failOn"`
	Paths        int              `json:"paths"`
	Denied       int              `json:"denied"`       // paths where something is wrong
	Unverifiable int              `json:"unverifiable"` // paths where nothing is, and something could not be read
	Files        int              `json:"files"`
	Tensors      int              `json:"tensors"`
	Findings     severityCounts   `json:"findings"`

	first *loader.Report // that has a reason
}

// severityCounts is a number of findings for each severity.
type severityCounts struct {
	Critical int `json:"critical"`
	High     int `json:"high"`
	Medium   int `json:"medium"`
	Low      int `json:"low"`
	Info     int `json:"info"`
}

func (s *summary) add(r *loader.Report) {
	s.Paths++
	if s.first == nil && len(r.Reasons()) > 0 {
		s.first = r
	}
	switch r.Verdict {
	case policy.Denied:
		s.Denied++
	case policy.Unverifiable:
		s.Unverifiable++
	}
	s.Files += len(r.Files)
	s.Tensors += r.Tensors
	for _, f := range r.Findings {
		s.Findings.add(f.Severity)
	}
}

func (c *severityCounts) add(s formats.Severity) {
	switch s.Rank() {
	case formats.Info:
		c.Info++
	case formats.Low:
		c.Low++
	case formats.Medium:
		c.Medium++
	case formats.High:
		c.High++
	default:
		c.Critical++
	}
}

func (s summary) exitCode() int {
	switch {
	case s.Denied > 0:
		return exitDenied
	case s.Unverifiable > 0:
		return exitUnverifiable
	}
	return exitAdmitted
}

// String is one line for people.
func (s summary) String() string {
	parts := nonZero(
		counted{s.Denied, "denied"}, counted{s.Unverifiable, "unverifiable"}, counted{s.Paths - s.Denied - s.Unverifiable, "inspected"})
	found := nonZero(
		counted{s.Findings.Critical, "critical"}, counted{s.Findings.High, "high"}, counted{s.Findings.Medium, "medium"},
		counted{s.Findings.Low, "low"}, counted{s.Findings.Info, "info"})
	if found == "" {
		found = "none"
	}
	return fmt.Sprintf("%d paths: %s; %d files, %d tensors; findings: %s", s.Paths, parts, s.Files, s.Tensors, found)
}

type counted struct {
	n    int
	what string
}

// nonZero lists the counts that are not zero.
func nonZero(all ...counted) string {
	var parts []string
	for _, c := range all {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	return strings.Join(parts, ", ")
}
