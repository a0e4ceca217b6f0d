package safetensors

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/weightgate/weightgate/formats"
)

// maxHeader is how many bytes of JSON the reference reads.
const maxHeader = 100_000_000

// A Tensor is one to be written.
type Tensor struct {
	Name  string
	DType formats.DType
	Shape []int64 // none for a scalar
	Data  []byte  // little-endian, row-major; only Write looks at it
}

// Encode is the beginning of a file with these tensors, up to their first byte,
// and the tensors with their places in it, in the order of the file: by dtype,
// the widest first, then by name, so that each lies aligned. Their File is "".
//
// The result equals what the reference writes, byte for byte. Its order of
// metadata is left to chance; here it is by key. Nil metadata is not written,
// an empty map is.
//
// What cannot be written is a *formats.SyntaxError with the code that reading
// it would raise.
func Encode(tensors []Tensor, metadata map[string]string) (header []byte, placed []formats.Tensor, err error) {
	placed, err = place(tensors)
	if err != nil {
		return nil, nil, err
	}
	if len(metadata) > maxMetadata {
		return nil, nil, codes.Syntax(Name, CodeLimit, "", 0, "more than %d entries in %s", maxMetadata, metadataKey)
	}
	header, ok := appendJSON(make([]byte, prefix), placed, metadata)
	if !ok {
		return nil, nil, codes.Syntax(Name, CodeHeader, "", 0, "a name or metadata that is not UTF-8")
	}
	for len(header)%8 != 0 {
		header = append(header, ' ')
	}
	if len(header)-prefix > maxHeader {
		return nil, nil, codes.Syntax(Name, CodeLimit, "", 0, "a header of %d bytes", len(header)-prefix)
	}
	binary.LittleEndian.PutUint64(header, uint64(len(header)-prefix))
	for i := range placed {
		placed[i].Place.Offset += int64(len(header))
	}
	return header, placed, nil
}

// Write writes a file with these tensors, as Encode lays it out. Each Data has
// the length that dtype and shape demand; w may have received a part of the file
// when it fails.
func Write(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	header, placed, err := Encode(tensors, metadata)
	if err != nil {
		return err
	}
	data := make(map[string][]byte, len(tensors))
	for _, t := range tensors {
		data[t.Name] = t.Data
	}
	for _, t := range placed {
		if n := int64(len(data[t.ID.Name])); n != t.Place.Length {
			return codes.Syntax(Name, CodeLength, "", 0, "tensor %s: %s %s in %d bytes", quote(t.ID.Name), t.DType, formats.ShapeString(t.Shape), n)
		}
	}
	if _, err := w.Write(header); err != nil {
		return fmt.Errorf("%s: header: %w", Name, err)
	}
	for _, t := range placed {
		if _, err := w.Write(data[t.ID.Name]); err != nil {
			return fmt.Errorf("%s: tensor %s: %w", Name, quote(t.ID.Name), err)
		}
	}
	return nil
}

// place sorts the tensors as the file has them, with offsets from the end of
// the header.
func place(tensors []Tensor) ([]formats.Tensor, error) {
	placed := make([]formats.Tensor, 0, len(tensors))
	names := make(map[string]bool, len(tensors))
	for _, t := range tensors {
		n, fits := formats.ByteLen(t.DType, t.Shape)
		why := unaddressable(t.Name)
		switch {
		case why != "":
			return nil, codes.Syntax(Name, CodeName, "", 0, "%s", why)
		case t.Name == metadataKey || names[t.Name]:
			return nil, codes.Syntax(Name, CodeDuplicate, "", 0, "a second %s", quote(t.Name))
		case !inReference(t.DType):
			return nil, codes.Syntax(Name, CodeDType, "", 0, "tensor %s: no element type %s", quote(t.Name), t.DType)
		case len(t.Shape) > maxRank:
			return nil, codes.Syntax(Name, CodeLimit, "", 0, "tensor %s: more than %d dimensions", quote(t.Name), maxRank)
		case !fits:
			return nil, codes.Syntax(Name, CodeLength, "", 0, "tensor %s: %s %s has no length in bytes", quote(t.Name), t.DType, formats.ShapeString(t.Shape))
		}
		names[t.Name] = true
		placed = append(placed, formats.Tensor{
			ID:    formats.TensorID{Name: t.Name},
			DType: t.DType,
			Shape: slices.Clone(t.Shape),
			Place: formats.Range{Length: n},
		})
	}
	slices.SortFunc(placed, canonically)
	next := int64(0)
	for i := range placed {
		t := &placed[i]
		if t.Place.Length > math.MaxInt64-prefix-maxHeader-next {
			return nil, codes.Syntax(Name, CodeLength, "", 0, "the tensors are longer than any file")
		}
		t.Place.Offset = next
		next += t.Place.Length
	}
	return placed, nil
}

// canonically is the order of the reference. formats.DType counts upwards in
// the order of the reference's own types, which is that of their alignment.
func canonically(a, b formats.Tensor) int {
	return cmp.Or(cmp.Compare(b.DType, a.DType), cmp.Compare(a.ID.Name, b.ID.Name))
}

// appendJSON writes the header without its padding; it is false if a string is
// not UTF-8.
func appendJSON(b []byte, placed []formats.Tensor, metadata map[string]string) ([]byte, bool) {
	valid := true
	str := func(s string) {
		valid = valid && utf8.ValidString(s)
		b = appendString(b, s)
	}
	b = append(b, '{')
	if metadata != nil {
		b = append(b, `"`+metadataKey+`":{`...)
		for i, key := range slices.Sorted(maps.Keys(metadata)) {
			if i > 0 {
				b = append(b, ',')
			}
			str(key)
			b = append(b, ':')
			str(metadata[key])
		}
		b = append(b, '}')
	}
	for i, t := range placed {
		if i > 0 || metadata != nil {
			b = append(b, ',')
		}
		str(t.ID.Name)
		b = append(b, `:{"dtype":"`...)
		b = append(b, t.DType.String()...)
		b = append(b, `","shape":[`...)
		for j, dim := range t.Shape {
			if j > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, dim, 10)
		}
		b = append(b, `],"data_offsets":[`...)
		b = strconv.AppendInt(b, t.Place.Offset, 10)
		b = append(b, ',')
		b = strconv.AppendInt(b, t.Place.End(), 10)
		b = append(b, `]}`...)
	}
	return append(b, '}'), valid
}

// appendString quotes s as the reference does: it escapes what JSON demands,
// with the short forms where there are some, and nothing else.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	done := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[done:i]...)
		done = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, `\b`...)
		case '\f':
			b = append(b, `\f`...)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(b, s[done:]...), '"')
}
