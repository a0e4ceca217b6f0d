package formats

import "fmt"

// SyntaxError says where a file stops being what its format demands. It is the
// finding that the load's report shows, and the cause behind it, if any.
type SyntaxError struct {
	Format string
	Finding
	Err error
}

func (e *SyntaxError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Format, e.Finding, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Format, e.Finding)
}

func (e *SyntaxError) Unwrap() error { return e.Err }

// Syntax is a *SyntaxError of format with a finding of t.
func (t CodeTable) Syntax(format string, c Code, file string, offset int64, detail string, args ...any) *SyntaxError {
	return &SyntaxError{Format: format, Finding: t.Finding(c, file, offset, detail, args...)}
}
