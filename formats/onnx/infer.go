package onnx

import (
	"math"
	"slices"
)

// An operation is a node with what is known of its inputs.
type operation struct {
	node  *node
	frame *frame
	in    []fact
}

// A rule infers what is known of the outputs. An operation without a rule has
// outputs that may be anything: if it folds it is refused, and if a shape that
// folds is taken from it, so is what that shape fills.
type rule func(*operation) []fact

// never are the operators that no runtime folds: their results differ from run
// to run, or are no tensors.
var never = set(`RandomNormal RandomNormalLike RandomUniform RandomUniformLike Multinomial Bernoulli
	SequenceConstruct SequenceEmpty SequenceInsert SequenceErase SequenceAt SequenceMap SplitToSequence
	ConcatFromSequence SequenceLength Optional OptionalGetElement OptionalHasElement Scan ai.onnx.ml/ZipMap
	com.microsoft/BeamSearch com.microsoft/GreedySearch com.microsoft/Sampling com.microsoft/WhisperBeamSearch`)

// followers are the operators through which runtimes follow elements of shapes.
var followers = set(`Add Cast CastLike Concat Div Expand Gather Identity Max Min Mod Mul Neg Reshape Slice Split Squeeze
	Sub Transpose Unsqueeze Where`)

// partial reports whether a runtime may follow elements of the outputs.
func (o *operation) partial() bool {
	return followers[o.node.operator()] && slices.ContainsFunc(o.in, func(f fact) bool {
		return f.partial || !f.folds && slices.ContainsFunc(f.elements, func(e number) bool { return !e.open() })
	})
}

// folds reports whether a runtime may compute the operation before a run.
func (o *operation) folds() bool {
	if never[o.node.operator()] {
		return false
	}
	if o.node.is("Shape") || o.node.is("Size") {
		return o.staticShape()
	}
	for i, f := range o.in {
		if o.node.in[i] != nil && !f.folds {
			return false
		}
	}
	return true
}

// staticShape reports whether no dimension that Shape or Size asks for is left
// to a run.
func (o *operation) staticShape() bool {
	x := o.input(0)
	if x.folds {
		return true
	}
	if !x.ranked {
		return !x.fixed
	}
	for _, d := range o.asked(x) {
		if d.open() {
			return false
		}
	}
	return true
}

// asked are the dimensions from start to end.
func (o *operation) asked(x fact) []number {
	rank := int64(len(x.dims))
	start := clampAxis(o.int("start", 0), rank)
	end := clampAxis(o.int("end", rank), rank)
	if o.node.op == "Size" {
		return x.dims
	}
	return x.dims[start:max(start, end)]
}

func clampAxis(axis, rank int64) int64 {
	if axis < 0 {
		axis += rank
	}
	return min(max(axis, 0), rank)
}

func (o *operation) infer() []fact {
	r := rules[o.node.operator()]
	var out []fact
	if r != nil {
		out = r(o)
	}
	folds := o.folds()
	for len(out) < len(o.node.out) {
		out = append(out, opaque())
	}
	for i := range out {
		if len(out[i].dims) > maxRank {
			out[i] = opaque()
		}
		out[i].folds = folds
		if out[i].width == 0 {
			out[i].width = o.width()
		}
		if n, ok := out[i].count(); !ok || len(out[i].elements) != n {
			out[i].elements = nil
		}
		out[i].partial = !folds && out[i].elements == nil && o.partial()
		out[i].wrap()
	}
	return out
}

// wrap forgets elements that the type cannot hold: a runtime computes on others.
func (f *fact) wrap() {
	least, most := int64(0), int64(1)
	switch f.width {
	case 8:
		return
	case 4:
		least, most = math.MinInt32, math.MaxInt32
	}
	for i, e := range f.elements {
		if e.bounded() && (e.v < least || e.v > most) {
			f.elements[i] = number{}
		}
	}
}

// width is that of the widest input.
func (o *operation) width() int64 {
	w := int64(1)
	for _, f := range o.in {
		w = max(w, f.width)
	}
	return w
}

// input is the i-th input; of one that is left out nothing is known, and it is constant.
func (o *operation) input(i int) fact {
	if !o.has(i) {
		return fact{folds: true}
	}
	return o.in[i]
}

func (o *operation) has(i int) bool { return i < len(o.in) && o.node.in[i] != nil }

func (o *operation) attribute(name string) *attribute {
	return o.frame.resolve(o.node.attribute(name))
}

func (o *operation) int(name string, absent int64) int64 {
	if a := o.attribute(name); a != nil && a.typ == intAttribute {
		return a.i
	}
	return absent
}

func (o *operation) ints(name string) ([]int64, bool) {
	if a := o.attribute(name); a != nil && a.typ == intsAttribute {
		return a.ints, true
	}
	return nil, false
}

func (o *operation) string(name string) string {
	if a := o.attribute(name); a != nil && a.typ == stringAttribute {
		return string(a.s)
	}
	return ""
}

// axes are those of an attribute or, since some operator set, of an input.
// given is false if there are neither, known if it cannot be said which.
func (o *operation) axes(input int) (axes []int64, given, known bool) {
	if list, ok := o.ints("axes"); ok {
		return list, true, true
	}
	if !o.has(input) {
		return nil, false, true
	}
	list, ok := o.input(input).ints()
	return list, true, ok
}

// axis is a valid index into a shape; it is false for one that is none.
func axis(a int64, rank int) (int, bool) {
	if a < 0 {
		a += int64(rank)
	}
	return int(a), a >= 0 && a < int64(rank)
}

// broadcast is the shape of operands that stretch to each other.
func broadcast(facts ...fact) fact {
	out := shaped()
	for _, f := range facts {
		if !f.ranked {
			if !out.ranked {
				return fact{fixed: out.fixed && f.fixed}
			}
			out = fact{fixed: f.fixed}
			continue
		}
		if !out.ranked {
			continue
		}
		out = stretched(out.dims, f.dims)
	}
	return out
}

// stretched is a fact of two shapes that stretch to each other; of two that do
// not, nothing is known.
func stretched(a, b []number) fact {
	dims, ok := stretch(a, b)
	return fact{ranked: ok, dims: dims}
}

func stretch(a, b []number) ([]number, bool) {
	if len(a) < len(b) {
		a, b = b, a
	}
	dims := make([]number, len(a))
	copy(dims, a)
	for i := range b {
		j := len(a) - len(b) + i
		if a[j].state == known && b[i].state == known && a[j] != b[i] && a[j] != is(1) && b[i] != is(1) {
			return nil, false
		}
		dims[j] = stretchDim(a[j], b[i])
	}
	return dims, true
}

func stretchDim(a, b number) number {
	switch {
	case a == is(1):
		return b
	case b == is(1), a == b:
		return a
	case a.state == known && b.state != known && a.v > 1, b.state == known && a.state != known && b.v > 1:
		return is(max(knownOr(a), knownOr(b))) // the other one is 1 or equal
	case a.bounded() && b.bounded():
		return upTo(max(a.v, b.v))
	case a.open() && b.open():
		return a
	}
	return number{}
}

func knownOr(n number) int64 {
	if n.state == known {
		return n.v
	}
	return 0
}
