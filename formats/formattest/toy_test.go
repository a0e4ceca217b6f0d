package formattest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing/fstest"

	"github.com/weightgate/weightgate/formats"
)

const (
	toyHeader = "toy.header"
	toyLimit  = "toy.limit"
	toyNote   = "toy.note"
	magic     = "TOY1"
)

var toyCodes = formats.CodeTable{
	{Code: toyHeader, Class: formats.Denied, Severity: formats.High, Advice: "Write it again."},
	{Code: toyLimit, Class: formats.Unverifiable, Severity: formats.High, Advice: "Raise MaxTensors."},
	{Code: toyNote, Class: formats.Denied, Severity: formats.Info, Advice: "Nothing to do."},
}

// toy is a format that keeps the contract: its magic, the number of tensors, the
// bytes of each, and these. What a test sets takes the place of a method.
type toy struct {
	name    string
	codes   formats.CodeTable
	claims  func(ctx context.Context, in formats.Input) (bool, error)
	inspect func(ctx context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error)
}

func (f toy) Name() string {
	if f.name != "" {
		return f.name
	}
	return "toy"
}

func (f toy) Codes() formats.CodeTable {
	if f.codes != nil {
		return f.codes
	}
	return toyCodes
}

func (f toy) Claims(ctx context.Context, in formats.Input) (bool, error) {
	if f.claims != nil {
		return f.claims(ctx, in)
	}
	head := make([]byte, len(magic))
	n, err := in.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return string(head[:n]) == magic, nil
}

func (f toy) Inspect(ctx context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
	if f.inspect != nil {
		return f.inspect(ctx, in, lim)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if in.Size() < 6 {
		return nil, toyCodes.Syntax("toy", toyHeader, in.Name(), 0, "%d bytes", in.Size())
	}
	head := make([]byte, 6)
	if n, err := in.ReadAt(head, 0); n < len(head) {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("toy: %w", err)
	}
	count, size := int64(head[4]), int64(head[5])
	switch {
	case string(head[:4]) != magic, size == 0, count == 0, in.Size() != 6+count*size:
		return nil, toyCodes.Syntax("toy", toyHeader, in.Name(), 4, "%d tensors of %d bytes", count, size)
	case count > int64(lim.WithDefaults().MaxTensors):
		return nil, toyCodes.Syntax("toy", toyLimit, in.Name(), 4, "%d tensors", count)
	}
	found := &formats.Inspection{Format: "toy", Claims: []formats.Range{{File: in.Name(), Length: in.Size()}}}
	for i := range count {
		found.Tensors = append(found.Tensors, formats.Tensor{
			ID:    formats.TensorID{File: in.Name(), Name: fmt.Sprint(i)},
			DType: formats.U8,
			Shape: []int64{size},
			Place: formats.Range{File: in.Name(), Offset: 6 + i*size, Length: size},
		})
	}
	return found, nil
}

// after is the toy whose results are changed.
func after(change func(in formats.Input, found *formats.Inspection)) toy {
	return toy{inspect: func(ctx context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
		found, err := toy{}.Inspect(ctx, in, lim)
		if err == nil {
			change(in, found)
		}
		return found, err
	}}
}

// refusing is the toy whose errors are changed, those of ctx and of reads aside.
func refusing(change func(in formats.Input, err *formats.SyntaxError) error) toy {
	return toy{inspect: func(ctx context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
		found, err := toy{}.Inspect(ctx, in, lim)
		if syntax, ok := errors.AsType[*formats.SyntaxError](err); ok {
			return nil, change(in, syntax)
		}
		return found, err
	}}
}

// before is the toy that does something first.
func before(first func(ctx context.Context, in formats.Input) error) toy {
	return toy{inspect: func(ctx context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := first(ctx, in); err != nil {
			return nil, err
		}
		return toy{}.Inspect(ctx, in, lim)
	}}
}

// toys is a corpus of two good files and one that is none.
func toys() fstest.MapFS {
	return fstest.MapFS{
		"one.toy":      {Data: []byte(magic + "\x01\x04abcd")},
		"dir/two.toy":  {Data: []byte(magic + "\x02\x03abcdef")},
		"dir/note.txt": {Data: []byte("no toy\n")},
	}
}
