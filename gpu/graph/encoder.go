package graph

import (
	"context"
	"io/fs"
	"path"
	"strings"

	"github.com/weightgate/weightgate/formats"
)

// A family is how the configs of one model_type are read, and how its encoders
// are composed.
type family struct {
	modelType     string
	architectures string   // what the names of its architectures begin with
	prefix        string   // of the encoder's tensors where a head was saved beside it
	embedding     string   // a tensor that every encoder has, without the prefix
	unused        []string // tensors of the encoder that its last hidden state does not depend on
	heads         []string // tensors beside the encoder
	read          func(*config) encoder
}

// families are all that there are. Another one is a file like bert.go, and a
// place in this list.
var families = []family{bert, distilBERT, roberta, xlmRoBERTa}

// An encoder is what a config describes.
type encoder interface {
	width() int64

	// compose gives the last hidden state, [batch·sequence, width].
	compose(a *assembly) string
}

// Encoder builds the graph of a BERT, DistilBERT, RoBERTa or XLM-RoBERTa from
// config.json and the safetensors files beside it, as transformers saves them:
// a bare encoder, or one with a head, which is not computed.
//
// Its inputs are input_ids, attention_mask and, where the model has more than
// one type of token, token_type_ids: int64 [batch, sequence]. Its output is
// last_hidden_state: float32 [batch, sequence, width], computed in float32 from
// F32, F16 and BF16 weights, whatever dtype the config names. Token ids beyond
// the vocabulary and sequences beyond the positions are the caller's to refuse:
// some devices take them for rows of zeros.
func Encoder(ctx context.Context, files fs.FS, tensors []formats.Tensor) (*Graph, error) {
	a := newAssembly()
	hidden, width, err := a.encoder(ctx, files, ".", tensors)
	if err != nil {
		return nil, err
	}
	a.add("last_hidden_state", "Reshape", []string{hidden, a.by("output/shape", width)})
	a.output("last_hidden_state", dimension{name: "batch"}, dimension{name: "sequence"}, dimension{size: width})
	return a.graph(ctx, files)
}

// encoder composes the encoder whose config.json lies in dir.
func (a *assembly) encoder(ctx context.Context, files fs.FS, dir string, tensors []formats.Tensor) (hidden string, width int64, err error) {
	c, err := readConfig(ctx, files, path.Join(dir, "config.json"))
	if err != nil {
		return "", 0, err
	}
	f, e, err := c.encoder()
	if err != nil {
		return "", 0, err
	}
	a.open(dir, tensors)
	if a.has(f.prefix + f.embedding) {
		a.prefix = f.prefix
		a.leave(f.heads...)
	}
	for _, name := range f.unused {
		a.leave(a.prefix + name)
	}
	hidden = e.compose(a)
	return hidden, e.width(), a.finish()
}

// encoder reads a whole config.
func (c *config) encoder() (family, encoder, error) {
	modelType := c.text("model_type")
	for _, f := range families {
		if f.modelType != modelType {
			continue
		}
		c.architectures(f)
		c.indifferent()
		e := f.read(c)
		return f, e, c.finish()
	}
	c.fail(ErrUnsupported, "model_type", "%s is none of the architectures that are computed", show(modelType))
	return family{}, nil, c.err
}

// architectures are the classes that a model was saved by: of its family, or
// absent. Others bring code of their own under a known model_type.
func (c *config) architectures(f family) {
	c.inert("architectures")
	list, isList := c.members["architectures"].([]any)
	if !isList && c.members["architectures"] != nil {
		c.fail(ErrConfig, "architectures", "%s is no array", show(c.members["architectures"]))
	}
	for _, v := range list {
		if name, _ := v.(string); !strings.HasPrefix(name, f.architectures) {
			c.fail(ErrUnsupported, "architectures", "%s is none of %s", show(v), f.modelType)
		}
	}
}

// indifferent knows the keys that mean the same in all families. No value of
// the first ones changes what a trained encoder computes. The others are missing
// in most published encoders, and have to be what a missing one stands for.
func (c *config) indifferent() {
	c.inert(
		"_name_or_path", "transformers_version", "dtype", "torch_dtype", "torchscript", "use_cache",
		"_attn_implementation_autoset", "gradient_checkpointing", "initializer_range", "tie_word_embeddings", "chunk_size_feed_forward",
		"bos_token_id", "eos_token_id", "sep_token_id", "cls_token_id", "mask_token_id",
		"id2label", "label2id", "num_labels", "_num_labels", "problem_type", "finetuning_task", "task_specific_params",
		"output_attentions", "output_hidden_states", "output_past", "return_dict", "language",
	)
	c.only("is_decoder", false)
	c.only("is_encoder_decoder", false)
	c.only("add_cross_attention", false)
	c.only("cross_attention_hidden_size", nil)
	c.only("position_embedding_type", "absolute")
	c.empty("pruned_heads")
}
