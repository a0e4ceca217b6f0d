package onnx

// stepSize is what a step of an operator counts as, in bytes: runtimes may lay
// out a copy of what each step reads, as convolutions of integers do.
const stepSize = 4

// steps is how many elements an operator multiplies, compares or sorts where
// that is more than it reads and writes. The zero number is of an operator of
// which nobody can say.
func (o *operation) steps(out []fact) number {
	x := o.input(0)
	written := is(0)
	if len(out) > 0 {
		written = product(out[0].dims)
	}
	switch o.node.op {
	case "Conv", "ConvInteger", "FusedConv", "CausalConvWithState":
		return times(written, o.input(1).kernel())
	case "QLinearConv":
		return times(written, o.input(3).kernel())
	case "ConvTranspose":
		return times(product(x.dims), o.input(1).kernel())
	case "AveragePool", "MaxPool", "LpPool":
		window, _ := o.ints("kernel_shape")
		return times(written, product(constants(window)))
	case "LRN":
		return times(written, is(o.int("size", 0)))
	case "MatMul", "MatMulInteger", "FusedMatMul", "MatMulIntegerToFloat", "DynamicQuantizeMatMul", "QLinearMatMul", "MatMulNBits":
		return times(written, x.dim(-1))
	case "Gemm", "FusedGemm":
		if o.int("transA", 0) != 0 {
			return times(written, x.dim(0))
		}
		return times(written, x.dim(1))
	case "LSTM", "GRU", "RNN":
		weights := plus(product(o.input(1).dims), product(o.input(2).dims))
		return times(times(x.dim(0), x.dim(1)), weights)
	case "Unique": // in a search tree
		return times(product(x.dims), is(32))
	case "MoE", "QMoE":
		return number{}
	}
	return is(0)
}

// kernel is how many elements of a convolution's weight one output reads.
func (f fact) kernel() number {
	if !f.ranked || len(f.dims) < 2 {
		return number{}
	}
	return product(f.dims[1:])
}
