package onnx

// Which nodes compute on floats decides where they may run: shapes are worked
// out in integers and booleans, which the CPU may do for any device.
//
// Only what is known to be integral is: an operator that is in none of the sets
// below, a call of a function, a string, a sequence and a type of which nobody
// can say all count as floats.

// measures are the operators that read no element of their inputs.
var measures = set(`Shape Size`)

// decisions are the operators whose outputs are integral whatever they read.
var decisions = set(`And ArgMax ArgMin Equal Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual NonZero Not Or Xor`)

// conversions are the operators whose own attributes or inputs say what comes out.
var conversions = set(`Cast CastLike Constant ConstantOfShape`)

// arithmetic are the operators whose outputs are integral if all inputs are, and
// that computations of shapes use.
var arithmetic = set(`Abs Add BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Clip Compress Concat CumSum Div Expand
	Flatten Gather GatherElements GatherND Identity Max Min Mod Mul Neg OneHot Pad Pow Range ReduceMax ReduceMin ReduceProd
	ReduceSum Reshape ReverseSequence Scatter ScatterElements ScatterND Sign Slice Split Squeeze Sub Tile TopK Transpose
	Trilu Unique Unsqueeze Where`)

// markFloats marks the nodes of the main graph and its subgraphs.
func markFloats(g *graph) {
	for i, v := range g.ins {
		v.integral = g.inputs[i].typ.integral()
	}
	markNodes(g)
}

// markNodes follows the nodes in their order, in which every value comes before
// its uses.
func markNodes(g *graph) {
	for _, n := range g.nodes {
		outs := n.integralOuts()
		inputs, outputs := all(n.in, (*value).isIntegral), true
		for i, v := range n.out {
			if v != nil {
				v.integral = i < len(outs) && outs[i]
				outputs = outputs && v.integral
			}
		}
		n.floats = !outputs || !inputs && !measures[n.operator()] || !n.countsShapes()
	}
}

// countsShapes reports whether the operator is one of those with which shapes
// are computed.
func (n *node) countsShapes() bool {
	op := n.operator()
	return n.calls == nil && (measures[op] || decisions[op] || conversions[op] || arithmetic[op] || n.is("If") || n.is("Loop"))
}

// integralOuts says of each output whether it is known to be integral; of those
// beyond its end nothing is known. It marks the node's subgraphs.
func (n *node) integralOuts() []bool {
	if n.calls != nil {
		return nil
	}
	switch {
	case n.is("If"):
		then, other := n.subgraph("then_branch"), n.subgraph("else_branch")
		markFloats(then)
		markFloats(other)
		return both(then.integralOuts(), other.integralOuts())
	case n.is("Loop"):
		return n.integralLoop()
	}
	for _, a := range n.attributes {
		for _, g := range a.graphs {
			markNodes(g) // nothing is known of its inputs
		}
	}
	op := n.operator()
	known := measures[op] || decisions[op] || arithmetic[op] && all(n.in, (*value).isIntegral) || conversions[op] && n.convertsToIntegral()
	outs := make([]bool, len(n.out))
	for i := range outs {
		outs[i] = known
	}
	return outs
}

// integralLoop follows a Loop's body. What it carries keeps its type
// (https://onnx.ai/onnx/operators/onnx__Loop.html).
func (n *node) integralLoop() []bool {
	body := n.subgraph("body")
	for i, v := range body.ins {
		v.integral = i < 2 || n.in[i] != nil && n.in[i].isIntegral()
	}
	markNodes(body)
	return body.integralOuts()[1:]
}

// convertsToIntegral is what one of the conversions says of its output.
func (n *node) convertsToIntegral() bool {
	switch n.op {
	case "Cast":
		to := n.attribute("to")
		return to != nil && to.typ == intAttribute && dataType(to.i).integral()
	case "CastLike":
		return len(n.in) > 1 && n.in[1] != nil && n.in[1].isIntegral()
	case "ConstantOfShape":
		v := n.attribute("value")
		return v != nil && len(v.tensors) == 1 && v.tensors[0].dataType.integral()
	}
	a := n.attributes[0] // of a Constant, which has one
	return n.out[0].isIntegral() || a.typ == intAttribute || a.typ == intsAttribute
}

func (g *graph) integralOuts() []bool {
	outs := make([]bool, len(g.outs))
	for i, v := range g.outs {
		outs[i] = v.isIntegral()
	}
	return outs
}

func both(a, b []bool) []bool {
	list := make([]bool, min(len(a), len(b)))
	for i := range list {
		list[i] = a[i] && b[i]
	}
	return list
}

// all is true of values that are left out.
func all(values []*value, is func(*value) bool) bool {
	for _, v := range values {
		if v != nil && !is(v) {
			return false
		}
	}
	return true
}

func (v *value) isIntegral() bool {
	switch {
	case v.constant != nil:
		return v.constant.dataType.integral()
	case v.sparse != nil:
		return v.sparse.values.dataType.integral()
	}
	return v.integral
}

func (t *valueType) integral() bool {
	return t != nil && t.form == "tensor_type" && t.elem.integral()
}
