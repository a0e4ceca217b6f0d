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

// legacyKeys are those that stand for modes in configs before version 6, in
// the order in which their vectors follow each other.
var legacyKeys = []struct{ key, mode string }{
	{"pooling_mode_cls_token", poolCLS},
	{"pooling_mode_max_tokens", poolMax},
	{"pooling_mode_mean_tokens", poolMean},
	{"pooling_mode_mean_sqrt_len_tokens", poolMeanSqrt},
}

// smallestCount keeps the denominator of an empty sentence from being 0.
const smallestCount = 1e-9

// composePooling makes one vector of the tokens' of each sentence.
func composePooling(ctx context.Context, e *embedding, name, dir string, files fs.FS, _ []formats.Tensor) error {
	c, err := readConfig(ctx, files, path.Join(dir, "config.json"))
	if err != nil {
		return err
	}
	modes := c.poolingModes(e.width)
	if err := c.refuseUnknown(); err != nil {
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

	if _, named := c.members["pooling_mode"]; named {
		return c.namedModes("pooling_mode")
	}
	return c.legacyModes()
}

// legacyModes are those whose keys are true. A missing key is false, except for
// the mean's, which is true where no other is: beside others, versions of the
// reference disagree about it.
func (c *config) legacyModes() (modes []string) {
	for _, legacy := range legacyKeys {
		if _, said := c.members[legacy.key]; said && c.flag(legacy.key) {
			modes = append(modes, legacy.mode)
		}
	}
	const mean = "pooling_mode_mean_tokens"
	_, said := c.members[mean]
	switch {
	case said && len(modes) == 0:
		c.fail(ErrConfig, mean, "the Pooling has no mode")
	case !said && len(modes) > 0:
		c.fail(ErrConfig, mean, "it is missing beside other modes, and may be either")
	case !said:
		modes = []string{poolMean}
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
	switch {
	case len(list) == 0:
		c.fail(ErrConfig, key, "the Pooling has no mode")
	case len(modes) > len(legacyKeys):
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
