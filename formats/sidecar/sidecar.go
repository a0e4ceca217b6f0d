// Package sidecar reads the JSON files beside the weights that steer a load:
// configurations, tokenizers, the indexes of sharded checkpoints. A library that
// loads a model believes them; some of what they may say makes it import code,
// open native libraries or fetch what nobody pinned.
//
// A file is recognised by its keys, never by its name, and by a reader that is
// laxer than the libraries: what one of them might understand is claimed. It is
// then read by one that is stricter than all of them (RFC 8259, UTF-8 without a
// mark, no key twice), so that it says the same to each. What steers is a
// finding in files of every kind; policy decides what it counts.
package sidecar

import (
	"context"

	"github.com/weightgate/weightgate/formats"
)

// The names of the formats.
const (
	Config           = "config"            // config.json of transformers, diffusers, Keras, sentence-transformers
	GenerationConfig = "generation-config" // generation_config.json
	ProcessorConfig  = "processor-config"  // preprocessor_config.json, processor_config.json
	TokenizerConfig  = "tokenizer-config"  // tokenizer_config.json, special_tokens_map.json, chat_template.json
	Tokenizer        = "tokenizer"         // tokenizer.json of Hugging Face's tokenizers
	Index            = "index"             // *.index.json: which shard holds which tensor
	ModelIndex       = "model-index"       // model_index.json of diffusers
	GenAIConfig      = "genai-config"      // genai_config.json of onnxruntime-genai
	AdapterConfig    = "adapter-config"    // adapter_config.json of PEFT
	Modules          = "modules"           // modules.json of sentence-transformers
	JSON             = "json"              // a text too long to tell from its head what it is
)

// Formats are the formats of this package, of which at most one claims a file.
// They share a table of codes.
func Formats() formats.Set {
	return formats.Set{
		format(Config), format(GenerationConfig), format(ProcessorConfig), format(TokenizerConfig), format(Tokenizer),
		format(Index), format(ModelIndex), format(GenAIConfig), format(AdapterConfig), format(Modules), format(JSON),
	}
}

// A format is known by its name: all are read in the same way.
type format string

var _ formats.Characterized = format("")

func (f format) Name() string           { return string(f) }
func (format) Codes() formats.CodeTable { return codes }
func (format) Traits() formats.Traits   { return formats.Traits{Sidecar: true} }

// Claims looks at the keys in the first 64 KiB. An object or an array that shows
// none that is known, in all of its text, is nobody's.
func (f format) Claims(_ context.Context, in formats.Input) (bool, error) {
	kind, err := kindOf(in)
	return err == nil && kind == string(f), err
}
