package onnx

import (
	"fmt"
	"math"
)

func (a *folding) allow(size int64) {
	extra, ok := mulInt(size, foldAllowance)
	if sum, fits := addInt(a.budget, extra); ok && fits {
		a.budget = sum
	} else {
		a.budget = math.MaxInt64
	}
}

// charge accounts for work of so many bytes.
func (a *folding) charge(at int64, what fmt.Stringer, bytes number) {
	if !bytes.bounded() {
		a.fail(CodeFoldUnbounded, at, "%s folds into a tensor whose size cannot be bounded", what)
		return
	}
	sum, ok := addInt(a.work, bytes.v)
	if !ok || sum > a.budget {
		a.fail(CodeFoldSize, at, "%s folds into %d bytes, after %d; MaxFold and the tensors allow %d", what, bytes.v, a.work, a.budget)
		return
	}
	a.work = sum
}

// chargeNode accounts for one node that folds.
func (a *folding) chargeNode(n *node, in, out []fact, steps number) {
	read, written := is(0), is(0)
	for i, f := range in {
		if n.in[i] != nil && f.size().bounded() {
			read = plus(read, f.size())
		}
	}
	for i, f := range out {
		if i < len(n.out) && n.out[i] != nil {
			written = plus(written, f.size())
		}
	}
	a.charge(n.at, n, largest(written, read, steps))
}

// prepare accounts for the constants that a node which does not fold reads. The
// model pays for reading each once.
func (a *folding) prepare(n *node, in []fact) {
	for _, f := range in {
		size := f.size()
		if !f.folds || !size.bounded() {
			continue
		}
		sum, ok := addInt(a.read, size.v)
		if paid, fits := addInt(a.budget, a.work); !ok || fits && sum > paid {
			a.fail(CodeShared, n.at, "%s reads constants of %d bytes, after %d; MaxFold, the tensors and what folds allow %d", n, size.v, a.read, paid)
			return
		}
		a.read = sum
	}
}

// chargeAttributes accounts for the constants and lists of a function's node:
// every call of the function has copies of them.
func (a *folding) chargeAttributes(n *node, fr *frame) {
	if fr.attributes == nil {
		return
	}
	for _, at := range n.attributes {
		if at = fr.resolve(at); at != nil {
			a.charge(n.at, n, a.sizeOf(at))
		}
	}
}

// sizeOf is the number of bytes of an attribute without its graphs.
func (a *folding) sizeOf(at *attribute) number {
	size, counted := a.sizes[at]
	if counted {
		return size
	}
	size = is(int64(len(at.s) + 4*len(at.floats) + 8*len(at.ints)))
	for _, s := range at.strings {
		size = plus(size, is(textSize+int64(len(s))))
	}
	for _, t := range at.tensors {
		size = plus(size, factOf(t).size())
	}
	for _, s := range at.sparses {
		size = plus(size, s.denseSize())
	}
	a.sizes[at] = size
	return size
}

// denseSize is the number of bytes that the tensor has with all its zeros.
func (s *sparseTensor) denseSize() number {
	n, _ := elements(s.dims)
	return times(is(n), is(factOf(s.values).width))
}
