package plan

import (
	"github.com/weightgate/weightgate/formats/pickle/machine"
	"github.com/weightgate/weightgate/formats/torch/grammar"
)

// An encoder appends frames and counts them.
type encoder struct {
	out     writer
	counts  counts
	entries int
	fits    bool
}

// frame appends a frame with the fields that fill writes.
func (e *encoder) frame(kind uint8, fill func(w *writer)) {
	if !e.fits {
		return
	}
	begin := len(e.out)
	e.out.u32(0)
	e.out.u8(kind)
	fill(&e.out)
	n := len(e.out) - begin - 4
	e.counts[kind]++
	e.entries++
	if n > MaxFrame || len(e.out) > MaxOutput || e.entries > MaxEntries || e.counts[kind] > most(kind) {
		e.fits = false
		return
	}
	head := writer(e.out[begin:begin])
	head.u32(uint32(n))
}

// name marks what names something.
func (e *encoder) name(s string) string {
	e.fits = e.fits && len(s) <= MaxName
	return s
}

// Encode is the frames of a checkpoint; false if they are beyond the budgets.
// What is said to people is cut at MaxText.
func Encode(c *grammar.Checkpoint) ([]byte, bool) {
	e := encoder{fits: true}
	e.frame(frameCheckpoint, func(w *writer) {
		w.u8(uint8(c.Form))
		w.u32(uint32(c.Protocol))
		w.str(e.name(c.Root))
		w.i64(c.End)
		w.u8(flag(c.BigEndian, 1))
	})
	for _, s := range c.Storages {
		e.frame(frameStorage, func(w *writer) {
			w.str(e.name(s.Key))
			w.u8(uint8(s.DType))
			w.i64(s.Elements)
		})
	}
	for _, key := range c.Keys {
		e.frame(frameKey, func(w *writer) { w.str(e.name(key)) })
	}
	for i := range c.Tensors {
		e.tensor(&c.Tensors[i])
	}
	for _, d := range c.Dropped {
		e.frame(frameDropped, func(w *writer) {
			w.text(d.Path)
			w.text(d.What)
			w.i64(d.Offset)
		})
	}
	e.seen(c.Uses, c.Findings)
	total := e.counts
	e.frame(frameDone, func(w *writer) {
		for _, n := range total[frameStorage:frameDone] {
			w.u32(n)
		}
	})
	if !e.fits {
		return nil, false
	}
	return e.out, true
}

// EncodeError is the frames of a stream that could not be read to its end.
func EncodeError(err *machine.Error) []byte {
	e := encoder{fits: true}
	e.seen(err.Uses, err.Findings)
	e.failure(err)
	if !e.fits {
		e = encoder{fits: true}
		e.failure(err)
	}
	return e.out
}

func (e *encoder) failure(err *machine.Error) {
	e.frame(frameError, func(w *writer) {
		w.text(err.Code)
		w.i64(err.Offset)
		w.u8(err.Op)
		w.text(err.Detail)
	})
}

func (e *encoder) tensor(t *grammar.Tensor) {
	if len(t.Shape) > MaxRank || len(t.Strides) != len(t.Shape) {
		e.fits = false
	}
	e.frame(frameTensor, func(w *writer) {
		w.str(e.name(t.Name))
		w.u32(uint32(t.Storage))
		w.u8(uint8(t.DType))
		w.u8(flag(t.Conj, flagConj) | flag(t.Neg, flagNeg))
		w.i64(t.Offset)
		w.u8(uint8(len(t.Shape)))
		for _, n := range t.Shape {
			w.i64(n)
		}
		for _, n := range t.Strides {
			w.i64(n)
		}
	})
}

// seen appends what a stream names and holds.
func (e *encoder) seen(uses []machine.Use, findings []machine.Finding) {
	for _, u := range uses {
		e.frame(frameUse, func(w *writer) {
			w.text(u.Name)
			w.i64(u.Offset)
			w.u8(flag(u.Call, flagCall) | flag(u.Known, flagKnown))
		})
	}
	for _, f := range findings {
		e.frame(frameFinding, func(w *writer) {
			w.text(f.Code)
			w.i64(f.Offset)
			w.text(f.Detail)
		})
	}
}
