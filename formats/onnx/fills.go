package onnx

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/weightgate/weightgate/formats"
)

// Rules of operators whose output is as large as a value says: what bombs are
// made of.

func constantOfShape(o *operation) []fact {
	shape := o.input(0)
	dims, ok := shape.vector()
	if !ok {
		return []fact{{fixed: !shape.folds && shape.dim(0).open(), width: 8}}
	}
	out := shaped(dims...)
	out.width = 4
	if a := o.attribute("value"); a != nil && len(a.tensors) == 1 {
		fill := factOf(a.tensors[0])
		out.width = fill.width
		if n, small := out.count(); small && len(fill.elements) == 1 {
			for range n {
				out.elements = append(out.elements, fill.elements[0])
			}
		}
	}
	return []fact{out}
}

func expand(o *operation) []fact {
	x, shape := o.input(0), o.input(1)
	dims, ok := shape.vector()
	if !ok || !x.ranked {
		return []fact{{fixed: x.fixed || !shape.folds && shape.dim(0).open(), width: x.width}}
	}
	out := stretched(x.dims, dims)
	out.width = x.width
	if n, small := out.count(); small && product(x.dims) == is(1) {
		for range n {
			out.elements = append(out.elements, x.element(0))
		}
	}
	return []fact{out}
}

func tile(o *operation) []fact {
	x, repeats := o.input(0), o.input(1)
	if !x.ranked {
		return []fact{{fixed: x.fixed, width: x.width}}
	}
	if o.has(2) { // the first version: a count and an axis
		return []fact{{width: x.width}}
	}
	out := shaped(make([]number, len(x.dims))...)
	out.width = x.width
	for i, d := range x.dims {
		r := repeats.element(i)
		if c, ok := repeats.count(); !ok || c != len(x.dims) {
			r = unfollowed(repeats.element(0))
		}
		out.dims[i] = times(d, r)
	}
	return []fact{out}
}

func rangeOf(o *operation) []fact {
	start, limit, delta := o.input(0).scalar(), o.input(1).scalar(), o.input(2).scalar()
	if !o.has(2) {
		delta = is(1)
	}
	n := number{}
	switch {
	case start.state == known && limit.state == known && delta.state == known:
		span, ok := subInt(limit.v, start.v)
		if !ok || delta.v == 0 {
			break
		}
		if delta.v < 0 {
			if span == math.MinInt64 || delta.v == math.MinInt64 {
				break
			}
			span, delta.v = -span, -delta.v
		}
		n = is(0)
		if span > 0 {
			n = is((span-1)/delta.v + 1)
		}
	case start.open() || limit.open() || delta.open():
		n = number{state: onlyRun}
	}
	out := shaped(n)
	if count, small := out.count(); small && start.state == known && o.input(2).scalar().state == known {
		step := o.input(2).scalar().v
		for i := range count {
			out.elements = append(out.elements, is(start.v+int64(i)*step))
		}
	}
	return []fact{out}
}

func pad(o *operation) []fact {
	x := o.input(0)
	if !x.ranked {
		return []fact{{fixed: x.fixed, width: x.width}}
	}
	pads := o.pads(len(x.dims))
	out := shaped(make([]number, len(x.dims))...)
	out.width = max(x.width, o.input(2).width)
	for i, d := range x.dims {
		out.dims[i] = plus(d, plus(pads[i], pads[i+len(x.dims)]))
	}
	return []fact{out}
}

// pads is how much is added before each dimension, and then after each.
func (o *operation) pads(rank int) []number {
	all := make([]number, 2*rank)
	list, ok := o.input(1).vector()
	if attribute, given := o.ints("pads"); given {
		list, ok = constants(attribute), true
	}
	axes := upward(rank)
	if o.has(3) {
		known, given := o.in[3].ints()
		axes, ok = known, ok && given
	}
	if !ok || len(list) != 2*len(axes) {
		for i := range all {
			all[i] = o.input(1).element(-1)
		}
		return all
	}
	for i := range all {
		all[i] = is(0)
	}
	for i, a := range axes {
		if at, valid := axis(a, rank); valid {
			all[at], all[at+rank] = list[i], list[i+len(axes)]
		}
	}
	return all
}

func oneHot(o *operation) []fact {
	indices, depth := o.input(0), o.input(1).scalar()
	if !indices.ranked {
		return []fact{{fixed: indices.fixed}}
	}
	at, ok := axis(o.int("axis", -1), len(indices.dims)+1)
	if !ok {
		return []fact{{}}
	}
	var dims []number
	dims = append(dims, indices.dims[:at]...)
	dims = append(dims, depth)
	out := shaped(append(dims, indices.dims[at:]...)...)
	out.width = o.input(2).width
	return []fact{out}
}

// resize follows sizes, and scales that are constants.
func resize(o *operation) []fact {
	x := o.input(0)
	if !x.ranked {
		return []fact{{fixed: x.fixed, width: x.width}}
	}
	out := shaped(make([]number, len(x.dims))...)
	out.width = x.width
	sizes, ok := o.input(3).vector()
	scales := o.scales()
	for i, d := range x.dims {
		switch {
		case o.attribute("axes") != nil:
			out.dims[i] = number{}
		case o.has(3) && ok && len(sizes) == len(x.dims):
			out.dims[i] = sizes[i]
		case o.has(3) && o.in[3].element(-1).open():
			out.dims[i] = number{state: onlyRun}
		case !o.has(3) && len(scales) == len(x.dims):
			out.dims[i] = scaled(d, float64(scales[i]))
		default:
			out.dims[i] = unfollowed(d)
		}
	}
	return []fact{out}
}

// scales are the factors of a Resize, the second or third input, if they are constants.
func (o *operation) scales() []float32 {
	if a := o.attribute("scales"); a != nil {
		return a.floats
	}
	i := 1
	if len(o.in) > 2 { // since operator set 11 a region comes first
		i = 2
	}
	if !o.has(i) || o.node.in[i].constant == nil {
		return nil
	}
	t := o.node.in[i].constant
	if t.dataType.dtype() != formats.F32 || len(t.data) > 4*maxElements {
		return nil
	}
	var scales []float32
	for e := range slices.Chunk(t.data, 4) {
		scales = append(scales, math.Float32frombits(binary.LittleEndian.Uint32(e)))
	}
	return scales
}

// scaled is a dimension times a factor, rounded down.
func scaled(d number, factor float64) number {
	product := math.Floor(float64(d.v) * factor)
	if d.state != known || !(product >= 0 && product < 1<<50) {
		return unfollowed(d)
	}
	return is(int64(product))
}

func topK(o *operation) []fact {
	x := o.input(0)
	k := o.input(1).scalar()
	if !o.has(1) {
		k = is(o.int("k", 0))
	}
	at, ok := axis(o.int("axis", -1), len(x.dims))
	if !x.ranked || !ok {
		return []fact{{fixed: x.fixed}, {fixed: x.fixed, width: 8}}
	}
	values := shaped(append([]number(nil), x.dims...)...)
	values.dims[at] = k
	indices := shaped(values.dims...)
	indices.width = 8
	return []fact{values, indices}
}

func random(o *operation) []fact {
	shape, ok := o.ints("shape")
	if !ok {
		return []fact{{}}
	}
	return []fact{shaped(constants(shape)...)}
}

// selected is how many of x's elements are taken, which depends on their values.
func (o *operation) selected(x fact) number {
	if !o.folds() {
		return number{state: onlyRun}
	}
	if n := product(x.dims); x.ranked && n.bounded() {
		return upTo(n.v)
	}
	return number{}
}

func nonZero(o *operation) []fact {
	x := o.input(0)
	out := shaped(number{}, o.selected(x))
	out.width = 8
	if x.ranked {
		out.dims[0] = is(int64(len(x.dims)))
	} else if x.fixed {
		out.dims[0] = number{state: onlyRun}
	}
	return []fact{out}
}

// atMostFlat has no more elements than the input.
func atMostFlat(o *operation) []fact {
	x := o.input(0)
	n := o.selected(x)
	if o.attribute("axis") != nil {
		dims := make([]number, len(x.dims))
		for i, d := range x.dims {
			dims[i] = d
			if a, ok := axis(o.int("axis", 0), len(x.dims)); !ok || a == i {
				dims[i] = n
				if d.bounded() && n.bounded() {
					dims[i] = upTo(d.v)
				}
			}
		}
		return []fact{{ranked: x.ranked, fixed: x.fixed, dims: dims}}
	}
	list := shaped(n)
	list.width = 8
	return []fact{shaped(n), list, list, list}
}

func nonMaxSuppression(o *operation) []fact {
	n := number{state: onlyRun}
	if o.folds() {
		n = number{}
	}
	out := shaped(n, is(3))
	out.width = 8
	return []fact{out}
}

func window(o *operation) []fact {
	out := shaped(o.input(0).scalar())
	out.width = 8
	return []fact{out}
}
