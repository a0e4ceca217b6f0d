// Package safetensors reads and writes the safetensors format of Hugging Face
// (https://github.com/huggingface/safetensors#format): eight bytes that hold the
// length of a JSON header, the header, and the bytes of all tensors, which lie
// one behind the other up to the end of the file.
//
// The reader is stricter than the reference: it accepts no file that the
// reference refuses, and of those that the reference accepts it refuses the ones
// that two readers can understand in two ways (keys that occur twice, fields
// that the format does not know, a header that does not begin with its brace).
// The writer's files equal those of the reference byte for byte.
package safetensors

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/jsonscan"
)

// Name is the name of the format.
const Name = "safetensors"

// prefix is the size in bytes of the header's length, which the file begins with.
const prefix = 8

// Format is the safetensors format.
func Format() formats.Format { return format{} }

type format struct{}

var _ formats.Characterized = format{}

func (format) Name() string             { return Name }
func (format) Codes() formats.CodeTable { return codes }
func (format) Traits() formats.Traits   { return formats.Traits{Data: true} }

// Claims looks for a header that lies within the file, begins like a JSON
// object and ends with its brace or with padding.
func (format) Claims(_ context.Context, in formats.Input) (bool, error) {
	var head [prefix + 64]byte
	n, err := in.ReadAt(head[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	if n < prefix {
		return false, nil
	}
	length := binary.LittleEndian.Uint64(head[:prefix])
	if !holdsHeader(in.Size(), length) {
		return false, nil
	}
	start := head[prefix:min(uint64(n), prefix+length)]
	if !beginsObject(string(start)) {
		return false, nil
	}
	var last [1]byte
	if n, err := in.ReadAt(last[:], prefix+int64(length)-1); n < 1 {
		return false, err
	}
	return last[0] == '}' || last[0] == ' ', nil
}

// holdsHeader reports whether a file of that size can hold a header of that
// length; the shortest is {}.
func holdsHeader(size int64, length uint64) bool {
	return length >= 2 && size >= prefix && length <= uint64(size-prefix)
}

func beginsObject(start string) bool {
	rest, ok := strings.CutPrefix(start, "{")
	rest = strings.TrimLeft(rest, jsonscan.Whitespace)
	return ok && (rest == "" || rest[0] == '"' || rest[0] == '}')
}

// Inspect reads the header; all of the file is accounted for by it and by the tensors.
func (format) Inspect(ctx context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
	h, err := Read(ctx, in, lim)
	if err != nil {
		return nil, err
	}
	return &formats.Inspection{
		Format:  Name,
		Tensors: h.Tensors,
		Claims:  []formats.Range{{File: in.Name(), Length: in.Size()}},
	}, nil
}
