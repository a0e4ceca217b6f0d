package benchmarks

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

func (t tools) fickling() []string {
	return []string{t.Fickling, filepath.Join(t.Scripts, "fickling_scan.py")}
}

var errNotDone = errors.New("it did not do its job")

// started is a program that is started and does nothing.
func started(line func(job) []string) program {
	return program{
		line: func(j job, _ string) []string { return line(j) },
		read: func(_ *sample, left output) error {
			if left.exit != 0 {
				return fmt.Errorf("%w: exit code %d", errNotDone, left.exit)
			}
			return nil
		},
	}
}

// converted is weightgate convert.
func converted() program {
	return program{
		line: func(j job, out string) []string {
			return []string{j.Tools.Weightgate, "convert", "--json", j.path(j.Files[0]), filepath.Join(out, madeName)}
		},
		read: func(s *sample, left output) error {
			var r reported
			if err := json.Unmarshal(left.stdout, &r); err != nil || left.exit != 0 {
				return fmt.Errorf("%w: exit code %d: %v", errNotDone, left.exit, err)
			}
			s.Child = r.child()
			return left.digest(s, madeName)
		},
	}
}

// reported is what is read of a command's JSON.
type reported struct {
	Tensors     int
	Conversions []struct{ Sandbox struct{ MaxRSS int64 } }
}

func (r reported) child() int64 {
	n := int64(0)
	for _, c := range r.Conversions {
		n = max(n, c.Sandbox.MaxRSS)
	}
	return n
}

// inspected is weightgate inspect, which hashes the file, too.
func inspected() program {
	return program{
		line: func(j job, _ string) []string {
			return []string{j.Tools.Weightgate, "inspect", "--json", j.path(j.Files[0])}
		},
		read: func(s *sample, left output) error {
			var all struct {
				Denied, Unverifiable int
				Reports              []reported
			}
			err := json.Unmarshal(left.stdout, &all)
			if err != nil || left.exit > 1 || len(all.Reports) != 1 || all.Reports[0].child() == 0 {
				return fmt.Errorf("%w: exit code %d: %v", errNotDone, left.exit, err)
			}
			s.Child = all.Reports[0].child()
			s.Says = fmt.Sprintf("denied: %d, unverifiable: %d, tensors: %d", all.Denied, all.Unverifiable, all.Reports[0].Tensors)
			return nil
		},
	}
}

var picklescanSummary = regexp.MustCompile(`(?m)^(Scanned|Infected) files: (\d+)$`)

func scannedByPicklescan() program {
	return program{
		line: func(j job, _ string) []string { return []string{j.Tools.Picklescan, "-p", j.path(j.Files[0])} },
		read: func(s *sample, left output) error {
			told := map[string]string{}
			for _, m := range picklescanSummary.FindAllStringSubmatch(string(left.stdout), -1) {
				told[m[1]] = m[2]
			}
			if left.exit > 1 || told["Scanned"] != "1" || told["Infected"] == "" {
				return fmt.Errorf("%w: exit code %d", errNotDone, left.exit)
			}
			s.Says = "infected: " + told["Infected"]
			return nil
		},
	}
}

const modelscanReport = "modelscan.json"

func scannedByModelscan() program {
	return program{
		line: func(j job, out string) []string {
			return []string{j.Tools.Modelscan, "-p", j.path(j.Files[0]), "-r", "json", "-o", filepath.Join(out, modelscanReport)}
		},
		read: func(s *sample, left output) error {
			var told struct {
				Summary struct {
					Issues  int    `json:"total_issues"`
					Version string `json:"modelscan_version"`
					Scanned struct {
						Total int `json:"total_scanned"`
					}
				}
				Errors []any
			}
			text, err := os.ReadFile(filepath.Join(left.out, modelscanReport))
			if err == nil {
				err = json.Unmarshal(text, &told)
			}
			if err != nil || left.exit > 1 || told.Summary.Scanned.Total != 1 || len(told.Errors) > 0 {
				return fmt.Errorf("%w: exit code %d: %v", errNotDone, left.exit, err)
			}
			s.Says = fmt.Sprintf("issues: %d (%s)", told.Summary.Issues, told.Summary.Version)
			return nil
		},
	}
}

func scannedByFickling() program {
	return program{
		line: func(j job, _ string) []string { return append(j.Tools.fickling(), j.path(j.Files[0])) },
		read: func(s *sample, left output) error {
			var told struct {
				Version string
				Members []struct {
					Severity string
					Errors   []string
				}
			}
			err := json.Unmarshal(left.stdout, &told)
			if err != nil || left.exit != 0 || len(told.Members) != 1 || len(told.Members[0].Errors) > 0 {
				return fmt.Errorf("%w: exit code %d: %v", errNotDone, left.exit, err)
			}
			s.Says = fmt.Sprintf("%s (%s)", strings.ToLower(told.Members[0].Severity), told.Version)
			return nil
		},
	}
}
