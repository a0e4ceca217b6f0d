package onnx

import (
	"context"

	"github.com/weightgate/weightgate/formats"
)

// faults keeps the first fault of a file. It sticks: whoever works on after it
// works on zeros, and the error is looked at once, at the end of each pass.
type faults struct {
	ctx   context.Context
	file  string
	err   error
	steps int // since ctx was looked at
}

func (f *faults) fail(c formats.Code, at int64, detail string, args ...any) {
	if f.err == nil {
		f.err = codes.Syntax(Name, c, f.file, at, detail, args...)
	}
}

// stopped reports whether a pass over the tree is to end, for a fault or with
// ctx. It is called once for each node or tensor.
func (f *faults) stopped() bool {
	const seldom = 1024
	if f.steps++; f.steps >= seldom && f.err == nil {
		f.steps, f.err = 0, f.ctx.Err()
	}
	return f.err != nil
}

// quote is a name from the file for people: a report is no place for megabytes.
func quote(name string) string {
	const enough = 120
	if len(name) > enough {
		return formats.Quote(name[:enough]) + "…"
	}
	return formats.Quote(name)
}
