package plan

import (
	"github.com/weightgate/weightgate/formats/pickle/machine"
	"github.com/weightgate/weightgate/formats/torch/grammar"
)

// Read reads what a child said: a checkpoint, or a *machine.Error if the child
// said that it could not read the stream, or an *Error if this is no plan. What
// it accepts is what Encode or EncodeError would have written; nothing in it is
// true for that. More tensors than maxTensors are a *machine.Error with
// CodeLimit. Read allocates at most a small multiple of output.
func Read(output []byte, maxTensors int) (*grammar.Checkpoint, error) {
	d := decoder{left: output, maxTensors: uint32(min(max(maxTensors, 0), MaxEntries))}
	if len(output) > MaxOutput {
		return nil, d.fail("too many bytes")
	}
	for d.last == 0 || d.last < frameDone {
		if err := d.frame(); err != nil {
			return nil, err
		}
	}
	if len(d.left) > 0 {
		return nil, d.fail("bytes behind the last frame")
	}
	if d.failed != nil {
		d.failed.Uses, d.failed.Findings = d.c.Uses, d.c.Findings
		return nil, d.failed
	}
	if d.counts[frameTensor] > d.maxTensors {
		return nil, &machine.Error{Code: CodeLimit, Detail: "more tensors than MaxTensors"}
	}
	return &d.c, nil
}

// A decoder takes frames off.
type decoder struct {
	left       []byte
	offset     int // of left
	maxTensors uint32
	last       uint8 // type of the frame before
	counts     counts
	entries    int
	c          grammar.Checkpoint
	failed     *machine.Error
}

func (d *decoder) fail(detail string) *Error { return &Error{d.offset, detail} }

// frame takes one frame off.
func (d *decoder) frame() *Error {
	r := reader{rest: d.left}
	size := r.u32()
	switch {
	case r.bad:
		return d.fail("it ends without a last frame")
	case size == 0 || size > MaxFrame:
		return d.fail("a frame of no or too many bytes")
	case int(size) > len(r.rest):
		return d.fail("it ends within a frame")
	case d.entries == MaxEntries:
		return d.fail("too many frames")
	}
	fields := reader{rest: r.rest[:size]}
	kind := fields.u8()
	if why := d.misplaced(kind); why != "" {
		return d.fail(why)
	}
	d.read(kind, &fields)
	if !fields.done() {
		return d.fail("a frame that is not well formed")
	}
	d.counts[kind]++
	d.entries++
	d.last = kind
	d.left, d.offset = r.rest[size:], d.offset+4+int(size)
	return nil
}

// misplaced is why a frame of that type cannot stand here.
func (d *decoder) misplaced(kind uint8) string {
	switch {
	case kind < frameCheckpoint || kind > frameError:
		return "a frame of no known type"
	case kind < d.last:
		return "a frame out of order"
	case d.counts[kind] == most(kind):
		return "more frames of a type than a child writes"
	case kind == frameCheckpoint && d.counts[kind] > 0:
		return "a second checkpoint"
	case kind == frameError && d.counts[frameCheckpoint] > 0:
		return "an error behind a checkpoint"
	case (kind <= frameDropped || kind == frameDone) && kind != frameCheckpoint && d.counts[frameCheckpoint] == 0:
		return "no checkpoint ahead of what it holds"
	}
	return ""
}

// read reads the fields of a frame.
func (d *decoder) read(kind uint8, r *reader) {
	c := &d.c
	switch kind {
	case frameCheckpoint:
		d.checkpoint(r)
	case frameStorage:
		c.Storages = append(c.Storages, grammar.Storage{Key: r.str(MaxName), DType: grammar.DType(r.u8()), Elements: r.natural()})
	case frameKey:
		c.Keys = append(c.Keys, r.str(MaxName))
	case frameTensor:
		d.tensor(r)
	case frameDropped:
		c.Dropped = append(c.Dropped, grammar.Dropped{Path: r.text(), What: r.text(), Offset: r.natural()})
	case frameUse:
		u := machine.Use{Name: r.text(), Offset: r.natural()}
		flags := r.flags(flagCall | flagKnown)
		u.Call, u.Known = flags&flagCall != 0, flags&flagKnown != 0
		c.Uses = append(c.Uses, u)
	case frameFinding:
		c.Findings = append(c.Findings, machine.Finding{Code: r.text(), Offset: r.natural(), Detail: r.text()})
	case frameDone:
		for kind := frameStorage; kind < frameDone; kind++ {
			n := r.u32()
			r.bad = r.bad || n != d.counts[kind]
		}
	case frameError:
		d.failed = &machine.Error{Code: r.text(), Offset: r.natural(), Op: r.u8(), Detail: r.text()}
	}
}

func (d *decoder) checkpoint(r *reader) {
	c := &d.c
	c.Form = grammar.Form(r.u8())
	c.Protocol = int(r.u32())
	c.Root = r.str(MaxName)
	c.End = r.natural()
	c.BigEndian = r.flags(1) != 0
	r.bad = r.bad || c.Form < grammar.Plain || c.Form > grammar.Legacy || c.Protocol > maxProtocol
}

// maxProtocol is that of the pickles of Python 3.8 and later.
const maxProtocol = 5

func (d *decoder) tensor(r *reader) {
	t := grammar.Tensor{Name: r.str(MaxName), Storage: int(r.u32()), DType: grammar.DType(r.u8())}
	flags := r.flags(flagConj | flagNeg)
	t.Conj, t.Neg = flags&flagConj != 0, flags&flagNeg != 0
	t.Offset = r.natural()
	rank := int(r.u8())
	r.bad = r.bad || rank > MaxRank || t.Storage >= len(d.c.Storages)
	t.Shape, t.Strides = r.int64s(rank), r.int64s(rank)
	if d.counts[frameTensor] < d.maxTensors { // more are refused in the end
		d.c.Tensors = append(d.c.Tensors, t)
	}
}
