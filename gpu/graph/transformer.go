package graph

import (
	"context"
	"io/fs"
	"path"
)

// transformerConfigs are the files in which a Transformer says how it uses its
// encoder, each named by the class that it was once saved by. Where there are
// several, the reference takes one, by an order that no file tells.
var transformerConfigs = []string{
	"sentence_bert_config.json", "sentence_roberta_config.json", "sentence_distilbert_config.json",
	"sentence_camembert_config.json", "sentence_albert_config.json", "sentence_xlm-roberta_config.json", "sentence_xlnet_config.json",
}

// readTransformer refuses a Transformer that gives anything but the last hidden
// state of its encoder.
func readTransformer(ctx context.Context, files fs.FS, dir string) error {
	var found *config
	for _, name := range transformerConfigs {
		c, err := readOptional(ctx, files, path.Join(dir, name))
		switch {
		case err != nil:
			return err
		case c != nil && found != nil:
			return &Error{File: c.file, Kind: ErrUnsupported, Detail: "which of it and " + quote(found.file) + " is meant is not known"}
		case c != nil:
			found = c
		}
	}
	if found == nil {
		return nil
	}
	return found.transformer()
}

// transformer reads the whole config of a Transformer.
func (c *config) transformer() error {
	c.inert("max_seq_length", "do_lower_case", "processing_kwargs", "tokenizer_args", "processor_kwargs", // the tokenizer's
		"unpad_inputs") // how it is computed, not what
	c.only("transformer_task", "feature-extraction")
	c.only("module_output_name", "token_embeddings")
	c.only("query_length", nil)
	c.only("document_length", nil)
	c.only("query_expansion", nil)
	// Each of them under the name of before version 6 and of since.
	for _, key := range []string{"model_args", "model_kwargs", "config_args", "config_kwargs"} {
		c.empty(key)
	}
	c.modality()
	return c.refuseUnknown()
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
