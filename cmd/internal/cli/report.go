package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

// printReport writes a report as text or as one line of JSON.
func printReport(w io.Writer, r *loader.Report, asJSON bool) error {
	if asJSON {
		_, err := fmt.Fprintf(w, "%s\n", r.JSON())
		return err
	}
	if err := r.WriteText(w); err != nil || len(r.Pending) == 0 {
		return err
	}
	names := make([]string, len(r.Pending))
	for i, p := range r.Pending {
		names[i] = p.String()
	}
	_, err := fmt.Fprintf(w, "  pending   the rules of %s were not asked: %s\n", strings.Join(names, " and "), pendingAdvice(r.Pending[0]))
	return err
}

// more says which command tells more of a report's first reason; nil if there
// is none, or if a program reads the report.
func more(machine bool, r *loader.Report) error {
	if machine || r == nil || len(r.Reasons()) == 0 {
		return nil
	}
	return fmt.Errorf("for more, weightgate explain %s", r.Reasons()[0].Code)
}

func pendingAdvice(p policy.Phase) string {
	if p == policy.PhaseLibrary {
		return "name the runtime with --library"
	}
	return "only the service that opens a session can meet them"
}
