package onnx

import "strings"

// A set is of operators as node.operator names them; those of ai.onnx are
// written without their slash.
func set(names string) map[string]bool {
	m := map[string]bool{}
	for name := range strings.FieldsSeq(names) {
		m[qualified(name)] = true
	}
	return m
}

func qualified(name string) string {
	if !strings.Contains(name, "/") {
		return "/" + name
	}
	return name
}

// rules by domain and operator.
var rules = table(map[string]rule{
	// The shape of the first input.
	`Abs Acos Acosh Asin Asinh Atan Atanh BatchNormalization BitwiseNot BitCast CausalConvWithState Ceil Celu Clip Cos Cosh
	 CumProd CumSum Dropout Elu Erf Exp EyeLike Floor Gelu GroupNormalization HardSigmoid HardSwish Hardmax Identity
	 InstanceNormalization LRN LayerNormalization LeakyRelu Log LogSoftmax LpNormalization MeanVarianceNormalization
	 Mish Neg RMSNormalization RandomNormalLike RandomUniformLike Bernoulli Reciprocal Relu ReverseSequence RotaryEmbedding
	 Round Scatter ScatterElements ScatterND Selu Shrink Sigmoid Sign SimplifiedLayerNormalization Sin Sinh Softmax
	 Softplus Softsign Sqrt Swish Tan Tanh TensorScatter ThresholdedRelu Trilu Not
	 com.microsoft/BiasAdd com.microsoft/BiasGelu com.microsoft/BiasSoftmax com.microsoft/FastGelu com.microsoft/Gelu
	 com.microsoft/GroupNorm com.microsoft/QLinearLeakyRelu com.microsoft/QLinearSigmoid com.microsoft/QLinearSoftmax
	 com.microsoft/QuickGelu com.microsoft/RotaryEmbedding com.microsoft/SkipLayerNormalization com.microsoft/Trilu
	 com.microsoft/SkipSimplifiedLayerNormalization com.microsoft/MoE com.microsoft/QMoE`: sameAsFirst,
	`IsInf IsNaN QuantizeLinear com.microsoft/QuantizeLinear`: sameAsFirst,
	`DequantizeLinear com.microsoft/DequantizeLinear`:         dequantize,
	`DynamicQuantizeLinear`:                                   dynamicQuantize,
	`Cast CastLike`:                                           cast,

	// Shapes that stretch to each other.
	`Add Sub Mul Div Mod Max Min And Or Xor Equal Greater GreaterOrEqual Less LessOrEqual Where`: elementwise,
	`Pow PRelu Sum Mean BitShift BitwiseAnd BitwiseOr BitwiseXor SwiGLU`:                         elementwise,
	`com.microsoft/QLinearAdd com.microsoft/QLinearMul`:                                          quantizedElementwise,

	// Shapes of shapes.
	`Shape`:          shapeOf,
	`Size`:           sizeOf,
	`Gather`:         gather,
	`GatherElements`: gatherElements,
	`GatherND`:       gatherND,
	`Concat`:         concat,
	`Slice`:          slice,
	`Split`:          split,
	`Squeeze`:        squeeze,
	`Unsqueeze`:      unsqueeze,
	`Reshape`:        reshape,
	`Flatten`:        flatten,
	`Transpose`:      transpose,
	`DepthToSpace`:   depthToSpace,
	`SpaceToDepth`:   spaceToDepth,
	`ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare`: reduce,
	`ArgMax ArgMin`: argument,

	// Shapes from values.
	`ConstantOfShape`:            constantOfShape,
	`Expand`:                     expand,
	`Tile`:                       tile,
	`Range com.microsoft/Range`:  rangeOf,
	`Pad`:                        pad,
	`OneHot`:                     oneHot,
	`Resize Upsample`:            resize,
	`TopK`:                       topK,
	`RandomNormal RandomUniform`: random,
	`NonZero`:                    nonZero,
	`Compress Unique`:            atMostFlat,
	`NonMaxSuppression`:          nonMaxSuppression,
	`HannWindow HammingWindow BlackmanWindow`: window,

	// Products and windows.
	`MatMul MatMulInteger com.microsoft/FusedMatMul com.microsoft/MatMulIntegerToFloat com.microsoft/DynamicQuantizeMatMul`: matMul,
	`QLinearMatMul`:                            quantizedMatMul,
	`com.microsoft/MatMulNBits`:                matMulNBits,
	`Gemm com.microsoft/FusedGemm`:             gemm,
	`Conv ConvInteger com.microsoft/FusedConv`: conv,
	`QLinearConv`:                              quantizedConv,
	`ConvTranspose`:                            convTranspose,
	`AveragePool MaxPool LpPool`:               pool,
	`GlobalAveragePool GlobalMaxPool GlobalLpPool com.microsoft/QLinearGlobalAveragePool`: globalPool,
	`LSTM GRU RNN`: recurrent,
	`com.microsoft/Attention com.microsoft/QAttention com.microsoft/MultiHeadAttention com.microsoft/GroupQueryAttention com.microsoft/EmbedLayerNormalization`: leading,
})

func table(groups map[string]rule) map[string]rule {
	index := map[string]rule{}
	for names, r := range groups {
		for name := range strings.FieldsSeq(names) {
			index[qualified(name)] = r
		}
	}
	return index
}

// like is the shape of f, and nothing else of it.
func like(f fact) fact { return fact{ranked: f.ranked, fixed: f.fixed, dims: f.dims} }

func sameAsFirst(o *operation) []fact {
	out := like(o.input(0))
	x := o.input(0)
	if n, ok := x.count(); ok {
		for i := range n {
			out.elements = append(out.elements, unary(o.node.op, x.element(i)))
		}
	}
	return []fact{out}
}

// unary is the operators that computations of shapes use, on one number.
func unary(op string, n number) number {
	switch op {
	case "Identity", "Floor", "Ceil", "Round", "Dropout":
		return n
	case "Neg":
		return combine(is(0), n, subInt)
	case "Abs":
		return combine(n, is(0), func(a, _ int64) (int64, bool) { return max(a, -a), a != -a || a == 0 })
	case "Not":
		return combine(n, is(0), func(a, _ int64) (int64, bool) { return 1 - min(a, 1), a >= 0 })
	}
	return unfollowed(n)
}

// unfollowed is a number that depends on n in a way that is not followed.
func unfollowed(n number) number {
	if n.open() {
		return n
	}
	return number{}
}

func cast(o *operation) []fact {
	x := o.input(0)
	out := like(x)
	to := dataType(o.int("to", 0))
	out.width = max(int64(to.dtype().Bits()+7)/8, 1)
	if o.node.op == "CastLike" {
		out.width = o.input(1).width
	}
	if to == stringType || x.width >= textSize {
		out.width = max(textSize, x.width)
	}
	if n, ok := x.count(); ok {
		for i := range n {
			e := x.element(i)
			switch {
			case to == boolType && e.state == known && e.v != 0:
				e = is(1)
			case to != boolType && to != int32Type && to != int64Type:
				e = unfollowed(e) // other types compute otherwise
			}
			out.elements = append(out.elements, e)
		}
	}
	return []fact{out}
}

func dequantize(o *operation) []fact {
	out := like(o.input(0))
	out.width = max(o.input(1).width, 1)
	return []fact{out}
}

func dynamicQuantize(o *operation) []fact {
	return []fact{like(o.input(0)), shaped(), shaped()}
}

func elementwise(o *operation) []fact {
	out := broadcast(o.in...)
	switch o.node.op {
	case "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual":
		out.width = 1
	}
	n, ok := out.count()
	if !ok || len(out.dims) > 1 {
		return []fact{out}
	}
	for i := range n {
		operands := make([]number, len(o.in))
		for j, f := range o.in {
			operands[j] = f.element(i)
			if c, ok := f.count(); ok && c == 1 {
				operands[j] = f.element(0)
			}
		}
		out.elements = append(out.elements, nary(o.node.op, operands))
	}
	return []fact{out}
}

func quantizedElementwise(o *operation) []fact {
	return []fact{broadcast(o.input(0), o.input(3))}
}

// nary is the operators that computations of shapes use, on numbers.
func nary(op string, operands []number) number {
	if op == "Where" && len(operands) == 3 {
		switch c := operands[0]; {
		case c == is(0):
			return operands[2]
		case c.state == known:
			return operands[1]
		case c.open() && operands[1] != operands[2] && operands[1].state != anything && operands[2].state != anything:
			return number{state: onlyRun}
		}
		return either(operands[1], operands[2])
	}
	if f := onNumbers[op]; f != nil && len(operands) > 0 {
		result := operands[0]
		for _, b := range operands[1:] {
			result = f(result, b)
		}
		return result
	}
	for _, n := range operands {
		if n.open() {
			return n
		}
	}
	return number{}
}

var onNumbers = map[string]func(a, b number) number{
	"Add":            plus,
	"Mul":            times,
	"Sub":            exact(subInt),
	"Div":            exact(divInt),
	"Mod":            exact(modInt),
	"Max":            exact(func(a, b int64) (int64, bool) { return max(a, b), true }),
	"Min":            exact(func(a, b int64) (int64, bool) { return min(a, b), true }),
	"And":            exact(func(a, b int64) (int64, bool) { return min(a, b), true }),
	"Or":             exact(func(a, b int64) (int64, bool) { return max(a, b), true }),
	"Xor":            exact(func(a, b int64) (int64, bool) { return a ^ b, true }),
	"Equal":          truth(func(a, b int64) bool { return a == b }),
	"Greater":        truth(func(a, b int64) bool { return a > b }),
	"GreaterOrEqual": truth(func(a, b int64) bool { return a >= b }),
	"Less":           truth(func(a, b int64) bool { return a < b }),
	"LessOrEqual":    truth(func(a, b int64) bool { return a <= b }),
}

func exact(f func(a, b int64) (int64, bool)) func(a, b number) number {
	return func(a, b number) number { return combine(a, b, f) }
}

func truth(f func(a, b int64) bool) func(a, b number) number {
	return exact(func(a, b int64) (int64, bool) {
		if f(a, b) {
			return 1, true
		}
		return 0, true
	})
}
