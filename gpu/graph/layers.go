package graph

import (
	"fmt"
	"math"
	"slices"
)

// What transformer encoders are composed of. A part is named like the node that
// gives its value, and takes its tensors by the names that PyTorch's modules give
// them. Between the parts, hidden states are [batch·sequence, width].

// lookup is the rows of an embedding table: torch.nn.Embedding.
func (a *assembly) lookup(name, module string, rows, width int64, ids string) string {
	table, dtype := a.raw(module+".weight", rows, width)
	return a.single(a.add(name, "Gather", []string{table, ids}), dtype)
}

// linear is x·Wᵀ + b: torch.nn.Linear, its weight as it was saved.
func (a *assembly) linear(name, module, x string, in, out int64) string {
	weight, bias := a.parameter(module+".weight", out, in), a.parameter(module+".bias", out)
	return a.add(name, "Gemm", []string{x, weight, bias}, integer("transB", 1))
}

// normalize is torch.nn.LayerNorm over the last dimension. Checkpoints that come
// from TensorFlow call its tensors gamma and beta.
func (a *assembly) normalize(name, module, x string, width int64, epsilon float32) string {
	weight, bias := module+".weight", module+".bias"
	if !a.has(a.prefix+weight) && a.has(a.prefix+module+".gamma") {
		weight, bias = module+".gamma", module+".beta"
	}
	scale, shift := a.parameter(weight, width), a.parameter(bias, width)
	return a.add(name, "LayerNormalization", []string{x, scale, shift}, float("epsilon", epsilon))
}

// plus is the element-wise sum of two values.
func (a *assembly) plus(name, x, y string) string { return a.add(name, "Add", []string{x, y}) }

// ordinals are the positions 0, 1, … of a sequence's tokens.
func (a *assembly) ordinals(name string) string {
	length := a.add(name+"/length", "Gather", []string{a.tokens, a.index("one", 1)})
	return a.add(name, "Range", []string{a.index("zero", 0), length, a.index("one", 1)})
}

// flat is [batch·sequence, width] of [batch, sequence, width].
func (a *assembly) flat(name, x string, width int64) string {
	return a.add(name, "Reshape", []string{x, a.vector(fmt.Sprintf("flat.%d", width), -1, width)})
}

// bias is what attention adds to the scores of tokens: 0, or the lowest float32
// where the mask has none. Its shape is [batch, 1, 1, sequence].
func (a *assembly) bias() string {
	seen := a.add("mask/seen", "Unsqueeze", []string{a.mask, a.vector("mask/axes", 1, 2)})
	return a.add("mask/bias", "Where", []string{seen, a.scalar("mask/none", 0), a.scalar("mask/lowest", -math.MaxFloat32)})
}

// An attention is scaled dot-product attention over several heads. The fields
// after heads are the modules of its linear layers.
type attention struct {
	width, heads              int64
	split, bias               string // the shape [batch, sequence, heads, width/heads]; assembly.bias
	query, key, value, output string
}

func (a *assembly) attention(width, heads int64) attention {
	return attention{width: width, heads: heads, split: a.by("heads", heads, width/heads), bias: a.bias()}
}

// attend is softmax(q·kᵀ/√d + bias)·v, and the linear layer behind it.
func (a *assembly) attend(name, x string, at attention) string {
	head := func(part, module string, order ...int64) string {
		all := a.linear(name+"/"+part, module, x, at.width, at.width)
		split := a.add(name+"/"+part+"/split", "Reshape", []string{all, at.split})
		return a.add(name+"/"+part+"/heads", "Transpose", []string{split}, integers("perm", order...))
	}
	query := head("query", at.query, 0, 2, 1, 3)
	key := head("key", at.key, 0, 2, 3, 1)
	value := head("value", at.value, 0, 2, 1, 3)

	size := at.width / at.heads
	scale := a.scalar(fmt.Sprintf("scale.%d", size), float32(1/math.Sqrt(float64(size))))
	scores := a.add(name+"/scores", "MatMul", []string{query, key})
	scaled := a.add(name+"/scaled", "Mul", []string{scores, scale})
	weights := a.add(name+"/weights", "Softmax", []string{a.plus(name+"/masked", scaled, at.bias)}, integer("axis", -1))
	context := a.add(name+"/context", "MatMul", []string{weights, value})
	merged := a.add(name+"/merged", "Transpose", []string{context}, integers("perm", 0, 2, 1, 3))
	return a.linear(name+"/output", at.output, a.flat(name+"/flat", merged, at.width), at.width, at.width)
}

// A feedForward is two linear layers, of which the first is wider, with an
// activation between them. The last two fields are their modules.
type feedForward struct {
	width, inner int64
	activation   string
	up, down     string
}

func (a *assembly) feed(name, x string, f feedForward) string {
	inner := a.linear(name+"/up", f.up, x, f.width, f.inner)
	return a.linear(name+"/down", f.down, a.activate(f.activation, name+"/activation", inner), f.inner, f.width)
}

// activate applies an element-wise function, called as transformers calls it.
func (a *assembly) activate(function, name, x string) string {
	switch function {
	case gelu:
		ratio := a.add(name+"/ratio", "Div", []string{x, a.scalar("gelu.root", math.Sqrt2)})
		return a.gated(name, x, a.add(name+"/erf", "Erf", []string{ratio}))
	case geluNew, geluTanh:
		cube := a.add(name+"/cube", "Pow", []string{x, a.scalar("gelu.three", 3)})
		bent := a.plus(name+"/bent", x, a.add(name+"/cubic", "Mul", []string{cube, a.scalar("gelu.cubic", 0.044715)}))
		ratio := a.add(name+"/ratio", "Mul", []string{bent, a.scalar("gelu.slope", float32(math.Sqrt(2/math.Pi)))})
		return a.gated(name, x, a.add(name+"/tanh", "Tanh", []string{ratio}))
	case silu:
		return a.add(name, "Mul", []string{x, a.add(name+"/sigmoid", "Sigmoid", []string{x})})
	case tanh:
		return a.add(name, "Tanh", []string{x})
	case identity:
		return x
	}
	return a.add(name, "Relu", []string{x})
}

// gated is x·(1 + gate)/2, written as optimizers look for it.
func (a *assembly) gated(name, x, gate string) string {
	raised := a.plus(name+"/raised", gate, a.scalar("gelu.one", 1))
	return a.add(name, "Mul", []string{a.add(name+"/gated", "Mul", []string{x, raised}), a.scalar("gelu.half", 0.5)})
}

// The activations: the Gaussian error linear unit by the error function, its
// approximation by tanh under two names, and the rectified linear unit. The
// others are those of a Dense alone.
const (
	gelu     = "gelu"
	geluNew  = "gelu_new"
	geluTanh = "gelu_pytorch_tanh"
	relu     = "relu"
	silu     = "silu"
	tanh     = "tanh"
	identity = "identity"
)

// activation reads which one the config of an encoder names.
func (c *config) activation(key string) string {
	function := c.text(key)
	if !slices.Contains([]string{gelu, geluNew, geluTanh, relu}, function) {
		c.fail(ErrUnsupported, key, "%s is not computed", show(function))
	}
	return function
}
