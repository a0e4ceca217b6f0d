package onnx

// Rules of operators that move, take or count elements: what shapes of shapes
// are made of.

func shapeOf(o *operation) []fact {
	x := o.input(0)
	if !x.ranked {
		rank := upTo(maxRank)
		if x.fixed {
			rank = number{state: onlyRun}
		}
		out := shaped(rank)
		out.width = 8
		return []fact{out}
	}
	asked := o.asked(x)
	out := shaped(is(int64(len(asked))))
	out.width, out.elements = 8, append([]number(nil), asked...)
	return []fact{out}
}

func sizeOf(o *operation) []fact {
	x := o.input(0)
	out := shaped()
	out.width = 8
	switch {
	case x.ranked:
		out.elements = []number{product(x.dims)}
	case x.fixed:
		out.elements = []number{{state: onlyRun}}
	}
	return []fact{out}
}

func gather(o *operation) []fact {
	x, indices := o.input(0), o.input(1)
	at, ok := axis(o.int("axis", 0), len(x.dims))
	if !x.ranked || !indices.ranked || !ok {
		return []fact{{fixed: x.fixed || indices.fixed}}
	}
	var dims []number
	dims = append(dims, x.dims[:at]...)
	dims = append(dims, indices.dims...)
	dims = append(dims, x.dims[at+1:]...)
	out := shaped(dims...)
	out.width = x.width
	if list, ok := indices.ints(); ok && len(x.dims) == 1 {
		total, counted := x.count()
		for _, i := range list {
			if i < 0 {
				i += int64(total)
			}
			e := number{}
			if counted && i >= 0 && i < int64(total) {
				e = x.element(int(i))
			}
			out.elements = append(out.elements, e)
		}
	}
	return []fact{out}
}

func gatherElements(o *operation) []fact {
	out := like(o.input(1))
	out.width = o.input(0).width
	return []fact{out}
}

func gatherND(o *operation) []fact {
	x, indices := o.input(0), o.input(1)
	last := indices.dim(-1)
	batch := o.int("batch_dims", 0)
	if !x.ranked || !indices.ranked || last.state != known || batch < 0 || last.v < 0 || len(indices.dims) == 0 || batch > int64(len(x.dims)) || last.v > int64(len(x.dims))-batch {
		return []fact{{}}
	}
	dims := append([]number(nil), indices.dims[:len(indices.dims)-1]...)
	out := shaped(append(dims, x.dims[batch+last.v:]...)...)
	out.width = x.width
	return []fact{out}
}

func concat(o *operation) []fact {
	first := o.input(0)
	at, ok := axis(o.int("axis", 1), len(first.dims))
	if !first.ranked || !ok {
		return []fact{{fixed: first.fixed}}
	}
	out := shaped(append([]number(nil), first.dims...)...)
	out.dims[at] = is(0)
	for i, f := range o.in {
		if !o.has(i) || !f.ranked || len(f.dims) != len(first.dims) {
			return []fact{{fixed: f.fixed}}
		}
		for j, d := range f.dims {
			switch have := out.dims[j]; {
			case j == at:
				out.dims[at] = plus(have, d)
			case have.state != known:
				out.dims[j] = sameDim(have, d)
			case d.state == known && d != have:
				return []fact{{}} // no runtime joins these
			}
		}
		if list, ok := f.vector(); ok {
			out.elements = append(out.elements, list...)
		}
	}
	return []fact{out}
}

// sameDim is what is known of a dimension that two operands agree on.
func sameDim(a, b number) number {
	if b.state == known || a.open() && b.state != onlyRun {
		return b
	}
	return a
}

func slice(o *operation) []fact {
	x := o.input(0)
	if !x.ranked {
		return []fact{{fixed: x.fixed}}
	}
	out := shaped(append([]number(nil), x.dims...)...)
	starts, ends, axes, steps, ok := o.bounds(len(x.dims))
	if !ok {
		// What is not known may be cut from any dimension.
		for i, d := range out.dims {
			out.dims[i] = o.cut(d)
		}
		return []fact{out}
	}
	for i, a := range axes {
		at, valid := axis(a, len(x.dims))
		if !valid || steps[i] == 0 {
			return []fact{{}}
		}
		d := x.dims[at]
		if d.state != known {
			out.dims[at] = d // at most as much
			continue
		}
		from, count := span(d.v, starts[i], ends[i], steps[i])
		out.dims[at] = is(count)
		if n, small := x.count(); small && len(x.dims) == 1 && len(axes) == 1 {
			for k := range count {
				if j := from + k*steps[i]; j >= 0 && j < int64(n) {
					out.elements = append(out.elements, x.element(int(j)))
				}
			}
		}
	}
	return []fact{out}
}

// cut is a dimension of which nobody knows how much is taken.
func (o *operation) cut(d number) number {
	for i := 1; i < len(o.in); i++ {
		if o.has(i) && o.in[i].open() {
			return number{state: onlyRun}
		}
	}
	if d.bounded() {
		return upTo(d.v)
	}
	return unfollowed(d)
}

// span is where a slice of a dimension begins, and how many elements it takes.
func span(d, start, end, step int64) (from, count int64) {
	least, most := int64(0), d
	if step < 0 {
		least, most = -1, d-1
	}
	clamp := func(v int64) int64 {
		if v < 0 {
			v += d
			if step < 0 && v < -1 {
				v = -1
			}
		}
		return min(max(v, least), most)
	}
	from, to := clamp(start), clamp(end)
	switch {
	case step > 0 && to > from:
		return from, (to-from-1)/step + 1
	case step < 0 && from > to && step != -1<<63:
		return from, (from-to-1)/-step + 1
	}
	return from, 0
}

// bounds are the arguments of a Slice, as attributes or as inputs.
func (o *operation) bounds(rank int) (starts, ends, axes, steps []int64, ok bool) {
	var okStarts, okEnds bool
	if starts, okStarts = o.ints("starts"); okStarts {
		ends, okEnds = o.ints("ends")
		if axes, ok = o.ints("axes"); !ok {
			axes = upward(len(starts))
		}
		ok = okEnds
	} else {
		starts, okStarts = o.input(1).ints()
		ends, okEnds = o.input(2).ints()
		axes, ok = upward(len(starts)), true
		if o.has(3) {
			axes, ok = o.in[3].ints()
		}
		ok = ok && okStarts && okEnds
		if ok && o.has(4) {
			steps, ok = o.in[4].ints()
		}
	}
	if steps == nil {
		for range starts {
			steps = append(steps, 1)
		}
	}
	ok = ok && len(ends) == len(starts) && len(axes) == len(starts) && len(steps) == len(starts)
	return starts, ends, axes, steps, ok
}

func upward(n int) []int64 {
	list := make([]int64, n)
	for i := range list {
		list[i] = int64(i)
	}
	return list
}

func split(o *operation) []fact {
	x := o.input(0)
	at, ok := axis(o.int("axis", 0), len(x.dims))
	out := make([]fact, len(o.node.out))
	sizes, given := o.ints("split")
	if !given && o.has(1) {
		sizes, given = o.in[1].ints()
		if !given {
			sizes, given = nil, true
		}
	}
	for i := range out {
		if !x.ranked || !ok {
			out[i] = fact{fixed: x.fixed}
			continue
		}
		out[i] = shaped(append([]number(nil), x.dims...)...)
		d := x.dims[at]
		switch {
		case i < len(sizes):
			out[i].dims[at] = is(sizes[i])
		case given:
			out[i].dims[at] = number{}
		case d.bounded():
			n := int64(len(out))
			out[i].dims[at] = upTo((d.v + n - 1) / n)
			if d.state == known && d.v%n == 0 {
				out[i].dims[at] = is(d.v / n)
			}
		}
	}
	return out
}

func squeeze(o *operation) []fact {
	x := o.input(0)
	axes, given, ok := o.axes(1)
	if !x.ranked || !ok {
		return []fact{{fixed: x.fixed}}
	}
	gone := make([]bool, len(x.dims))
	for _, a := range axes {
		at, valid := axis(a, len(x.dims))
		if !valid {
			return []fact{{}}
		}
		gone[at] = true
	}
	out := shaped()
	for i, d := range x.dims {
		if !given {
			if d.state != known {
				return []fact{{fixed: d.open()}}
			}
			gone[i] = d.v == 1
		}
		if !gone[i] {
			out.dims = append(out.dims, d)
		}
	}
	out.elements = x.elements
	return []fact{out}
}

func unsqueeze(o *operation) []fact {
	x := o.input(0)
	axes, _, ok := o.axes(1)
	if !x.ranked || !ok {
		return []fact{{fixed: x.fixed}}
	}
	rank := len(x.dims) + len(axes)
	dims := make([]number, rank)
	added := make([]bool, rank)
	for _, a := range axes {
		at, valid := axis(a, rank)
		if !valid || added[at] {
			return []fact{{}}
		}
		added[at], dims[at] = true, is(1)
	}
	next := 0
	for i := range dims {
		if !added[i] {
			dims[i] = x.dims[next]
			next++
		}
	}
	out := shaped(dims...)
	out.elements = x.elements
	return []fact{out}
}

func reshape(o *operation) []fact {
	x := o.input(0)
	target, ok := o.target()
	if !ok {
		return []fact{{fixed: !o.input(1).folds && o.input(1).dim(0).open(), width: x.width}}
	}
	out := shaped(make([]number, len(target))...)
	out.width = x.width
	rest := is(1) // of the target, without the dimension that is inferred and those that are taken over
	kept := map[int]bool{}
	inferred := -1
	for i, t := range target {
		switch {
		case t == is(0) && o.int("allowzero", 0) == 0:
			out.dims[i] = x.dim(i)
			if i < len(x.dims) {
				kept[i] = true
			}
			continue
		case t == is(-1):
			inferred = i
			continue
		}
		out.dims[i] = t
		rest = times(rest, t)
	}
	if inferred >= 0 {
		out.dims[inferred] = o.inferred(x, kept, rest)
	}
	if n, counted := out.count(); counted && x.elements != nil && n == len(x.elements) {
		out.elements = x.elements
	}
	return []fact{out}
}

// target is the shape that a Reshape asks for; it is false if not even its rank
// is known.
func (o *operation) target() ([]number, bool) {
	if list, ok := o.ints("shape"); ok {
		return constants(list), true
	}
	return o.input(1).vector()
}

// inferred is the dimension that a Reshape leaves to its input's size.
func (o *operation) inferred(x fact, kept map[int]bool, rest number) number {
	if !x.ranked {
		return unfollowed(x.dim(0))
	}
	total := is(1)
	for i, d := range x.dims {
		if !kept[i] {
			total = times(total, d)
		}
	}
	switch {
	case total.state == known && rest.state == known && rest.v > 0:
		return is(total.v / rest.v)
	case total.bounded() && total.v >= 0:
		return upTo(total.v)
	}
	return combine(total, rest, divInt)
}

func flatten(o *operation) []fact {
	x := o.input(0)
	if !x.ranked {
		d := unfollowed(x.dim(0))
		return []fact{shaped(d, d)}
	}
	at := clampAxis(o.int("axis", 1), int64(len(x.dims)))
	return []fact{shaped(product(x.dims[:at]), product(x.dims[at:]))}
}

func transpose(o *operation) []fact {
	x := o.input(0)
	if !x.ranked {
		return []fact{{fixed: x.fixed}}
	}
	perm, given := o.ints("perm")
	out := shaped(make([]number, len(x.dims))...)
	for i := range out.dims {
		from := len(x.dims) - 1 - i
		if given {
			if i >= len(perm) || perm[i] < 0 || perm[i] >= int64(len(x.dims)) {
				return []fact{{}}
			}
			from = int(perm[i])
		}
		out.dims[i] = x.dims[from]
	}
	if len(x.dims) < 2 {
		out.elements = x.elements
	}
	return []fact{out}
}

func depthToSpace(o *operation) []fact {
	return o.blocks(func(d, b int64) (int64, bool) { return mulInt(d, b) }, divInt)
}

func spaceToDepth(o *operation) []fact { return o.blocks(divInt, mulInt) }

// blocks moves elements between the channels and the two spatial dimensions.
func (o *operation) blocks(space, depth func(a, b int64) (int64, bool)) []fact {
	x, b := o.input(0), is(o.int("blocksize", 0))
	if !x.ranked || len(x.dims) != 4 {
		return []fact{{fixed: x.fixed}}
	}
	return []fact{shaped(x.dims[0], combine(combine(x.dims[1], b, depth), b, depth), combine(x.dims[2], b, space), combine(x.dims[3], b, space))}
}
