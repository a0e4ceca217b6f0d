package graph

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/weightgate/weightgate/formats"
)

// Sentence builds the graph of a model of sentence-transformers from
// modules.json: one Transformer, which is what [Encoder] builds, one Pooling
// behind it, and then any number of Dense and Normalize.
//
// Its inputs are those of Encoder. Its output is sentence_embedding: float32
// [batch, width]. Prompts, truncation and lower case are the tokenizer's side
// and no part of the graph.
func Sentence(ctx context.Context, files fs.FS, tensors []formats.Tensor) (*Graph, error) {
	modules, err := readModules(ctx, files)
	if err != nil {
		return nil, err
	}
	a := newAssembly()
	if err := readTransformer(ctx, files, modules[0].dir); err != nil {
		return nil, err
	}
	hidden, width, err := a.encoder(ctx, files, modules[0].dir, tensors)
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
		if err := c.finish(); err != nil {
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

// transformerConfigs are the files in which a Transformer says how it uses its
// encoder, each named by the class that it was once saved by.
var transformerConfigs = []string{
	"sentence_bert_config.json", "sentence_roberta_config.json", "sentence_distilbert_config.json", "sentence_xlm-roberta_config.json",
}

// readTransformer refuses a Transformer that gives anything but the last hidden
// state of its encoder.
func readTransformer(ctx context.Context, files fs.FS, dir string) error {
	for _, name := range transformerConfigs {
		c, err := readOptional(ctx, files, path.Join(dir, name))
		if err != nil {
			return err
		}
		if c == nil {
			continue
		}
		c.inert("max_seq_length", "do_lower_case", "processing_kwargs", "unpad_inputs")
		c.only("transformer_task", "feature-extraction")
		c.only("module_output_name", "token_embeddings")
		c.only("query_length", nil)
		c.only("document_length", nil)
		c.only("query_expansion", nil)
		c.empty("model_args")
		c.empty("config_args")
		c.modality()
		if err := c.finish(); err != nil {
			return err
		}
	}
	return nil
}

// modality allows the text that goes in and the last hidden state that comes out.
func (c *config) modality() {
	const key = "modality_config"
	c.known[key] = true
	v, ok := c.members[key]
	if !ok {
		return
	}
	all, _ := v.(map[string]any)
	text, _ := all["text"].(map[string]any)
	if len(all) != 1 || len(text) != 2 || text["method"] != "forward" || text["method_output_name"] != "last_hidden_state" {
		c.fail(ErrUnsupported, key, "%s is not computed", show(v))
	}
}

// readOptional is the config in a file, nil if the model has none of that name.
func readOptional(ctx context.Context, files fs.FS, name string) (*config, error) {
	if _, err := fs.Stat(files, name); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return readConfig(ctx, files, name)
}
