package graph_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/gpu/graph"
)

// refused requires an *Error of a kind that names what is wrong.
func refused(t testing.TB, g *graph.Graph, err error, kind error, named string) {
	t.Helper()
	require.Nil(t, g)
	require.ErrorIs(t, err, kind)
	wrong, ok := errors.AsType[*graph.Error](err)
	require.True(t, ok)
	require.Contains(t, []string{wrong.Key, wrong.Tensor, wrong.File}, named, "%v", err)
	require.Contains(t, err.Error(), formats.Quote(named[:min(len(named), 80)]))
}

func TestError(t *testing.T) {
	require.EqualError(t, &graph.Error{File: "config.json", Key: "a key", Kind: graph.ErrConfig, Detail: "it is missing"},
		`graph: config.json: the key a key: it is missing: not a config of the architecture`)
	require.EqualError(t, &graph.Error{File: "m.safetensors", Tensor: "w\n", Kind: graph.ErrTensor, Detail: "it is small"},
		`graph: m.safetensors: the tensor "w\n": it is small: the tensors are not those of the config`)
	require.ErrorIs(t, &graph.Error{Kind: graph.ErrUnsupported}, graph.ErrUnsupported)

	long := strings.Repeat("a", 1<<20)
	cut := strings.Repeat("a", 80) + "…"
	require.EqualError(t, &graph.Error{File: long, Key: long, Tensor: long, Kind: graph.ErrConfig, Detail: "it is long"},
		"graph: "+cut+": the key "+cut+": the tensor "+cut+": it is long: not a config of the architecture")
}

// required are the keys without which a family's mathematics is not known.
var required = map[string][]string{
	"bert": {"model_type", "hidden_size", "num_attention_heads", "num_hidden_layers", "intermediate_size", "vocab_size",
		"max_position_embeddings", "type_vocab_size", "layer_norm_eps", "hidden_act"},
	"distilbert": {"model_type", "dim", "n_heads", "n_layers", "hidden_dim", "vocab_size", "max_position_embeddings", "activation"},
	"roberta": {"model_type", "hidden_size", "num_attention_heads", "num_hidden_layers", "intermediate_size", "vocab_size",
		"max_position_embeddings", "type_vocab_size", "layer_norm_eps", "hidden_act", "pad_token_id"},
}

// Whatever happens to one key of a config, there is either no graph or the same.
// A number of heads that divides the width, another activation, epsilon or
// padding token are what a config alone can say: no tensor contradicts them.
func TestEveryKeyOfAConfig(t *testing.T) {
	for family, required := range required {
		files := published(t, family)
		tensors := tensorsOf(t, files)
		whole, err := graph.Encoder(t.Context(), files, tensors)
		require.NoError(t, err)
		var keys map[string]any
		require.NoError(t, json.Unmarshal(files["config.json"].Data, &keys))
		for key := range keys {
			t.Run(family+"/"+key, func(t *testing.T) {
				g, err := graph.Encoder(t.Context(), replace(t, files, "config.json", map[string]any{key: absent}), tensors)
				if slices.Contains(required, key) {
					refused(t, g, err, graph.ErrConfig, key)
				} else {
					require.NoError(t, err)
					require.Equal(t, whole, g)
				}
				for _, v := range []any{nil, true, false, "", "x", -1, 0, 1.5, 25, 1 << 31, 1e300, []any{}, []any{"x"}, map[string]any{}, map[string]any{"x": 1}} {
					g, err := graph.Encoder(t.Context(), replace(t, files, "config.json", map[string]any{key: v}), tensors)
					if err == nil && family == "roberta" && key == "pad_token_id" && v == 0 {
						require.NotEqual(t, whole, g)
						continue
					}
					if err == nil {
						require.Equal(t, whole, g, "%v", v)
						continue
					}
					require.Nil(t, g)
					_, ok := errors.AsType[*graph.Error](err)
					require.True(t, ok, "%v", err)
				}
			})
		}
	}
}

// Keys of published configs that change nothing: of Google's, of those that old
// and new versions of transformers wrote, and of fine-tuned models.
func TestKeysThatChangeNothing(t *testing.T) {
	for family, keys := range map[string]map[string]any{
		"bert": {
			"_name_or_path": "old_models/x/0_BERT", "gradient_checkpointing": false, "position_embedding_type": "absolute",
			"directionality": "bidi", "pooler_fc_size": 768, "pooler_num_attention_heads": 12, "pooler_num_fc_layers": 3,
			"pooler_size_per_head": 128, "pooler_type": "first_token_transform", "output_past": true, "torch_dtype": "float16",
			"_attn_implementation_autoset": true, "id2label": map[string]string{"0": "LABEL_0"}, "label2id": map[string]int{"LABEL_0": 0},
			"problem_type": "single_label_classification", "finetuning_task": nil, "pruned_heads": map[string]any{}, "language": "en",
			"chunk_size_feed_forward": 0, "is_encoder_decoder": false, "cross_attention_hidden_size": nil, "return_dict": true,
		},
		"distilbert": {"tie_weights_": true, "output_past": true, "sinusoidal_pos_embds": true, "torch_dtype": "float32", "output_hidden_states": true},
		"roberta": {
			"output_past": true, "position_embedding_type": "absolute", "classifier_dropout": 0.2, "task_specific_params": nil,
			"tokenizer_class": "PhobertTokenizer", "model_max_length": 256, "emb_size": 312, "transformers.js_config": map[string]any{"dtype": "q8"},
			"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity", "xla_device": nil, "use_bfloat16": false, "max_length": 20, "min_length": 0, "do_sample": false,
			"sentence_transformers": map[string]any{"activation_fn": "torch.nn.modules.linear.Identity", "version": "4.0.1"},
			"summary_type":          "first", "summary_use_proj": true, "summary_activation": nil, "summary_proj_to_labels": true,
			"summary_first_dropout": 0.1, "summary_last_dropout": 0.1, "early_stopping": false, "num_beams": 1, "num_beam_groups": 1, "diversity_penalty": 0,
			"temperature": 1, "top_k": 50, "top_p": 1, "typical_p": 1, "repetition_penalty": 1, "length_penalty": 1, "no_repeat_ngram_size": 0,
			"encoder_no_repeat_ngram_size": 0, "bad_words_ids": nil, "num_return_sequences": 1, "output_scores": false, "return_dict_in_generate": false,
			"forced_bos_token_id": nil, "forced_eos_token_id": nil, "remove_invalid_values": false, "exponential_decay_length_penalty": nil,
			"suppress_tokens": nil, "begin_suppress_tokens": nil, "decoder_start_token_id": nil, "eos_token_ids": 0, "prefix": nil,
		},
	} {
		files := published(t, family)
		want, err := graph.Encoder(t.Context(), files, tensorsOf(t, files))
		require.NoError(t, err)
		got, err := graph.Encoder(t.Context(), replace(t, files, "config.json", keys), tensorsOf(t, files))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestConfigsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		family, key string
		value       any
		kind        error
	}{
		{"bert", "model_type", "nomic_bert", graph.ErrUnsupported},
		{"bert", "model_type", "roberta", graph.ErrUnsupported}, // its architectures say otherwise
		{"bert", "architectures", []any{"JinaBertModel"}, graph.ErrUnsupported},
		{"bert", "architectures", "BertModel", graph.ErrConfig},
		{"bert", "auto_map", map[string]any{"AutoModel": "code.Model"}, graph.ErrUnsupported},
		{"bert", "trust_remote_code", true, graph.ErrUnsupported},
		{"bert", "adapters", map[string]any{}, graph.ErrUnsupported},
		{"bert", "attn_implementation", "sdpa", graph.ErrUnsupported},
		{"bert", strings.Repeat("k", 1000), 1, graph.ErrUnsupported},
		{"bert", "quantization_config", map[string]any{"bits": 4}, graph.ErrUnsupported},
		{"bert", "position_embedding_type", "relative_key", graph.ErrUnsupported},
		{"bert", "position_embedding_type", nil, graph.ErrUnsupported},
		{"bert", "is_decoder", true, graph.ErrUnsupported},
		{"bert", "is_encoder_decoder", true, graph.ErrUnsupported},
		{"bert", "add_cross_attention", true, graph.ErrUnsupported},
		{"bert", "cross_attention_hidden_size", 24, graph.ErrUnsupported},
		{"bert", "pruned_heads", map[string]any{"0": []int{1}}, graph.ErrUnsupported},
		{"bert", "rope_theta", 10000, graph.ErrUnsupported},
		{"bert", "Hidden_Size", 24, graph.ErrUnsupported},
		{"bert", "hidden_act", "silu", graph.ErrUnsupported},
		{"bert", "hidden_act", strings.Repeat("gelu", 1000), graph.ErrUnsupported},
		{"bert", "layer_norm_eps", 0, graph.ErrConfig},
		{"bert", "layer_norm_eps", -1e-5, graph.ErrConfig},
		{"bert", "layer_norm_eps", 1e-60, graph.ErrConfig},
		{"bert", "layer_norm_eps", "1e-5", graph.ErrConfig},
		{"bert", "hidden_size", 24.5, graph.ErrConfig},
		{"bert", "hidden_size", 1 << 62, graph.ErrConfig},
		{"bert", "num_attention_heads", 5, graph.ErrConfig},
		{"bert", "num_attention_heads", 48, graph.ErrConfig},
		{"bert", "num_attention_heads", 0, graph.ErrConfig},
		{"bert", "num_hidden_layers", -1, graph.ErrConfig},
		{"distilbert", "n_heads", 5, graph.ErrConfig},
		{"distilbert", "activation", "silu", graph.ErrUnsupported},
		{"distilbert", "hidden_size", 24, graph.ErrUnsupported},
		{"roberta", "pad_token_id", nil, graph.ErrConfig},
		{"roberta", "pad_token_id", -1, graph.ErrConfig},
		{"roberta", "pad_token_id", 60, graph.ErrConfig},
		{"roberta", "pad_token_id", 20, graph.ErrConfig}, // a token, and no position
	} {
		files := published(t, c.family)
		g, err := graph.Encoder(t.Context(), replace(t, files, "config.json", map[string]any{c.key: c.value}), tensorsOf(t, files))
		named := c.key
		if c.key == "model_type" && c.value == "roberta" {
			named = "architectures"
		}
		refused(t, g, err, c.kind, named)
		require.Less(t, len(err.Error()), 400)
	}
}

// A config that promises other tensors than there are.
func TestConfigsThatTheTensorsContradict(t *testing.T) {
	for key, named := range map[string]string{
		"vocab_size":              "embeddings.word_embeddings.weight",
		"max_position_embeddings": "embeddings.position_embeddings.weight",
		"type_vocab_size":         "embeddings.token_type_embeddings.weight",
		"hidden_size":             "embeddings.word_embeddings.weight",
		"intermediate_size":       "encoder.layer.0.intermediate.dense.weight",
		"num_hidden_layers":       "encoder.layer.2.attention.self.query.weight",
	} {
		files := published(t, "bert")
		for _, v := range []any{1 << 20, 1<<31 - 4} {
			g, err := graph.Encoder(t.Context(), replace(t, files, "config.json", map[string]any{key: v}), tensorsOf(t, files))
			refused(t, g, err, graph.ErrTensor, named)
		}
	}
	files := published(t, "bert")
	g, err := graph.Encoder(t.Context(), replace(t, files, "config.json", map[string]any{"num_hidden_layers": 1}), tensorsOf(t, files))
	refused(t, g, err, graph.ErrTensor, "encoder.layer.1.attention.output.LayerNorm.bias")
}

func TestEveryTensorOfACheckpoint(t *testing.T) {
	for _, family := range []string{"bert", "bert-heads", "distilbert", "roberta"} {
		files := published(t, family)
		tensors := tensorsOf(t, files)
		whole, err := graph.Encoder(t.Context(), files, tensors)
		require.NoError(t, err)
		for i, one := range tensors {
			t.Run(family+"/"+one.ID.Name, func(t *testing.T) {
				build := func(changed ...formats.Tensor) (*graph.Graph, error) {
					return graph.Encoder(t.Context(), files, slices.Concat(tensors[:i], changed, tensors[i+1:]))
				}
				reshaped, retyped, inline, moved := one, one, one, one
				reshaped.Shape = append(slices.Clone(one.Shape), 1)
				retyped.DType = formats.I64
				inline.Inline = true
				moved.ID.File = "other/model.safetensors"
				if slices.Contains(whole.Unused, one.ID) {
					for _, changed := range [][]formats.Tensor{nil, {reshaped}, {retyped}} {
						g, err := build(changed...)
						require.NoError(t, err)
						require.Equal(t, whole.Model, g.Model)
					}
					return
				}
				for _, changed := range [][]formats.Tensor{nil, {reshaped}, {retyped}, {inline}, {moved}} {
					g, err := build(changed...)
					require.Nil(t, g)
					require.ErrorIs(t, err, graph.ErrTensor)
				}
				again := one
				again.ID.File = "again.safetensors"
				g, err := build(one, again)
				refused(t, g, err, graph.ErrTensor, one.ID.Name)
			})
		}
		extra := formats.Tensor{ID: formats.TensorID{File: "model.safetensors", Name: "encoder.layer.0.adapter.weight"}, DType: formats.F32, Shape: []int64{1}}
		g, err := graph.Encoder(t.Context(), files, append(slices.Clone(tensors), extra))
		refused(t, g, err, graph.ErrTensor, extra.ID.Name)
	}
}

func TestUnusedTensors(t *testing.T) {
	for family, want := range map[string][]string{
		"bert":       {"pooler.dense.bias", "pooler.dense.weight"},
		"distilbert": {"vocab_layer_norm.bias", "vocab_layer_norm.weight", "vocab_projector.bias", "vocab_transform.bias", "vocab_transform.weight"},
	} {
		files := published(t, family)
		g, err := graph.Encoder(t.Context(), files, tensorsOf(t, files))
		require.NoError(t, err)
		var names []string
		for _, id := range g.Unused {
			require.Equal(t, "model.safetensors", id.File)
			names = append(names, id.Name)
		}
		require.Equal(t, want, names)
		readBack(t, g, files)
	}
}

// transformers would load the adapter into the encoder.
func TestAdaptersAreRefused(t *testing.T) {
	for directory, build := range map[string]graph.Builder{"": graph.Encoder, "0_Transformer/": graph.Sentence} {
		files := published(t, map[string]string{"": "bert", "0_Transformer/": "sentence"}[directory])
		files[directory+"adapter_config.json"] = encoded(t, map[string]any{"peft_type": "LORA"})
		g, err := build(t.Context(), files, tensorsOf(t, files))
		refused(t, g, err, graph.ErrUnsupported, directory+"adapter_config.json")
	}
}

// A model may have any file, and the graph is none of them.
func TestTheGraphsNameIsNoFiles(t *testing.T) {
	files := published(t, "bert")
	for _, want := range []string{"graph.onnx", "graph-2.onnx", "graph-3.onnx"} {
		g, err := graph.Encoder(t.Context(), files, tensorsOf(t, files))
		require.NoError(t, err)
		require.Equal(t, want, g.File)
		readBack(t, g, files)
		files[want] = &fstest.MapFile{}
	}
}

func TestFilesThatAreNoJSON(t *testing.T) {
	files := published(t, "bert")
	config := string(files["config.json"].Data)
	for name, data := range map[string]string{
		"empty":         "",
		"an array":      "[]",
		"cut":           config[:len(config)/2],
		"trailing":      config + "{}",
		"a key twice":   strings.Replace(config, "{", `{"vocab_size": 60,`, 1),
		"twice within":  strings.Replace(config, "{", `{"id2label": {"0": "a", "\u0030": "b"},`, 1),
		"no UTF-8":      strings.Replace(config, "{", "{\"language\": \"\xff\",", 1),
		"a BOM":         "\ufeff" + config,
		"NaN":           strings.Replace(config, "1e-05", "NaN", 1),
		"deep":          strings.Repeat(`{"id2label":`, 20) + "0" + strings.Repeat("}", 20),
		"deep arrays":   strings.Repeat("[", 100000),
		"a brace early": "}",
		"long":          config + strings.Repeat(" ", 5<<20),
	} {
		t.Run(name, func(t *testing.T) {
			changed := maps.Clone(files)
			changed["config.json"] = &fstest.MapFile{Data: []byte(data)}
			g, err := graph.Encoder(t.Context(), changed, tensorsOf(t, files))
			refused(t, g, err, graph.ErrConfig, "config.json")
		})
	}
	long := strings.Repeat("k", 100000)
	changed := maps.Clone(files)
	changed["config.json"] = &fstest.MapFile{Data: []byte(`{"` + long + `": 1, "` + long + `": 1}`)}
	g, err := graph.Encoder(t.Context(), changed, tensorsOf(t, files))
	refused(t, g, err, graph.ErrConfig, "config.json")
	require.Less(t, len(err.Error()), 400)

	changed = maps.Clone(files)
	delete(changed, "config.json")
	g, err = graph.Encoder(t.Context(), changed, tensorsOf(t, files))
	refused(t, g, err, graph.ErrConfig, "config.json")
	g, err = graph.Sentence(t.Context(), files, tensorsOf(t, files))
	refused(t, g, err, graph.ErrConfig, "modules.json")
}

// broken is a file system whose files cannot be read.
type broken struct{ fs.FS }

func (b broken) Open(name string) (fs.File, error) {
	f, err := b.FS.Open(name)
	return brokenFile{f}, err
}

type brokenFile struct{ fs.File }

func (brokenFile) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestReadingThatFails(t *testing.T) {
	files := published(t, "sentence")
	tensors := tensorsOf(t, files)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, build := range []graph.Builder{graph.Encoder, graph.Sentence} {
		g, err := build(ended, files, tensors)
		require.Nil(t, g)
		require.ErrorIs(t, err, context.Canceled)
		plain, err := fs.Sub(files, "0_Transformer")
		require.NoError(t, err)
		for _, fsys := range []fs.FS{files, plain} {
			g, err = build(t.Context(), broken{fsys}, tensors)
			require.Nil(t, g)
			require.Error(t, err)
		}
	}
	_, err := graph.Sentence(t.Context(), broken{files}, tensors)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, ok := errors.AsType[*graph.Error](err)
	require.False(t, ok)
}
