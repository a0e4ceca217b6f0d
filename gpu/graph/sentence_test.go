package graph_test

import (
	"maps"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/gpu/graph"
)

// entry is one of modules.json.
func entry(i int, path, kind string) map[string]any {
	return map[string]any{"idx": i, "name": "x", "path": path, "type": "sentence_transformers.models." + kind}
}

func TestModulesThatAreRefused(t *testing.T) {
	transformer, pooling := entry(0, "0_Transformer", "Transformer"), entry(1, "1_Pooling", "Pooling")
	with := func(m map[string]any, key string, v any) map[string]any {
		m = maps.Clone(m)
		if m[key] = v; v == absent {
			delete(m, key)
		}
		return m
	}
	for name, c := range map[string]struct {
		modules any
		kind    error
		named   string
	}{
		"no array":             {transformer, graph.ErrConfig, "modules.json"},
		"none":                 {[]any{}, graph.ErrConfig, "modules.json"},
		"no pooling":           {[]any{transformer}, graph.ErrConfig, "modules.json"},
		"too many":             {make([]any, 17), graph.ErrConfig, "modules.json"},
		"no object":            {[]any{transformer, "Pooling"}, graph.ErrConfig, "modules.json"},
		"no transformer":       {[]any{entry(0, "0_WordEmbeddings", "WordEmbeddings"), pooling}, graph.ErrUnsupported, "type"},
		"another order":        {[]any{entry(0, "1_Pooling", "Pooling"), entry(1, "0_Transformer", "Transformer")}, graph.ErrUnsupported, "type"},
		"two poolings":         {[]any{transformer, pooling, entry(2, "2_Pooling", "Pooling")}, graph.ErrUnsupported, "type"},
		"two transformers":     {[]any{transformer, pooling, entry(2, "2", "Transformer")}, graph.ErrUnsupported, "type"},
		"dense before pooling": {[]any{transformer, entry(1, "3_Dense", "Dense"), entry(2, "1_Pooling", "Pooling")}, graph.ErrUnsupported, "type"},
		"one that is unknown":  {[]any{transformer, pooling, entry(2, "2_LSTM", "LSTM")}, graph.ErrUnsupported, "type"},
		"one of its own":       {[]any{transformer, pooling, with(pooling, "type", "custom.Pooling")}, graph.ErrConfig, "idx"},
		"code of its own":      {[]any{transformer, with(pooling, "type", "custom.Pooling")}, graph.ErrUnsupported, "type"},
		"a directory twice":    {[]any{transformer, pooling, entry(2, "1_Pooling", "Normalize")}, graph.ErrConfig, "path"},
		"a path that climbs":   {[]any{transformer, entry(1, "../1_Pooling", "Pooling")}, graph.ErrConfig, "path"},
		"an absolute path":     {[]any{transformer, entry(1, "/1_Pooling", "Pooling")}, graph.ErrConfig, "path"},
		"no path":              {[]any{transformer, with(pooling, "path", absent)}, graph.ErrConfig, "path"},
		"no type":              {[]any{transformer, with(pooling, "type", absent)}, graph.ErrConfig, "type"},
		"another index":        {[]any{transformer, with(pooling, "idx", 2)}, graph.ErrConfig, "idx"},
		"a key more":           {[]any{transformer, with(pooling, "kwargs", []any{"task"})}, graph.ErrUnsupported, "kwargs"},
		"no directory of it":   {[]any{transformer, entry(1, "9_Pooling", "Pooling")}, graph.ErrConfig, "9_Pooling/config.json"},
		"no encoder there":     {[]any{entry(0, "", "Transformer"), pooling}, graph.ErrConfig, "config.json"},
	} {
		t.Run(name, func(t *testing.T) {
			files := published(t, "sentence")
			files["modules.json"] = encoded(t, c.modules)
			g, err := graph.Sentence(t.Context(), files, tensorsOf(t, files))
			refused(t, g, err, c.kind, c.named)
		})
	}
}

func TestModuleConfigsThatAreRefused(t *testing.T) {
	const pooling, dense, normalize, transformer = "1_Pooling/config.json", "3_Dense/config.json", "2_Normalize/config.json", "0_Transformer/sentence_bert_config.json"
	files := published(t, "sentence")
	files["modules.json"] = encoded(t, []any{
		entry(0, "0_Transformer", "Transformer"), entry(1, "1_Pooling", "Pooling"), entry(2, "3_Dense", "Dense"), entry(3, "2_Normalize", "Normalize"),
	})
	files[pooling] = encoded(t, map[string]any{"embedding_dimension": 24, "pooling_mode": []any{"cls", "mean"}})
	files[normalize] = encoded(t, map[string]any{"module_input_name": "sentence_embedding", "module_output_name": nil})
	files[transformer] = encoded(t, map[string]any{"max_seq_length": 16, "transformer_task": "feature-extraction", "module_output_name": "token_embeddings",
		"modality_config": map[string]any{"text": map[string]any{"method": "forward", "method_output_name": "last_hidden_state"}}})
	g, err := graph.Sentence(t.Context(), files, tensorsOf(t, files))
	require.NoError(t, err)
	require.Equal(t, []int64{-1, 16}, readBack(t, g, files).Outputs()[0].Shape)

	for _, c := range []struct {
		file, key string
		value     any
		kind      error
	}{
		{pooling, "embedding_dimension", absent, graph.ErrConfig},
		{pooling, "embedding_dimension", 25, graph.ErrConfig},
		{pooling, "word_embedding_dimension", 24, graph.ErrUnsupported},
		{pooling, "pooling_mode", "lasttoken", graph.ErrUnsupported},
		{pooling, "pooling_mode", "weightedmean", graph.ErrUnsupported},
		{pooling, "pooling_mode", []any{"cls", 1}, graph.ErrUnsupported},
		{pooling, "pooling_mode", []any{"cls", "cls", "cls", "cls", "cls"}, graph.ErrUnsupported},
		{pooling, "pooling_mode", []any{}, graph.ErrConfig},
		{pooling, "pooling_mode", nil, graph.ErrUnsupported},
		{pooling, "pooling_mode_mean_tokens", true, graph.ErrUnsupported}, // of two ways to say it, one
		{pooling, "pooling_mode_lasttoken", true, graph.ErrUnsupported},
		{pooling, "include_prompt", false, graph.ErrUnsupported},
		{dense, "in_features", 47, graph.ErrConfig},
		{dense, "out_features", absent, graph.ErrConfig},
		{dense, "bias", absent, graph.ErrConfig},
		{dense, "bias", 1, graph.ErrConfig},
		{dense, "activation_function", "torch.nn.modules.activation.Softmax", graph.ErrUnsupported},
		{dense, "activation_function", "custom.activation.GELU", graph.ErrUnsupported},
		{dense, "use_residual", true, graph.ErrUnsupported},
		{dense, "module_input_name", "token_embeddings", graph.ErrUnsupported},
		{dense, "init_weight", nil, graph.ErrUnsupported},
		{normalize, "module_input_name", "token_embeddings", graph.ErrUnsupported},
		{normalize, "p", 1, graph.ErrUnsupported},
		{transformer, "transformer_task", "fill-mask", graph.ErrUnsupported},
		{transformer, "module_output_name", "sentence_embedding", graph.ErrUnsupported},
		{transformer, "query_expansion", map[string]any{"length": 32}, graph.ErrUnsupported},
		{transformer, "query_length", 32, graph.ErrUnsupported},
		{transformer, "document_length", 32, graph.ErrUnsupported},
		{transformer, "model_args", map[string]any{"trust_remote_code": true}, graph.ErrUnsupported},
		{transformer, "config_args", []any{"x"}, graph.ErrUnsupported},
		{transformer, "modality_config", map[string]any{"image": map[string]any{}}, graph.ErrUnsupported},
		{transformer, "modality_config", nil, graph.ErrUnsupported},
		{transformer, "peft", true, graph.ErrUnsupported},
	} {
		t.Run(c.file+"/"+c.key, func(t *testing.T) {
			g, err := graph.Sentence(t.Context(), replace(t, files, c.file, map[string]any{c.key: c.value}), tensorsOf(t, files))
			refused(t, g, err, c.kind, c.key)
		})
	}
	for out, named := range map[any]string{8: "3_Dense/linear.weight", 1 << 30: "3_Dense/linear.weight"} {
		changed := replace(t, files, dense, map[string]any{"out_features": out})
		g, err := graph.Sentence(t.Context(), changed, tensorsOf(t, files))
		require.Nil(t, g, named)
		require.ErrorIs(t, err, graph.ErrTensor)
	}
	changed := replace(t, files, dense, map[string]any{"bias": false})
	g, err = graph.Sentence(t.Context(), changed, tensorsOf(t, files))
	refused(t, g, err, graph.ErrTensor, "linear.bias")
}

// Before version 6 each mode had a key of its own. What the reference makes of
// missing ones is among the cases of testdata/sentence.
func TestLegacyPoolingModes(t *testing.T) {
	files := published(t, "sentence")
	const cls, mean, most, root = "pooling_mode_cls_token", "pooling_mode_mean_tokens", "pooling_mode_max_tokens", "pooling_mode_mean_sqrt_len_tokens"
	for _, c := range []struct {
		keys  map[string]any
		kind  error
		named string
	}{
		{map[string]any{mean: false}, graph.ErrConfig, mean}, // the four are there, and false
		{map[string]any{cls: absent, mean: false, most: absent, root: absent}, graph.ErrConfig, mean},
		{map[string]any{mean: absent, cls: true}, graph.ErrConfig, mean},
		{map[string]any{mean: 1}, graph.ErrConfig, mean},
		{map[string]any{cls: nil}, graph.ErrConfig, cls},
		{map[string]any{"pooling_mode_weightedmean_tokens": true}, graph.ErrUnsupported, "pooling_mode_weightedmean_tokens"},
		{map[string]any{"pooling_mode_lasttoken": true}, graph.ErrUnsupported, "pooling_mode_lasttoken"},
	} {
		g, err := graph.Sentence(t.Context(), replace(t, files, "1_Pooling/config.json", c.keys), tensorsOf(t, files))
		refused(t, g, err, c.kind, c.named)
	}
	whole, err := graph.Sentence(t.Context(), files, tensorsOf(t, files))
	require.NoError(t, err)
	for _, keys := range []map[string]any{
		{cls: absent}, {most: absent}, {root: absent}, {cls: absent, most: absent, root: absent, mean: absent}, {mean: absent},
		{"pooling_mode_weightedmean_tokens": false, "pooling_mode_lasttoken": false},
	} {
		g, err := graph.Sentence(t.Context(), replace(t, files, "1_Pooling/config.json", keys), tensorsOf(t, files))
		require.NoError(t, err, "%v", keys)
		require.Equal(t, whole, g, "%v", keys)
	}
}

// What a model says about all of its modules. What is computed of it is among
// the cases of testdata/sentence.
func TestSentenceConfigsThatAreRefused(t *testing.T) {
	const name = "config_sentence_transformers.json"
	files := published(t, "sentence")
	whole, err := graph.Sentence(t.Context(), files, tensorsOf(t, files))
	require.NoError(t, err)
	files[name] = encoded(t, map[string]any{
		"__version__": map[string]any{"sentence_transformers": "6.2.0"}, "model_type": "SentenceTransformer", "similarity_fn_name": "dot",
		"prompts": map[string]any{"query": "query: "}, "default_prompt_name": nil, "truncate_dim": nil,
	})
	same, err := graph.Sentence(t.Context(), files, tensorsOf(t, files))
	require.NoError(t, err)
	require.Equal(t, whole, same)

	for _, c := range []struct {
		key   string
		value any
		kind  error
	}{
		{"truncate_dim", 0, graph.ErrConfig},
		{"truncate_dim", -1, graph.ErrConfig},
		{"truncate_dim", 1.5, graph.ErrConfig},
		{"truncate_dim", "8", graph.ErrConfig},
		{"truncate_dim", false, graph.ErrConfig},
		{"truncate_dim", []any{8}, graph.ErrConfig},
		{"default_prompt_name", "query", graph.ErrUnsupported},
		{"default_prompt_name", "", graph.ErrUnsupported},
		{"model_type", "SparseEncoder", graph.ErrUnsupported},
		{"model_type", nil, graph.ErrUnsupported},
		{"requirements", map[string]any{"sentence-transformers": ">=7"}, graph.ErrUnsupported},
		{"normalize_embeddings", true, graph.ErrUnsupported},
	} {
		g, err := graph.Sentence(t.Context(), replace(t, files, name, map[string]any{c.key: c.value}), tensorsOf(t, files))
		refused(t, g, err, c.kind, c.key)
	}
	files[name] = &fstest.MapFile{Data: []byte("nonsense")}
	g, err := graph.Sentence(t.Context(), files, tensorsOf(t, files))
	refused(t, g, err, graph.ErrConfig, name)
}

// The reference reads any of these names, and of two the one that it comes to.
func TestTransformerConfigsByAnyName(t *testing.T) {
	const directory = "0_Transformer/"
	files := published(t, "sentence")
	whole, err := graph.Sentence(t.Context(), files, tensorsOf(t, files))
	require.NoError(t, err)
	for _, name := range []string{
		"sentence_bert_config.json", "sentence_roberta_config.json", "sentence_distilbert_config.json", "sentence_camembert_config.json",
		"sentence_albert_config.json", "sentence_xlm-roberta_config.json", "sentence_xlnet_config.json",
	} {
		one := maps.Clone(files)
		one[directory+name] = encoded(t, map[string]any{"max_seq_length": 16, "model_args": map[string]any{}, "tokenizer_args": map[string]any{"x": 1}})
		g, err := graph.Sentence(t.Context(), one, tensorsOf(t, files))
		require.NoError(t, err, name)
		require.Equal(t, whole, g, name)

		for _, key := range []string{"model_args", "model_kwargs", "config_args", "config_kwargs"} {
			steered := replace(t, one, directory+name, map[string]any{key: map[string]any{"hidden_act": "relu"}})
			g, err = graph.Sentence(t.Context(), steered, tensorsOf(t, files))
			refused(t, g, err, graph.ErrUnsupported, key)
		}
		const other = directory + "sentence_bert_config.json"
		if directory+name == other {
			continue
		}
		one[other] = encoded(t, map[string]any{"max_seq_length": 16})
		g, err = graph.Sentence(t.Context(), one, tensorsOf(t, files))
		refused(t, g, err, graph.ErrUnsupported, directory+name)
	}
}

// The tensors of a module lie in its directory, and nowhere else.
func TestTensorsOfAModule(t *testing.T) {
	files := published(t, "sentence")
	tensors := tensorsOf(t, files)
	elsewhere := append([]formats.Tensor(nil), tensors...)
	for i := range elsewhere {
		elsewhere[i].ID.File = "model.safetensors"
	}
	g, err := graph.Sentence(t.Context(), files, elsewhere)
	refused(t, g, err, graph.ErrTensor, "0_Transformer/embeddings.word_embeddings.weight")

	root := fstest.MapFS{}
	maps.Copy(root, files)
	for _, name := range []string{"config.json", "model.safetensors"} {
		root[name] = files["0_Transformer/"+name]
		delete(root, "0_Transformer/"+name)
	}
	root["modules.json"] = encoded(t, []any{entry(0, "", "Transformer"), entry(1, "1_Pooling", "Pooling")})
	g, err = graph.Sentence(t.Context(), root, tensorsOf(t, root))
	require.NoError(t, err)
	readBack(t, g, root)
}
