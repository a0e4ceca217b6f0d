package sidecar

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/weightgate/weightgate/formats"
)

// MoveShards is the text of an index whose tensors lie in other shards now:
// shard says in which, and is false for a tensor that the index no longer
// names. Everything else stays, in its order. The index is one that Inspect has
// read without a finding of its form.
//
// The text may have MaxHeader bytes, and nest as MaxNesting allows. It is laid
// out as Python's json.dump with indent=4 lays it out, which is how
// Hugging Face's converter writes an index.
func MoveShards(ctx context.Context, index formats.Input, lim formats.Limits, shard func(shard, tensor string) (string, bool)) ([]byte, error) {
	lim = lim.WithDefaults()
	if index.Size() > lim.MaxHeader {
		return nil, fmt.Errorf("sidecar: an index of %d bytes", index.Size())
	}
	text := make([]byte, index.Size())
	if n, err := index.ReadAt(text, 0); n < len(text) {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	p := printer{ctx: ctx, d: d, shard: shard, lim: lim}
	if err := p.value(0, p.member); err != nil {
		return nil, fmt.Errorf("sidecar: %w", err)
	}
	return p.out.Bytes(), nil
}

// A printer writes a JSON text anew, token by token.
type printer struct {
	ctx   context.Context
	lim   formats.Limits
	d     *json.Decoder
	out   bytes.Buffer
	shard func(shard, tensor string) (string, bool)
}

// member is what becomes of a member of the outermost object.
func (p *printer) member(key string) (keep bool, value func() error) {
	if key == "weight_map" {
		return true, func() error { return p.value(1, p.placed) }
	}
	return true, nil
}

// placed is what becomes of a member of weight_map.
func (p *printer) placed(tensor string) (keep bool, value func() error) {
	token, err := p.d.Token()
	old, ok := token.(string)
	if err != nil || !ok {
		return true, func() error { return fmt.Errorf("tensor %s lies in no file", formats.Quote(tensor)) }
	}
	name, keep := p.shard(old, tensor)
	return keep, func() error { p.str(name); return nil }
}

// value copies one value. Of an object, member says which members stay, and how
// their values are written; nil: as they are.
func (p *printer) value(depth int, member func(key string) (bool, func() error)) error {
	token, err := p.d.Token()
	if err != nil {
		return err
	}
	switch v := token.(type) {
	case json.Delim:
		return p.container(depth, v, member)
	case string:
		p.str(v)
	case json.Number:
		return p.number(v)
	case bool:
		p.out.WriteString(strconv.FormatBool(v))
	default:
		p.out.WriteString("null")
	}
	return nil
}

// number writes an integer as it stands and a float as Python's repr has it: the
// shortest digits, with an exponent below 1e-4 and from 1e16 on.
func (p *printer) number(n json.Number) error {
	if !strings.ContainsAny(n.String(), ".eE") {
		if n == "-0" {
			n = "0" // an int has no sign of its own
		}
		p.out.WriteString(n.String())
		return nil
	}
	f, err := n.Float64()
	if err != nil {
		return err
	}
	form := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		form = 'e'
	}
	s := strconv.FormatFloat(f, form, -1, 64)
	if form == 'f' && !strings.Contains(s, ".") {
		s += ".0"
	}
	p.out.WriteString(s)
	return nil
}

func (p *printer) container(depth int, open json.Delim, member func(key string) (bool, func() error)) error {
	if depth >= p.lim.MaxNesting {
		return fmt.Errorf("nested deeper than MaxNesting, %d", p.lim.MaxNesting)
	}
	p.out.WriteByte(byte(open))
	empty := true
	for p.d.More() {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		if int64(p.out.Len()) > p.lim.MaxHeader {
			return fmt.Errorf("more than MaxHeader, %d bytes", p.lim.MaxHeader)
		}
		mark := p.out.Len()
		if !empty {
			p.out.WriteByte(',')
		}
		p.line(depth + 1)
		value := func() error { return p.value(depth+1, nil) }
		if open == '{' {
			token, err := p.d.Token()
			key, ok := token.(string)
			if err != nil || !ok {
				return io.ErrUnexpectedEOF
			}
			p.str(key)
			p.out.WriteString(": ")
			if member != nil {
				keep, own := member(key)
				if !keep {
					p.out.Truncate(mark)
					continue
				}
				if own != nil {
					value = own
				}
			}
		}
		if err := value(); err != nil {
			return err
		}
		empty = false
	}
	if _, err := p.d.Token(); err != nil {
		return err
	}
	if !empty {
		p.line(depth)
	}
	p.out.WriteByte(byte(open) + 2) // of both braces and brackets
	return nil
}

func (p *printer) line(depth int) {
	p.out.WriteByte('\n')
	p.out.WriteString(strings.Repeat("    ", depth))
}

// str writes a string in ASCII, as json.dump does.
func (p *printer) str(s string) {
	p.out.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			p.out.WriteByte('\\')
			p.out.WriteRune(r)
		case r == '\n':
			p.out.WriteString(`\n`)
		case r == '\r':
			p.out.WriteString(`\r`)
		case r == '\t':
			p.out.WriteString(`\t`)
		case r == '\b':
			p.out.WriteString(`\b`)
		case r == '\f':
			p.out.WriteString(`\f`)
		case r >= 0x20 && r < 0x7f:
			p.out.WriteByte(byte(r))
		case r >= 0x10000:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&p.out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&p.out, `\u%04x`, r)
		}
	}
	p.out.WriteByte('"')
}
