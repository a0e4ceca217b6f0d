package safetensors

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"slices"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/jsonscan"
)

// A Header is what a file says of its tensors. It owns its memory.
type Header struct {
	// Tensors cover the file from the end of the header to its own end, in that
	// order; empty ones stand before what begins at the same byte.
	Tensors []formats.Tensor

	// Metadata is what stands under __metadata__: nil if nothing does, not nil
	// if an empty object does.
	Metadata map[string]string

	// Length is that of the JSON in bytes, its padding included: the first
	// tensor begins at 8 + Length.
	Length int64
}

// Read reads the header of in and checks it against the size of in; it reads no
// tensor. What is wrong with the file is a *formats.SyntaxError with one of this
// package's codes; other errors are failed reads and ctx's.
//
// Of lim it keeps MaxHeader and MaxTensors. No shape has more than 64 dimensions,
// which is what NumPy and PyTorch can hold, and no metadata more than 16,384
// entries. All that a call allocates is at most eight times the header and a
// constant.
func Read(ctx context.Context, in formats.Input, lim formats.Limits) (*Header, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	lim = lim.WithDefaults()
	header, err := readHeader(in, lim)
	if err != nil {
		return nil, err
	}
	begin := prefix + int64(len(header))
	p := &parser{
		Scanner:    jsonscan.Scanner{Text: header},
		ctx:        ctx,
		file:       in.Name(),
		data:       formats.Range{File: in.Name(), Offset: begin, Length: in.Size() - begin},
		maxTensors: lim.MaxTensors,
	}
	p.Fail = func(pos int, detail string, args ...any) error { return p.fail(CodeHeader, pos, detail, args...) }
	if err := p.header(); err != nil {
		return nil, err
	}
	slices.SortFunc(p.tensors, byPlace)
	if err := contiguous(p.tensors, p.data); err != nil {
		return nil, err
	}
	return &Header{Tensors: p.tensors, Metadata: p.metadata, Length: int64(len(header))}, nil
}

func byPlace(a, b formats.Tensor) int {
	return cmp.Or(
		cmp.Compare(a.Place.Offset, b.Place.Offset),
		cmp.Compare(a.Place.Length, b.Place.Length),
		cmp.Compare(a.ID.Name, b.ID.Name),
	)
}

// contiguous checks that tensors, sorted by place, follow each other from the
// first byte of data to its last: "The byte buffer needs to be entirely indexed,
// and cannot contain holes."
func contiguous(tensors []formats.Tensor, data formats.Range) error {
	next := data.Offset
	for _, t := range tensors {
		at := t.Place.Offset
		switch {
		case at > next:
			return codes.Syntax(Name, CodeGap, data.File, next, "%d bytes before tensor %s belong to none", at-next, quote(t.ID.Name))
		case at < next:
			return codes.Syntax(Name, CodeOverlap, data.File, at, "tensor %s begins %d bytes before the one ahead of it ends", quote(t.ID.Name), next-at)
		}
		next = t.Place.End()
	}
	if next < data.End() {
		return codes.Syntax(Name, CodeTrailing, data.File, next, "%d bytes behind the last tensor", data.End()-next)
	}
	return nil
}

// readHeader is the JSON, of a length that was checked against file and limits.
func readHeader(in formats.Input, lim formats.Limits) ([]byte, error) {
	if in.Size() < prefix {
		return nil, codes.Syntax(Name, CodeHeader, in.Name(), 0, "a file of %d bytes has no header", in.Size())
	}
	var head [prefix]byte
	if err := formats.ReadFull(in, head[:], 0); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint64(head[:])
	if !holdsHeader(in.Size(), length) {
		return nil, codes.Syntax(Name, CodeHeader, in.Name(), 0, "a header of %d bytes in a file of %d", length, in.Size())
	}
	if length > uint64(lim.MaxHeader) {
		return nil, codes.Syntax(Name, CodeLimit, in.Name(), 0, "a header of %d bytes; MaxHeader is %d", length, lim.MaxHeader)
	}
	header := make([]byte, length)
	if err := formats.ReadFull(in, header, prefix); err != nil {
		return nil, err
	}
	return header, nil
}

// expected is how many tensors header can hold, close enough to make room for:
// each has a brace of its own and the text of the shortest entry.
func expected(header []byte, maxTensors int) int {
	const shortest = len(`"":{"dtype":"U8","shape":[],"data_offsets":[0,0]},`)
	return min(bytes.Count(header, []byte("{")), len(header)/shortest, maxTensors)
}
