package onnx

// Rules of products, convolutions and recurrent layers.

func matMul(o *operation) []fact {
	a, b := o.input(0), o.input(1)
	if o.int("transA", 0)|o.int("transB", 0)|o.int("transBatchA", 0)|o.int("transBatchB", 0) != 0 {
		return []fact{{}}
	}
	return []fact{multiplied(a, b)}
}

func multiplied(a, b fact) fact {
	if !a.ranked || !b.ranked || len(a.dims) == 0 || len(b.dims) == 0 {
		return fact{fixed: a.fixed || b.fixed, width: max(a.width, b.width, 4)}
	}
	rows, columns := a.dims[:len(a.dims)-1], b.dims[len(b.dims)-1:]
	if len(b.dims) == 1 {
		columns = nil
	}
	var dims []number
	if len(a.dims) == 1 {
		dims = append(dims, b.dims[:max(len(b.dims)-2, 0)]...)
	} else {
		batch, ok := stretch(rows[:len(rows)-1], b.dims[:max(len(b.dims)-2, 0)])
		if !ok {
			return fact{}
		}
		dims = append(batch, rows[len(rows)-1])
	}
	out := shaped(append(dims, columns...)...)
	out.width = max(a.width, b.width, 4)
	return out
}

func quantizedMatMul(o *operation) []fact { return []fact{multiplied(o.input(0), o.input(3))} }

func matMulNBits(o *operation) []fact {
	x := o.input(0)
	if !x.ranked || len(x.dims) == 0 {
		return []fact{{fixed: x.fixed}}
	}
	out := shaped(append([]number(nil), x.dims...)...)
	out.dims[len(out.dims)-1] = is(o.int("N", 0))
	return []fact{out}
}

func gemm(o *operation) []fact {
	a, b := o.input(0), o.input(1)
	rows, columns := a.dim(0), b.dim(1)
	if o.int("transA", 0) != 0 {
		rows = a.dim(1)
	}
	if o.int("transB", 0) != 0 {
		columns = b.dim(0)
	}
	return []fact{shaped(rows, columns)}
}

func conv(o *operation) []fact          { return o.convolved(o.input(0), o.input(1)) }
func quantizedConv(o *operation) []fact { return o.convolved(o.input(0), o.input(3)) }

func (o *operation) convolved(x, w fact) []fact {
	if !x.ranked || len(x.dims) < 3 {
		return []fact{{fixed: x.fixed, width: 4}}
	}
	out := shaped(x.dims[0], w.dim(0))
	for i := range x.dims[2:] {
		out.dims = append(out.dims, o.windows(x.dims[i+2], w.dim(i+2), i, len(x.dims)-2))
	}
	out.width = max(x.width, 4)
	return []fact{out}
}

func pool(o *operation) []fact {
	x := o.input(0)
	kernel, ok := o.ints("kernel_shape")
	if !x.ranked || len(x.dims) < 3 || !ok || len(kernel) != len(x.dims)-2 {
		return []fact{{fixed: x.fixed}, {fixed: x.fixed, width: 8}}
	}
	out := shaped(x.dims[0], x.dims[1])
	for i := range kernel {
		out.dims = append(out.dims, o.windows(x.dims[i+2], is(kernel[i]), i, len(kernel)))
	}
	indices := out
	indices.width = 8
	return []fact{out, indices}
}

// windows is how often a kernel fits into a spatial dimension.
func (o *operation) windows(d, kernel number, i, spatial int) number {
	if d.open() {
		return d
	}
	stride, dilation := o.nth("strides", i, 1), o.nth("dilations", i, 1)
	if d.state != known || kernel.state != known || stride < 1 || dilation < 1 || d.v < 0 || d.v > 1<<40 || kernel.v < 1 || kernel.v > 1<<20 || dilation > 1<<20 || stride > 1<<40 {
		return number{}
	}
	reach := (kernel.v-1)*dilation + 1
	total := d.v
	switch o.string("auto_pad") {
	case "SAME_UPPER", "SAME_LOWER":
		return is((d.v + stride - 1) / stride)
	case "", "NOTSET":
		before, after := o.nth("pads", i, 0), o.nth("pads", i+spatial, 0)
		if before < 0 || after < 0 || before > 1<<40 || after > 1<<40 {
			return number{}
		}
		total += before + after
	}
	if o.int("ceil_mode", 0) != 0 {
		return upTo(max((total-reach+stride-1)/stride+1, 0))
	}
	return is(max((total-reach)/stride+1, 0))
}

func (o *operation) nth(name string, i int, absent int64) int64 {
	if list, ok := o.ints(name); ok && i < len(list) {
		return list[i]
	}
	return absent
}

func convTranspose(o *operation) []fact {
	x, w := o.input(0), o.input(1)
	if !x.ranked || len(x.dims) < 3 {
		return []fact{{fixed: x.fixed}}
	}
	out := shaped(x.dims[0], times(w.dim(1), is(o.int("group", 1))))
	for _, d := range x.dims[2:] {
		out.dims = append(out.dims, unfollowed(d))
	}
	return []fact{out}
}

func globalPool(o *operation) []fact {
	x := o.input(0)
	if !x.ranked || len(x.dims) < 2 {
		return []fact{{fixed: x.fixed}}
	}
	out := shaped(x.dims[0], x.dims[1])
	for range x.dims[2:] {
		out.dims = append(out.dims, is(1))
	}
	return []fact{out}
}

// recurrent is the outputs Y, Y_h and Y_c of [steps, batch, input] or, by
// layout, [batch, steps, input].
func recurrent(o *operation) []fact {
	x, w := o.input(0), o.input(1)
	steps, batch := x.dim(0), x.dim(1)
	hidden := is(o.int("hidden_size", 0))
	directions := w.dim(0)
	if o.int("layout", 0) != 0 {
		last := shaped(steps, directions, hidden) // the first dimension is the batch
		return []fact{shaped(steps, batch, directions, hidden), last, last}
	}
	last := shaped(directions, batch, hidden)
	return []fact{shaped(steps, directions, batch, hidden), last, last}
}

// leading keeps the first two dimensions, as attention does.
func leading(o *operation) []fact {
	x := o.input(0)
	if !x.ranked || len(x.dims) < 2 {
		return []fact{{fixed: x.fixed}}
	}
	return []fact{shaped(x.dims[0], x.dims[1], number{})}
}
