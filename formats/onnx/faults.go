package onnx

import "github.com/weightgate/weightgate/formats"

// faults keeps the first fault of a file. It sticks: whoever works on after it
// works on zeros, and the error is looked at once, at the end of each pass.
type faults struct {
	file string
	err  error
}

func (f *faults) fail(c formats.Code, at int64, detail string, args ...any) {
	if f.err == nil {
		f.err = codes.Syntax(Name, c, f.file, at, detail, args...)
	}
}

// quote is a name from the file for people: a report is no place for megabytes.
func quote(name string) string {
	const enough = 120
	if len(name) > enough {
		return formats.Quote(name[:enough]) + "…"
	}
	return formats.Quote(name)
}
