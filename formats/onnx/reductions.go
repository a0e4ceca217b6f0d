package onnx

// Rules of operators that fold dimensions away.

func reduce(o *operation) []fact {
	x := o.input(0)
	axes, given, ok := o.axes(1)
	keep := o.int("keepdims", 1) != 0
	switch {
	case !x.ranked:
		return []fact{{fixed: x.fixed}}
	case ok && len(axes) == 0 && o.int("noop_with_empty_axes", 0) != 0:
		return []fact{like(x)}
	case !ok && keep:
		out := shaped(append([]number(nil), x.dims...)...)
		for i, d := range out.dims {
			out.dims[i] = unfollowed(d)
			if d.bounded() {
				out.dims[i] = upTo(max(d.v, 1))
			}
		}
		return []fact{out}
	case !ok:
		return []fact{{}}
	}
	all := !given || len(axes) == 0
	return []fact{o.reduced(x, axes, all, keep)}
}

func (o *operation) reduced(x fact, axes []int64, all, keep bool) fact {
	gone := make([]bool, len(x.dims))
	for _, a := range axes {
		at, valid := axis(a, len(x.dims))
		if !valid {
			return fact{}
		}
		gone[at] = true
	}
	out := shaped()
	for i, d := range x.dims {
		switch {
		case !all && !gone[i]:
			out.dims = append(out.dims, d)
		case keep:
			out.dims = append(out.dims, is(1))
		}
	}
	if n, ok := out.count(); ok && n == 1 {
		out.elements = []number{o.reducedElement(x)}
	}
	return out
}

// reducedElement is the product of all elements, which shapes are multiplied by.
func (o *operation) reducedElement(x fact) number {
	n, ok := x.count()
	if o.node.op != "ReduceProd" || !ok {
		return x.element(-1)
	}
	p := is(1)
	for i := range n {
		p = times(p, x.element(i))
	}
	return p
}

func argument(o *operation) []fact {
	x := o.input(0)
	if !x.ranked {
		return []fact{{fixed: x.fixed, width: 8}}
	}
	out := o.reduced(x, []int64{o.int("axis", 0)}, false, o.int("keepdims", 1) != 0)
	out.width, out.elements = 8, nil
	return []fact{out}
}
