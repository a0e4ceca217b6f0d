// Package npy reads the arrays of NumPy: the npy format, versions 1.0 to 3.0
// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), and
// npz, a zip archive of such files.
//
// An array is a tensor if its bytes are one as they lie: little-endian,
// row-major numbers. Python objects, which are a pickle in the place of numbers,
// are refused, and so are records, text, dates, and arrays that would have to be
// rewritten first. The header is a Python expression; only the one form that
// writers write is read, a dictionary with three keys, and nothing is evaluated.
package npy

import (
	"context"
	"path"
	"strings"

	"github.com/weightgate/weightgate/formats"
)

// Name is the name of the format of single arrays.
const Name = "npy"

// Format is the npy format. Its file is one tensor, named as the file is, without
// the directory and the ending .npy.
func Format() formats.Format { return format{} }

type format struct{}

func (format) Name() string             { return Name }
func (format) Codes() formats.CodeTable { return codes }

// Claims looks for the eight bytes that a file begins with: no number of
// versions makes them begin another format.
func (format) Claims(_ context.Context, in formats.Input) (bool, error) {
	if in.Size() < int64(len(magic)) {
		return false, nil
	}
	var b [len(magic)]byte
	if err := formats.ReadFull(in, b[:], 0); err != nil {
		return false, err
	}
	return string(b[:]) == magic, nil
}

// Inspect reads the header; what follows it is the tensor.
func (format) Inspect(ctx context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
	a, err := Read(ctx, in, lim)
	if err != nil {
		return nil, err
	}
	name := strings.TrimSuffix(path.Base(in.Name()), extension)
	return &formats.Inspection{
		Format:  Name,
		Tensors: []formats.Tensor{a.tensor(formats.TensorID{File: in.Name(), Name: name}, 0)},
		Claims:  []formats.Range{{File: in.Name(), Length: in.Size()}},
	}, nil
}
