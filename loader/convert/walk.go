package convert

import (
	"cmp"
	"slices"
)

// A walk puts the elements of a view, which lie in any order, one behind the
// other.
type walk struct {
	dst  []byte
	size int64  // bytes of an element
	axes []axis // by the distance of their elements, the farthest first

	from []byte // the bytes at hand
	at   int64  // where they lie behind the view's first byte
}

// An axis is a dimension in both orders.
type axis struct {
	dim
	step int64 // from an element to the next in dst
	rest int64 // from the first element to the last of the axes behind
}

func newWalk(v *view, dst []byte) *walk {
	w := &walk{dst: dst, size: v.size, axes: make([]axis, len(v.dims))}
	step := v.size
	for i := len(v.dims) - 1; i >= 0; i-- {
		w.axes[i] = axis{dim: v.dims[i], step: step}
		step *= v.dims[i].count
	}
	slices.SortStableFunc(w.axes, func(a, b axis) int { return cmp.Compare(b.stride, a.stride) })
	rest := int64(0)
	for i := len(w.axes) - 1; i >= 0; i-- {
		a := &w.axes[i]
		a.rest = rest
		rest += (a.count - 1) * a.stride
	}
	return w
}

// nested reports whether the elements of each axis lie apart by more than the
// axes behind it reach. Then every byte belongs to a bounded number of boxes,
// and the walk can be taken in chunks.
func (w *walk) nested() bool {
	return !slices.ContainsFunc(w.axes, func(a axis) bool { return a.stride < a.rest })
}

// copy puts the elements in their place that lie in b, which holds whole
// elements and lies at bytes behind the first one.
func (w *walk) copy(at int64, b []byte) {
	w.at, w.from = at, b
	w.walk(w.axes, 0, 0)
}

// walk goes along the first of axes, from elements that lie at from and belong
// at to.
func (w *walk) walk(axes []axis, from, to int64) {
	if len(axes) == 0 {
		copy(w.dst[to:to+w.size], w.from[from-w.at:])
		return
	}
	a := &axes[0]
	first, last := w.reach(a, from)
	if len(axes) == 1 {
		w.line(a, from, to, first, last)
		return
	}
	begin, end := last+1, last+1
	if b := &axes[1]; len(axes) == 2 && b.step > a.step { // the order of dst is the other way round
		begin, end = w.whole(a, from, first, last)
		for j := int64(0); j < b.count && begin < end; j++ {
			w.line(a, from+j*b.stride, to+j*b.step, begin, end-1)
		}
	}
	for i := first; i < begin; i++ {
		w.walk(axes[1:], from+i*a.stride, to+i*a.step)
	}
	for i := end; i <= last; i++ {
		w.walk(axes[1:], from+i*a.stride, to+i*a.step)
	}
}

// whole is which of the elements first to last of an axis lie, with all of the
// axes behind it, in the bytes at hand: up to end.
func (w *walk) whole(a *axis, from, first, last int64) (begin, end int64) {
	at := func(i int64) int64 { return from + i*a.stride }
	for begin = first; begin <= last && at(begin) < w.at; begin++ {
	}
	for end = last + 1; end > begin && at(end-1)+a.rest+w.size > w.at+int64(len(w.from)); end-- {
	}
	return begin, end
}

// reach is which elements of an axis lie, in part at least, in the bytes at hand.
func (w *walk) reach(a *axis, from int64) (first, last int64) {
	begin, end := w.at-from, w.at+int64(len(w.from))-from // of the bytes at hand
	if a.stride == 0 {
		if a.rest < begin || end <= 0 {
			return 0, -1
		}
		return 0, a.count - 1
	}
	if before := begin - a.rest; before > 0 {
		first = (before + a.stride - 1) / a.stride
	}
	if end <= 0 {
		return 0, -1
	}
	return first, min((end-1)/a.stride, a.count-1)
}

// line copies the elements first to last of the last axis.
func (w *walk) line(a *axis, from, to, first, last int64) {
	if first > last {
		return
	}
	src, dst := w.from[from+first*a.stride-w.at:], w.dst[to+first*a.step:]
	n := last - first + 1
	if a.stride == w.size && a.step == w.size {
		copy(dst, src[:n*w.size])
		return
	}
	switch w.size {
	case 1:
		for i := range n {
			dst[i*a.step] = src[i*a.stride]
		}
	case 2:
		for i := range n {
			*(*[2]byte)(dst[i*a.step:]) = [2]byte(src[i*a.stride:])
		}
	case 4:
		for i := range n {
			*(*[4]byte)(dst[i*a.step:]) = [4]byte(src[i*a.stride:])
		}
	case 8:
		for i := range n {
			*(*[8]byte)(dst[i*a.step:]) = [8]byte(src[i*a.stride:])
		}
	}
}
