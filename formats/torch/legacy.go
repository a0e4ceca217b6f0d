package torch

import (
	"context"
	"encoding/binary"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/peek"
	"github.com/weightgate/weightgate/formats/torch/grammar"
)

// Head is how much of a legacy file is looked at for pickles. Those of a model
// of a hundred thousand tensors take some 16 MiB.
const Head = 16 << 20

// The number 0x1950a86a20f9469cfc6c as picklers write it: the argument of LONG1
// in protocols 2 to 5, of LONG in 0 and 1.
const (
	magic     = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
	magicText = "L119547037146038801333356L\n"

	opProto = 0x80
	opFrame = 0x95
	opStop  = "."

	frameSize     = 9
	protoSize     = 2
	lastProtocol  = 5
	firstProtocol = 2 // that PROTO says
)

// startsLegacy reports whether the file begins with the magic number, and
// whether that is all of its first pickle.
func startsLegacy(ctx context.Context, in formats.Input) (begins, whole bool, err error) {
	p := peek.New(ctx, in, MaxRead)
	head := string(p.Head(max(protoSize+frameSize+len(magic), len(magicText)) + len(opStop)))
	if p.Err != nil {
		return false, false, p.Err
	}
	if rest, ok := strings.CutPrefix(head, magicText); ok {
		return true, strings.HasPrefix(rest, opStop), nil
	}
	if len(head) < protoSize || head[0] != opProto || head[1] < firstProtocol || head[1] > lastProtocol {
		return false, false, nil
	}
	head, fits := head[protoSize:], true
	if len(head) > frameSize && head[0] == opFrame {
		fits = binary.LittleEndian.Uint64([]byte(head[1:frameSize])) == uint64(len(magic)+len(opStop))
		head = head[frameSize:]
	}
	rest, ok := strings.CutPrefix(head, magic)
	return ok, ok && fits && strings.HasPrefix(rest, opStop), nil
}

// readLegacy is the container that every legacy file has.
func readLegacy(ctx context.Context, in formats.Input, lim formats.Limits) (*Container, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	_, whole, err := startsLegacy(ctx, in)
	if err != nil {
		return nil, err
	}
	if !whole {
		return nil, legacyCodes.Syntax(LegacyName, CodeLegacy, in.Name(), 0, "the first pickle is not the magic number, and nothing else")
	}
	head := min(in.Size(), Head)
	if lim = lim.WithDefaults(); head > lim.MaxHeader {
		return nil, legacyCodes.Syntax(LegacyName, CodeLimit, in.Name(), 0, "pickles in up to %d bytes; MaxHeader is %d", head, lim.MaxHeader)
	}
	return &Container{Form: grammar.Legacy, Pickles: formats.Range{File: in.Name(), Length: head}}, nil
}
