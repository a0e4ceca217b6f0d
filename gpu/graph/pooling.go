package graph

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"path"

	"github.com/weightgate/weightgate/formats"
)

// The modes of a Pooling, as sentence-transformers computes them. Tokens that
// the mask leaves out take no part.
const (
	poolCLS      = "cls"  // the first token that the mask has
	poolMax      = "max"  // element by element
	poolMean     = "mean" // over the tokens
	poolMeanSqrt = "mean_sqrt_len_tokens"
)

// legacyModes are the keys that stand for modes in configs before version 6, in
// the order in which their vectors follow each other.
var legacyModes = []struct{ key, mode string }{
	{"pooling_mode_cls_token", poolCLS},
	{"pooling_mode_max_tokens", poolMax},
	{"pooling_mode_mean_tokens", poolMean},
	{"pooling_mode_mean_sqrt_len_tokens", poolMeanSqrt},
}

// smallest keeps the denominators of empty sentences and zero vectors from being 0.
const (
	smallestCount = 1e-9
	smallestNorm  = 1e-12
)

// composePooling makes one vector of the tokens' of each sentence.
func composePooling(ctx context.Context, e *embedding, name, dir string, files fs.FS, _ []formats.Tensor) error {
	c, err := readConfig(ctx, files, path.Join(dir, "config.json"))
	if err != nil {
		return err
	}
	modes := c.poolingModes(e.width)
	if err := c.finish(); err != nil {
		return err
	}
	p := pool{embedding: e, name: name}
	var vectors []string
	for i, mode := range modes {
		vectors = append(vectors, p.mode(i, mode))
	}
	e.value = vectors[0]
	if len(vectors) > 1 {
		e.value = e.add(name, "Concat", vectors, integer("axis", 1))
	}
	e.width *= int64(len(modes))
	return nil
}

// poolingModes reads the config of a Pooling over vectors of width.
func (c *config) poolingModes(width int64) []string {
	c.within(c.name("embedding_dimension", "word_embedding_dimension"), width, width)
	c.only("include_prompt", true)
	c.only("pooling_mode_weightedmean_tokens", false)
	c.only("pooling_mode_lasttoken", false)

	key, modes := "pooling_mode", []string(nil)
	if _, named := c.members[key]; named {
		modes = c.namedModes(key)
	} else {
		key = "pooling_mode_mean_tokens"
		for _, legacy := range legacyModes {
			if c.flag(legacy.key) {
				modes = append(modes, legacy.mode)
			}
		}
	}
	if len(modes) == 0 {
		c.fail(ErrConfig, key, "the Pooling has no mode")
	}
	return modes
}

// namedModes are one mode, or a list in the order in which their vectors follow
// each other.
func (c *config) namedModes(key string) (modes []string) {
	v := c.required(key)
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	for _, v := range list {
		mode, _ := v.(string)
		switch mode {
		case poolCLS, poolMax, poolMean, poolMeanSqrt:
			modes = append(modes, mode)
		default:
			c.fail(ErrUnsupported, key, "%s is not computed", show(v))
		}
	}
	if len(modes) > len(legacyModes) {
		c.fail(ErrUnsupported, key, "%d modes are not computed", len(modes))
	}
	return modes
}

// A pool adds the nodes of a Pooling.
type pool struct {
	*embedding
	name   string
	rows   string // the mask as [batch, sequence, 1]
	sum, n string // of the tokens' vectors, and how many they are, once a mode asked
}

// mode is the i-th vector of each sentence.
func (p *pool) mode(i int, mode string) string {
	name := fmt.Sprintf("%s/%d/%s", p.name, i, mode)
	if p.rows == "" {
		p.rows = p.add(p.name+"/mask", "Unsqueeze", []string{p.mask, p.vector("axis.2", 2)})
	}
	switch mode {
	case poolCLS:
		seen := p.add(name+"/mask", "Cast", []string{p.mask}, integer("to", float32Type))
		first := p.add(name+"/index", "ArgMax", []string{seen}, integer("axis", 1))
		return p.add(name, "GatherND", []string{p.value, first}, integer("batch_dims", 1))
	case poolMax:
		lowest := p.scalar("mask/infinite", float32(math.Inf(-1)))
		seen := p.add(name+"/seen", "Where", []string{p.rows, p.value, lowest})
		return p.add(name, "ReduceMax", []string{seen}, integers("axes", 1), integer("keepdims", 0))
	}
	p.total()
	n := p.n
	if mode == poolMeanSqrt {
		n = p.add(name+"/root", "Sqrt", []string{n})
	}
	return p.add(name, "Div", []string{p.sum, n})
}

// total sums the vectors of the tokens, and counts them.
func (p *pool) total() {
	if p.sum != "" {
		return
	}
	reduced := func(name, x string) string {
		return p.add(name, "ReduceSum", []string{x, p.vector("axis.1", 1)}, integer("keepdims", 0))
	}
	weights := p.add(p.name+"/weights", "Cast", []string{p.rows}, integer("to", float32Type))
	p.sum = reduced(p.name+"/sum", p.add(p.name+"/weighted", "Mul", []string{p.value, weights}))
	p.n = p.add(p.name+"/count", "Max", []string{reduced(p.name+"/tokens", weights), p.scalar("smallest.count", smallestCount)})
}

// composeNormalize gives every vector the length 1: torch's normalize.
func composeNormalize(ctx context.Context, e *embedding, name, dir string, files fs.FS, _ []formats.Tensor) error {
	c, err := readOptional(ctx, files, path.Join(dir, "config.json"))
	if err != nil {
		return err
	}
	if c != nil {
		c.ends()
		if err := c.finish(); err != nil {
			return err
		}
	}
	norm := e.add(name+"/norm", "ReduceL2", []string{e.value}, integers("axes", 1))
	norm = e.add(name+"/positive", "Max", []string{norm, e.scalar("smallest.norm", smallestNorm)})
	e.value = e.add(name, "Div", []string{e.value, norm})
	return nil
}

// ends are the names of what a module takes and gives.
func (c *config) ends() {
	c.only("module_input_name", "sentence_embedding")
	c.only("module_output_name", "sentence_embedding", nil)
}

// composeDense is a linear layer and its activation.
func composeDense(ctx context.Context, e *embedding, name, dir string, files fs.FS, tensors []formats.Tensor) error {
	c, err := readConfig(ctx, files, path.Join(dir, "config.json"))
	if err != nil {
		return err
	}
	in, out, biased := c.within("in_features", e.width, e.width), c.count("out_features"), c.flag("bias")
	operator := c.denseActivation("activation_function")
	c.only("use_residual", false)
	c.ends()
	if err := c.finish(); err != nil {
		return err
	}
	e.open(dir, tensors)
	inputs := []string{e.value, e.parameter("linear.weight", out, in)}
	if biased {
		inputs = append(inputs, e.parameter("linear.bias", out))
	}
	linear := e.add(name+"/linear", "Gemm", inputs, integer("transB", 1))
	e.value = e.add(name, operator, []string{linear})
	e.width = out
	return e.finish()
}

// denseActivation reads the class of an activation, as PyTorch names them, and
// is its operator.
func (c *config) denseActivation(key string) string {
	switch class := c.text(key); class {
	case "torch.nn.modules.activation.Tanh":
		return "Tanh"
	case "torch.nn.modules.linear.Identity":
		return "Identity"
	default:
		c.fail(ErrUnsupported, key, "%s is not computed", show(class))
		return ""
	}
}
