package graph

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"math"
	"slices"

	"github.com/weightgate/weightgate/formats"
)

// Sentence builds the graph of a model of sentence-transformers from
// modules.json: one Transformer, which is what [Encoder] builds, one Pooling
// behind it, and then any number of Dense and Normalize.
//
// Its inputs are those of Encoder. Its output is sentence_embedding: float32
// [batch, width], where truncate_dim of config_sentence_transformers.json cuts
// it, behind all modules: what was normalized may be shorter than 1. Prompts that
// a caller names, truncation of the text and lower case are the tokenizer's side
// and no part of the graph. A model with a prompt that belongs to every text,
// its default_prompt_name, is refused: the graph alone would not compute what
// the model's authors do.
func Sentence(ctx context.Context, files fs.FS, tensors []formats.Tensor) (*Graph, error) {
	modules, err := readModules(ctx, files)
	if err != nil {
		return nil, err
	}
	truncated, err := readTruncation(ctx, files)
	if err != nil {
		return nil, err
	}
	a := newAssembly()
	if err := readTransformer(ctx, files, modules[0].dir); err != nil {
		return nil, err
	}
	hidden, width, err := a.composeEncoder(ctx, files, modules[0].dir, tensors)
	if err != nil {
		return nil, err
	}
	e := &embedding{assembly: a, width: width}
	e.value = a.add("tokens/embeddings", "Reshape", []string{hidden, a.by("tokens/embeddings/shape", width)})
	for i, m := range modules[1:] {
		if err := m.kind.compose(ctx, e, fmt.Sprintf("module.%d", i+1), m.dir, files, tensors); err != nil {
			return nil, err
		}
	}
	e.truncate(truncated)
	a.add("sentence_embedding", "Identity", []string{e.value})
	a.output("sentence_embedding", dimension{name: "batch"}, dimension{size: e.width})
	return a.graph(ctx, files)
}

// An embedding is the value between two modules: [batch, sequence, width] before
// the pooling, [batch, width] behind it.
type embedding struct {
	*assembly
	value string
	width int64
}

// truncate keeps the first values of every vector, all where there are fewer.
func (e *embedding) truncate(most int64) {
	if most >= e.width {
		return
	}
	e.value = e.add("truncated", "Slice", []string{e.value, e.vector("truncated/start", 0), e.vector("truncated/end", most), e.vector("axis.1", 1)})
	e.width = most
}

// readTruncation reads how many values of a vector are kept: all where nothing
// says it.
func readTruncation(ctx context.Context, files fs.FS) (most int64, err error) {
	c, err := readOptional(ctx, files, "config_sentence_transformers.json")
	if err != nil || c == nil {
		return math.MaxInt64, err
	}
	c.only("model_type", "SentenceTransformer")
	c.only("default_prompt_name", nil)
	c.inert("__version__", "prompts", "similarity_fn_name") // of the text, and of what is done with vectors
	most = math.MaxInt64
	const key = "truncate_dim"
	if c.members[key] == nil {
		c.only(key, nil)
	} else {
		most = c.count(key)
	}
	return most, c.refuseUnknown()
}

// A module is one entry of modules.json.
type module struct {
	kind *moduleKind
	dir  string // beneath the model's root, "." for the root
}

// A moduleKind is a class of sentence-transformers. Newer versions call it by
// where it lies now.
type moduleKind struct {
	types   [2]string
	compose func(ctx context.Context, e *embedding, name, dir string, files fs.FS, tensors []formats.Tensor) error
}

var (
	transformerModule = &moduleKind{types: [2]string{
		"sentence_transformers.models.Transformer", "sentence_transformers.base.modules.transformer.Transformer"}}
	poolingModule = &moduleKind{types: [2]string{
		"sentence_transformers.models.Pooling", "sentence_transformers.sentence_transformer.modules.pooling.Pooling"},
		compose: composePooling}
	denseModule = &moduleKind{types: [2]string{
		"sentence_transformers.models.Dense", "sentence_transformers.base.modules.dense.Dense"},
		compose: composeDense}
	normalizeModule = &moduleKind{types: [2]string{
		"sentence_transformers.models.Normalize", "sentence_transformers.base.modules.normalize.Normalize"},
		compose: composeNormalize}
	moduleKinds = []*moduleKind{transformerModule, poolingModule, denseModule, normalizeModule}
)

const (
	modulesFile = "modules.json"
	maxModules  = 16
)

// readModules reads which modules follow each other.
func readModules(ctx context.Context, files fs.FS) ([]module, error) {
	value, err := readJSON(ctx, files, modulesFile)
	if err != nil {
		return nil, err
	}
	list, ok := value.([]any)
	if !ok || len(list) < 2 || len(list) > maxModules {
		return nil, &Error{File: modulesFile, Kind: ErrConfig, Detail: fmt.Sprintf("it is no array of 2 to %d modules", maxModules)}
	}
	modules := make([]module, len(list))
	for i, v := range list {
		c, err := newConfig(modulesFile, v)
		if err != nil {
			return nil, err
		}
		modules[i] = c.module(int64(i))
		if slices.ContainsFunc(modules[:i], func(m module) bool { return m.dir == modules[i].dir }) {
			c.fail(ErrConfig, "path", "%s is another module's", show(modules[i].dir))
		}
		if err := c.refuseUnknown(); err != nil {
			return nil, err
		}
	}
	return modules, nil
}

// module reads the i-th entry.
func (c *config) module(i int64) module {
	c.inert("name")
	c.within("idx", i, i)
	m := module{dir: cmp.Or(c.text("path"), ".")}
	if !fs.ValidPath(m.dir) {
		c.fail(ErrConfig, "path", "%s is no directory of the model", show(m.dir))
	}
	name := c.text("type")
	for _, kind := range moduleKinds {
		if name == kind.types[0] || name == kind.types[1] {
			m.kind = kind
		}
	}
	switch {
	case m.kind == nil:
		c.fail(ErrUnsupported, "type", "the module %s is not computed", show(name))
	case (m.kind == transformerModule) != (i == 0), (m.kind == poolingModule) != (i == 1):
		c.fail(ErrUnsupported, "type", "computed are a Transformer, a Pooling and what follows them, and %s is number %d", show(name), i)
	}
	return m
}

// moduleNames are the names of what a module behind the pooling takes and gives.
func (c *config) moduleNames() {
	c.only("module_input_name", "sentence_embedding")
	c.only("module_output_name", "sentence_embedding", nil)
}
