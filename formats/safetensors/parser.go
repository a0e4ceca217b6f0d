package safetensors

import (
	"bytes"
	"context"
	"strings"
	"unicode/utf8"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/jsonscan"
)

const (
	metadataKey = "__metadata__"

	// maxRank is how many dimensions NumPy and PyTorch can hold.
	maxRank = 64

	// maxMetadata is how many entries the metadata may have. Writers put a few
	// there, and one for each tensor that shares its bytes with another.
	maxMetadata = 1 << 14

	// checkEvery is after how many tensors the context is asked.
	checkEvery = 1 << 10
)

// A parser reads a header and checks each tensor for itself.
type parser struct {
	jsonscan.Scanner
	ctx        context.Context
	file       string
	data       formats.Range // the file behind the header
	maxTensors int

	names    map[string]struct{}
	tensors  []formats.Tensor // in the order of the header
	metadata map[string]string
	dims     []int64 // room from which shapes are cut
}

// fail is an error at the offset pos of the header.
func (p *parser) fail(c formats.Code, pos int, detail string, args ...any) error {
	return codes.Syntax(Name, c, p.file, prefix+int64(pos), detail, args...)
}

func (p *parser) header() error {
	if !utf8.Valid(p.Text) {
		return p.fail(CodeHeader, 0, "the header is not UTF-8")
	}
	// "The header data MUST begin with a { character (0x7B)."
	if p.Text[0] != '{' {
		return p.fail(CodeHeader, 0, "the header begins with %+q, not with a brace", p.Text[0])
	}
	n := expected(p.Text, p.maxTensors)
	p.names = make(map[string]struct{}, n)
	p.tensors = make([]formats.Tensor, 0, n)
	if err := p.Object(p.entry); err != nil {
		return err
	}
	// "The header data MAY be trailing padded with whitespace (0x20)."
	if rest := bytes.TrimLeft(p.Text[p.Pos:], " "); len(rest) > 0 {
		return p.fail(CodeHeader, len(p.Text)-len(rest), "%+q behind the header's brace", rest[0])
	}
	return nil
}

// entry reads a tensor, or the metadata.
func (p *parser) entry(key []byte, pos int) error {
	if string(key) == metadataKey {
		if p.metadata != nil {
			return p.fail(CodeDuplicate, pos, "a second %s", metadataKey)
		}
		p.metadata = map[string]string{}
		return p.Object(p.metadatum)
	}
	if len(p.tensors) == p.maxTensors {
		return p.fail(CodeLimit, pos, "more tensors than MaxTensors, %d", p.maxTensors)
	}
	if len(p.tensors)%checkEvery == 0 {
		if err := p.ctx.Err(); err != nil {
			return err
		}
	}
	name := string(key)
	if why := unaddressable(name); why != "" {
		return p.fail(CodeName, pos, "%s", why)
	}
	p.names[name] = struct{}{}
	if len(p.names) == len(p.tensors) { // it was there
		return p.fail(CodeDuplicate, pos, "a second tensor %s", quote(name))
	}
	return p.tensor(name, pos)
}

// unaddressable says why a tensor cannot have that name: runtimes take names as
// C strings, and an empty one means "absent" in a graph.
func unaddressable(name string) string {
	switch {
	case name == "":
		return "a tensor without a name"
	case strings.ContainsRune(name, 0):
		return "a NUL in the name of a tensor"
	}
	return ""
}

// quote is a name as an error may show it: escaped, and not at any length.
func quote(name string) string {
	const enough = 128
	if len(name) > enough {
		return formats.Quote(name[:enough]) + "..."
	}
	return formats.Quote(name)
}

func (p *parser) metadatum(key []byte, pos int) error {
	k := string(key)
	if _, twice := p.metadata[k]; twice {
		return p.fail(CodeDuplicate, pos, "a second %s in %s", quote(k), metadataKey)
	}
	if len(p.metadata) == maxMetadata {
		return p.fail(CodeLimit, pos, "more than %d entries in %s", maxMetadata, metadataKey)
	}
	v, err := p.Str()
	if err != nil {
		return err
	}
	p.metadata[k] = string(v)
	return nil
}

// The fields of a tensor, in the order in which writers write them.
const (
	fieldDType = 1 << iota
	fieldShape
	fieldOffsets
	allFields = fieldDType | fieldShape | fieldOffsets
)

// fieldOf is 0 for what is none.
func fieldOf(key []byte) int {
	switch string(key) {
	case "dtype":
		return fieldDType
	case "shape":
		return fieldShape
	case "data_offsets":
		return fieldOffsets
	}
	return 0
}

// tensor reads an entry and checks what can be checked without the others.
func (p *parser) tensor(name string, pos int) error {
	t := formats.Tensor{ID: formats.TensorID{File: p.file, Name: name}}
	var begin, end int64
	seen := 0
	err := p.Object(func(key []byte, pos int) (err error) {
		field := fieldOf(key)
		switch {
		case field == 0:
			return p.fail(CodeHeader, pos, "unknown field %s", quote(string(key)))
		case seen&field != 0:
			return p.fail(CodeDuplicate, pos, "a second %s in tensor %s", key, quote(name))
		}
		seen |= field
		switch field {
		case fieldDType:
			err = p.dtype(&t)
		case fieldShape:
			err = p.shape(&t)
		case fieldOffsets:
			begin, end, err = p.offsets()
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case seen != allFields:
		return p.fail(CodeHeader, pos, "tensor %s lacks a field", quote(name))
	case begin > end || end > p.data.Length:
		return p.fail(CodeBounds, pos, "tensor %s at [%d, %d] of %d bytes", quote(name), begin, end, p.data.Length)
	}
	if n, ok := formats.ByteLen(t.DType, t.Shape); !ok || n != end-begin {
		return p.fail(CodeLength, pos, "tensor %s: %s %s in %d bytes", quote(name), t.DType, formats.ShapeString(t.Shape), end-begin)
	}
	t.Place = formats.Range{File: p.file, Offset: p.data.Offset + begin, Length: end - begin}
	p.tensors = append(p.tensors, t)
	return nil
}

func (p *parser) dtype(t *formats.Tensor) error {
	p.Peek()
	pos := p.Pos
	name, err := p.Str()
	if err != nil {
		return err
	}
	d, ok := formats.ParseDType(string(name))
	if !ok || !inReference(d) {
		return p.fail(CodeDType, pos, "no element type %s", quote(string(name)))
	}
	t.DType = d
	return nil
}

// inReference reports whether version 0.8 of the reference knows d.
func inReference(d formats.DType) bool {
	switch d {
	case formats.Bool, formats.F4, formats.F6E2M3, formats.F6E3M2, formats.U8, formats.I8,
		formats.F8E5M2, formats.F8E4M3, formats.F8E8M0, formats.F8E4M3FNUZ, formats.F8E5M2FNUZ,
		formats.I16, formats.U16, formats.F16, formats.BF16, formats.I32, formats.U32, formats.F32,
		formats.C64, formats.F64, formats.I64, formats.U64:
		return true
	}
	return false
}

// shape reads the dimensions into room that many shapes share.
func (p *parser) shape(t *formats.Tensor) error {
	if cap(p.dims)-len(p.dims) < maxRank {
		p.dims = make([]int64, 0, min(maxRank*maxRank, maxRank+len(p.Text)/2))
	}
	start := len(p.dims)
	err := p.Array(func() error {
		if len(p.dims)-start == maxRank {
			return p.fail(CodeLimit, p.Pos, "more than %d dimensions", maxRank)
		}
		dim, err := p.Integer()
		p.dims = append(p.dims, dim)
		return err
	})
	t.Shape = p.dims[start:len(p.dims):len(p.dims)]
	return err
}

func (p *parser) offsets() (begin, end int64, err error) {
	if err = p.Expect('['); err != nil {
		return 0, 0, err
	}
	if begin, err = p.Integer(); err != nil {
		return 0, 0, err
	}
	if err = p.Expect(','); err != nil {
		return 0, 0, err
	}
	if end, err = p.Integer(); err != nil {
		return 0, 0, err
	}
	return begin, end, p.Expect(']')
}
