package graph

import (
	"context"
	"errors"
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
var families = []family{bert, distilBERT, roberta, xlmRoBERTa, camemBERT}

// An encoder is what a config describes.
type encoder interface {
	width() int64

	// compose gives the last hidden state, [batch·sequence, width].
	compose(a *assembly) string
}

// Encoder builds the graph of a BERT, DistilBERT, RoBERTa, XLM-RoBERTa or
// CamemBERT from config.json and the safetensors files beside it, as transformers
// saves them: a bare encoder, or one with a head, which is not computed. Tensors
// are found by name in all those files; an index of shards is not read, and is
// judged where the Gate has its format (see package sidecar).
//
// Its inputs are input_ids, attention_mask and, where the model has more than
// one type of token, token_type_ids: int64 [batch, sequence]. A run with inputs
// of different shapes fails. Its output is last_hidden_state: float32
// [batch, sequence, width], computed in float32 from F32, F16 and BF16 weights,
// whatever dtype the config names.
//
// It is what transformers computes with its eager attention. Where the mask has
// no token of a sentence at all, its other ways to attend give other values.
//
// Token ids beyond the vocabulary, negative ones and sequences beyond the
// positions are the caller's to refuse: ONNX Runtime counts negative ids from
// the end of the table, and some devices take those beyond it for rows of zeros.
func Encoder(ctx context.Context, files fs.FS, tensors []formats.Tensor) (*Graph, error) {
	a := newAssembly()
	hidden, width, err := a.composeEncoder(ctx, files, ".", tensors)
	if err != nil {
		return nil, err
	}
	a.add("last_hidden_state", "Reshape", []string{hidden, a.by("output/shape", width)})
	a.output("last_hidden_state", dimension{name: "batch"}, dimension{name: "sequence"}, dimension{size: width})
	return a.graph(ctx, files)
}

// composeEncoder composes the encoder whose config.json lies in dir.
func (a *assembly) composeEncoder(ctx context.Context, files fs.FS, dir string, tensors []formats.Tensor) (hidden string, width int64, err error) {
	c, err := readConfig(ctx, files, path.Join(dir, "config.json"))
	if err != nil {
		return "", 0, err
	}
	f, e, err := c.readEncoder()
	if err != nil {
		return "", 0, err
	}
	if err := refuseAdapter(files, dir); err != nil {
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
	return hidden, e.width(), a.refuseExtra()
}

// refuseAdapter refuses a directory with the config of an adapter, which
// transformers loads into the encoder beside it where peft is installed.
func refuseAdapter(files fs.FS, dir string) error {
	name := path.Join(dir, "adapter_config.json")
	_, err := fs.Stat(files, name)
	switch {
	case err == nil:
		return &Error{File: name, Kind: ErrUnsupported, Detail: "adapters are not computed"}
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

// readEncoder reads a whole config.
func (c *config) readEncoder() (family, encoder, error) {
	modelType := c.text("model_type")
	for _, f := range families {
		if f.modelType != modelType {
			continue
		}
		c.architectures(f)
		c.common()
		e := f.read(c)
		return f, e, c.refuseUnknown()
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

// inertKeys are keys that all families know and of which no value changes what
// a trained encoder computes.
var inertKeys = []string{
	// Where the config comes from, and what wrote it.
	"_name_or_path", "transformers_version", "language",
	// How a value is held or computed, not which one it is.
	"dtype", "torch_dtype", "torchscript", "use_cache", "use_bfloat16", "chunk_size_feed_forward", "xla_device", "_attn_implementation_autoset",
	// Of training.
	"gradient_checkpointing", "initializer_range", "tie_word_embeddings",
	// Which other outputs there are, and how they are handed back.
	"output_attentions", "output_hidden_states", "output_past", "return_dict",
	// Of the tokenizer.
	"bos_token_id", "eos_token_id", "sep_token_id", "cls_token_id", "mask_token_id", "tokenizer_class", "model_max_length",
	// Of heads and their tasks.
	"id2label", "label2id", "num_labels", "_num_labels", "problem_type", "finetuning_task", "task_specific_params",
	"summary_type", "summary_use_proj", "summary_activation", "summary_proj_to_labels", "summary_first_dropout", "summary_last_dropout",
	// Of the cross-encoders of sentence-transformers: what follows their head.
	"sentence_transformers", "sbert_ce_default_activation_function",
	// Of generating text, which transformers wrote into every config once.
	"max_length", "min_length", "do_sample", "early_stopping", "num_beams", "num_beam_groups", "diversity_penalty", "temperature",
	"top_k", "top_p", "typical_p", "repetition_penalty", "length_penalty", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size",
	"bad_words_ids", "num_return_sequences", "output_scores", "return_dict_in_generate", "forced_bos_token_id", "forced_eos_token_id",
	"remove_invalid_values", "exponential_decay_length_penalty", "suppress_tokens", "begin_suppress_tokens", "decoder_start_token_id",
	"eos_token_ids", "prefix",
	// Of other libraries, and of the code that trained rubert-tiny.
	"transformers.js_config", "emb_size",
}

// common knows the keys that mean the same in all families. Those that are not
// inert are missing in most published encoders, and have to be what a missing
// one stands for.
func (c *config) common() {
	c.inert(inertKeys...)
	c.only("is_decoder", false)
	c.only("is_encoder_decoder", false)
	c.only("add_cross_attention", false)
	c.only("cross_attention_hidden_size", nil)
	c.only("position_embedding_type", "absolute")
	c.empty("pruned_heads")
}
