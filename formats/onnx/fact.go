package onnx

import (
	"encoding/binary"
	"slices"
)

// maxElements is how many elements of an integer tensor are followed. Shapes
// and what is computed from them have a handful.
const maxElements = 128

// A fact is what is known of a value before a run.
type fact struct {
	folds bool // it depends on constants alone: a runtime may compute it when it creates a session

	ranked bool
	dims   []number // if ranked
	fixed  bool     // if not ranked: not even the rank can be known before a run

	elements []number // of a small integer or bool tensor; nil if they are not followed
	partial  bool     // a runtime may follow some elements where they are not followed here
	width    int64    // bytes of an element, of the longest one if it is text
}

// element is the i-th one, whether or not elements are followed, and what can be
// said of any of them for an i that is none.
func (f fact) element(i int) number {
	switch {
	case i >= 0 && i < len(f.elements):
		return f.elements[i]
	case f.elements == nil && !f.folds && !f.partial:
		return number{state: onlyRun}
	}
	return number{}
}

// open reports whether there is an element that only a run knows.
func (f fact) open() bool {
	return f.element(-1).open() || slices.ContainsFunc(f.elements, number.open)
}

// dim is the i-th dimension; a negative i counts from the last.
func (f fact) dim(i int) number {
	if i < 0 {
		i += len(f.dims)
	}
	switch {
	case f.ranked && i >= 0 && i < len(f.dims):
		return f.dims[i]
	case !f.ranked && f.fixed:
		return number{state: onlyRun}
	}
	return number{}
}

// size is the number of bytes. A runtime refuses negative dimensions, whose
// product must not pay for anything here.
func (f fact) size() number {
	if !f.ranked {
		return number{}
	}
	for _, d := range f.dims {
		if d.state == known && d.v < 0 {
			return is(0)
		}
	}
	return times(product(f.dims), is(max(f.width, 1)))
}

// count is how many elements there are, if that is few.
func (f fact) count() (int, bool) {
	n := product(f.dims)
	return int(n.v), f.ranked && n.state == known && n.v >= 0 && n.v <= maxElements
}

// scalar is a fact of rank 0 or a vector of one element.
func (f fact) scalar() number {
	if n, ok := f.count(); ok && n == 1 {
		return f.element(0)
	}
	if f.folds || f.partial {
		return number{}
	}
	return number{state: onlyRun}
}

// vector lists the elements of a tensor of rank 1; it is false if even their
// number is unknown.
func (f fact) vector() ([]number, bool) {
	n, ok := f.count()
	if !ok || len(f.dims) != 1 {
		return nil, false
	}
	list := make([]number, n)
	for i := range list {
		list[i] = f.element(i)
	}
	return list, true
}

// ints lists the elements of a tensor if all are known.
func (f fact) ints() ([]int64, bool) {
	n, ok := f.count()
	if !ok {
		return nil, false
	}
	list := make([]int64, n)
	for i := range list {
		e := f.element(i)
		if e.state != known {
			return nil, false
		}
		list[i] = e.v
	}
	return list, true
}

func shaped(dims ...number) fact { return fact{ranked: true, dims: dims} }

// opaque is a fact of a value of which only its being run-time can be said.
func opaque() fact { return fact{width: 8} }

func constants(dims []int64) []number {
	list := make([]number, len(dims))
	for i, d := range dims {
		list[i] = is(d)
	}
	return list
}

// factOf is what is known of a constant: everything.
func factOf(t *tensor) fact {
	f := fact{folds: true, ranked: true, dims: constants(t.dims), width: int64(t.dataType.dtype().Bits()+7) / 8}
	if t.dataType == stringType {
		f.width = textWidth(t.text)
	}
	n, ok := f.count()
	width := map[dataType]int{boolType: 1, int32Type: 4, int64Type: 8}[t.dataType]
	if !ok || width == 0 || len(t.data) != n*width {
		return f
	}
	f.elements = make([]number, 0, n)
	for e := range slices.Chunk(t.data, width) {
		switch width {
		case 1:
			f.elements = append(f.elements, is(int64(e[0])))
		case 4:
			f.elements = append(f.elements, is(int64(int32(binary.LittleEndian.Uint32(e)))))
		case 8:
			f.elements = append(f.elements, is(int64(binary.LittleEndian.Uint64(e))))
		}
	}
	return f
}

// textSize is what a runtime takes for a string beside its bytes.
const textSize = 32

// textWidth is what the longest of the strings takes: whoever repeats one may
// repeat that.
func textWidth(list [][]byte) int64 {
	longest := 0
	for _, s := range list {
		longest = max(longest, len(s))
	}
	return textSize + int64(longest)
}

// factOfType is what a declared type says: its open dimensions only a run knows.
func factOfType(t *valueType) fact {
	if t == nil || t.form != "tensor_type" || !t.hasShape {
		return fact{fixed: true, width: 8}
	}
	f := fact{ranked: true, width: max(int64(t.elem.dtype().Bits()+7)/8, 1)}
	for _, d := range t.shape {
		if d.size >= 0 {
			f.dims = append(f.dims, is(d.size))
		} else {
			f.dims = append(f.dims, number{state: onlyRun})
		}
	}
	return f
}

// merge is what is known of a value that is a or b.
func merge(a, b fact) fact {
	m := fact{folds: a.folds || b.folds, partial: a.partial || b.partial, width: max(a.width, b.width)}
	if !a.ranked || !b.ranked || len(a.dims) != len(b.dims) {
		m.fixed = a.fixed && b.fixed
		return m
	}
	m.ranked = true
	for i := range a.dims {
		m.dims = append(m.dims, either(a.dims[i], b.dims[i]))
	}
	if n, ok := m.count(); ok && a.elements != nil && b.elements != nil {
		for i := range n {
			m.elements = append(m.elements, either(a.element(i), b.element(i)))
		}
	}
	return m
}
