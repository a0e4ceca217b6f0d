package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/weightgate/weightgate/formats/sidecar"
)

// withSidecars is lists and the scenarios of each kind of package sidecar: first
// files as the libraries write them, then what must not pass.
func withSidecars(lists map[string][]vector) map[string][]vector {
	add := func(format, name, expect, about, text string, beside ...file) {
		files := append([]file{{sidecarNames[format], []byte(text)}}, beside...)
		lists[format] = append(lists[format], vector{name, about, expect, files})
	}
	writtenSidecars(add)
	steeringSidecars(add)
	malformedSidecars(add)
	indexSidecars(add)
	for _, format := range slices.Sorted(maps.Keys(sidecarNames)) {
		if len(lists[format]) == 0 {
			panic("no vector of " + format)
		}
	}
	return lists
}

type addSidecar func(format, name, expect, about, text string, beside ...file)

// sidecarNames are the names that the libraries look for.
var sidecarNames = map[string]string{
	sidecar.Config:           "config.json",
	sidecar.GenerationConfig: "generation_config.json",
	sidecar.ProcessorConfig:  "preprocessor_config.json",
	sidecar.TokenizerConfig:  "tokenizer_config.json",
	sidecar.Tokenizer:        "tokenizer.json",
	sidecar.Index:            "model.safetensors.index.json",
	sidecar.ModelIndex:       "model_index.json",
	sidecar.GenAIConfig:      "genai_config.json",
	sidecar.AdapterConfig:    "adapter_config.json",
	sidecar.Modules:          "modules.json",
	sidecar.JSON:             "data.json",
}

func writtenSidecars(add addSidecar) {
	add(sidecar.Config, "bert", "admitted", "an encoder", `{
  "architectures": [
    "BertForMaskedLM"
  ],
  "attention_probs_dropout_prob": 0.1,
  "gradient_checkpointing": false,
  "hidden_act": "gelu",
  "hidden_size": 768,
  "layer_norm_eps": 1e-12,
  "model_type": "bert",
  "position_embedding_type": "absolute",
  "transformers_version": "4.6.0.dev0",
  "vocab_size": 30522
}
`)
	add(sidecar.Config, "qwen", "admitted", "a decoder", `{
  "architectures": ["Qwen2ForCausalLM"],
  "bos_token_id": 151643,
  "eos_token_id": 151645,
  "model_type": "qwen2",
  "rope_theta": 1000000.0,
  "sliding_window": null,
  "tie_word_embeddings": true,
  "torch_dtype": "bfloat16",
  "transformers_version": "4.43.1",
  "use_sliding_window": false
}
`)
	add(sidecar.Config, "llama-scaled", "admitted", "a decoder with nested objects", `{
  "architectures": ["LlamaForCausalLM"],
  "eos_token_id": [128001, 128008, 128009],
  "model_type": "llama",
  "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"},
  "quantization_config": {"quant_method": "fp8", "modules_to_not_convert": ["lm_head"]},
  "_attn_implementation": "flash_attention_2"
}`)
	add(sidecar.Config, "unet", "admitted", "a component of a pipeline", `{
  "_class_name": "UNet2DConditionModel",
  "_diffusers_version": "0.8.0",
  "act_fn": "silu",
  "attention_head_dim": [5, 10, 20, 20],
  "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"]
}`)
	add(sidecar.Config, "audio", "admitted", "labels that look like paths", `{"architectures":["ASTForAudioClassification"],"id2label":{"0":"/m/09x0r","1":"../x"},"model_type":"audio-spectrogram-transformer"}`)
	add(sidecar.Config, "sentence-transformers", "admitted", "versions, prompts", `{
  "__version__": {"sentence_transformers": "3.0.1", "transformers": "4.41.2", "pytorch": "2.3.0"},
  "prompts": {"query": "query: "},
  "default_prompt_name": null,
  "similarity_fn_name": "cosine"
}`)
	add(sidecar.Config, "pooling", "admitted", "the pooling of MiniLM", `{
  "word_embedding_dimension": 384,
  "pooling_mode_cls_token": false,
  "pooling_mode_mean_tokens": true
}`)
	add(sidecar.Config, "keras", "admitted", "a model of Keras 3", `{"module":"keras","class_name":"Sequential","config":{"name":"s","layers":[{"module":"keras.layers","class_name":"Dense","config":{"units":8,"activation":"relu"},"registered_name":null}]},"registered_name":null}`)
	add(sidecar.GenerationConfig, "gpt2", "admitted", "made from a model's config", `{"_from_model_config": true, "bos_token_id": 50256, "eos_token_id": 50256, "transformers_version": "4.26.0.dev0"}`)
	add(sidecar.GenerationConfig, "llama", "admitted", "how to sample", `{"bos_token_id":128000,"do_sample":true,"eos_token_id":[128001,128009],"temperature":0.6,"max_length":4096,"top_p":0.9,"transformers_version":"4.42.3"}`)
	add(sidecar.ProcessorConfig, "vit", "admitted", "how to prepare an image", `{"do_normalize":true,"do_resize":true,"image_mean":[0.5,0.5,0.5],"image_processor_type":"ViTFeatureExtractor","image_std":[0.5,0.5,0.5],"resample":2,"size":{"height":224,"width":224}}`)
	add(sidecar.ProcessorConfig, "whisper", "admitted", "how to prepare sound", `{"chunk_length":30,"feature_extractor_type":"WhisperFeatureExtractor","processor_class":"WhisperProcessor","return_attention_mask":false}`)
	add(sidecar.TokenizerConfig, "minilm", "admitted", "a tokenizer without a template", `{"do_lower_case": true, "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]", "tokenize_chinese_chars": true, "name_or_path": "nreimers/MiniLM-L6-H384-uncased", "tokenizer_class": "BertTokenizer"}`)
	add(sidecar.TokenizerConfig, "special-tokens", "admitted", "tokens that look like paths", `{"unk_token":"[UNK]","eos_token":{"content":"/s","lstrip":false},"additional_special_tokens":["../","/x.py"]}`)
	add(sidecar.Tokenizer, "wordpiece", "admitted", "the parts of a tokenizer", `{"version":"1.0","truncation":null,"padding":null,"added_tokens":[{"id":0,"content":"/root","special":true}],"normalizer":{"type":"Replace","pattern":{"String":"../x"},"content":" "},"pre_tokenizer":null,"post_processor":null,"decoder":null,"model":{"type":"BPE","vocab":{"a":0,"_target_":1},"merges":["/ a",["..","/etc"]]}}`)
	add(sidecar.ModelIndex, "stable-diffusion", "admitted", "a pipeline of known components", `{
  "_class_name": "StableDiffusionPipeline",
  "_diffusers_version": "0.8.0",
  "feature_extractor": [null, null],
  "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
  "scheduler": ["diffusers", "DDIMScheduler"],
  "text_encoder": ["transformers", "CLIPTextModel"],
  "unet": ["diffusers", "UNet2DConditionModel"]
}`)
	add(sidecar.GenAIConfig, "phi", "admitted", "a decoder on the CPU", `{"model":{"bos_token_id":1,"context_length":4096,"decoder":{"session_options":{"log_id":"onnxruntime-genai","provider_options":[]},"filename":"model.onnx","inputs":{"input_ids":"input_ids","past_key_names":"past_key_values.%d.key"}},"type":"phi3"},"search":{"do_sample":false,"num_beams":1}}`)
	add(sidecar.AdapterConfig, "lora", "sidecar.repository", "an adapter, which fetches its base by name", `{"auto_mapping":null,"base_model_name_or_path":"meta-llama/Llama-2-7b-hf","bias":"none","peft_type":"LORA","r":8,"target_modules":["q_proj","v_proj"],"task_type":"CAUSAL_LM"}`)
	add(sidecar.AdapterConfig, "mapped", "admitted", "an adapter of a class of transformers", `{"auto_mapping":{"base_model_class":"BertModel","parent_library":"transformers.models.bert.modeling_bert"},"base_model_name_or_path":null,"peft_type":"IA3"}`)
	add(sidecar.Modules, "minilm", "admitted", "the stages of MiniLM", `[
  {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
  {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}
]`)
	add(sidecar.Config, "unclaimed-vocabulary", "format.unknown", "a vocabulary, in which every word may be a key", `{"model_type":0,"auto_map":1,"architectures":2,"weight_map":3}`)
	add(sidecar.Config, "unclaimed-data", "format.unknown", "an object that steers nothing", `{"a":{"b":[1,2,3]},"c":"d"}`)
	add(sidecar.Config, "unclaimed-empty", "format.unknown", "an empty object", `{}`)
	add(sidecar.Config, "unclaimed-lines", "format.unknown", "several objects", `{"model_type":1}`+"\n"+`{"model_type":2}`)
}

func steeringSidecars(add addSidecar) {
	config := func(name, code, about, text string) { add(sidecar.Config, name, code, about, text) }

	config("auto-map", "sidecar.code.auto_map", "classes in Python files of the model", `{"architectures":["InternLM2ForCausalLM"],"auto_map":{"AutoConfig":"configuration_internlm2.InternLM2Config","AutoModel":"modeling_internlm2.InternLM2ForCausalLM"},"model_type":"internlm2"}`)
	config("auto-map-alone", "sidecar.code.auto_map", "nothing but the key", `{"auto_map":{"AutoConfig":"evil.Config"}}`)
	config("auto-map-escaped", "sidecar.code.auto_map", "the key in another spelling", `{"\u0061uto_map":{"AutoConfig":"evil--repo.Config"}}`)
	config("auto-map-nested", "sidecar.code.auto_map", "the key in a part of the config", `{"text_config":{"auto_map":{"AutoConfig":"evil.Config"}}}`)
	config("auto-map-marked", "sidecar.json", "behind a byte order mark, which some readers skip", "\ufeff"+`{"auto_map":{"AutoConfig":"evil.Config"}}`)
	config("auto-map-spaced", "sidecar.code.auto_map", "behind more whitespace than one would look at", strings.Repeat(" ", 1000)+`{"auto_map":{"AutoConfig":"evil.Config"}}`+strings.Repeat("\n", 1000))
	config("auto-map-empty", "admitted", "the key without a class", `{"auto_map": { },"model_type":"bert"}`)
	add(sidecar.TokenizerConfig, "auto-map", "sidecar.code.auto_map", "a tokenizer in a Python file", `{"auto_map":{"AutoTokenizer":["tokenization_chatglm.ChatGLMTokenizer",null]},"do_lower_case":false,"tokenizer_class":"ChatGLMTokenizer"}`)
	config("custom-pipelines", "sidecar.code.custom_pipeline", "pipelines in Python files", `{"custom_pipelines":{"pair-classification":{"impl":"pair.PairPipeline","pt":["AutoModel"]}},"model_type":"bert"}`)
	config("custom-pipeline", "sidecar.code.custom_pipeline", "a pipeline of a repository", `{"custom_pipeline":"evil/pipeline"}`)
	add(sidecar.ModelIndex, "custom-class", "sidecar.code.custom_pipeline", "a pipeline whose class lies in the model", `{"_class_name":["my_pipeline","MyPipeline"],"unet":["diffusers","UNet2DConditionModel"]}`)
	add(sidecar.ModelIndex, "custom-component", "sidecar.code.custom_pipeline", "a component whose class lies in the model", `{"_class_name":"StableDiffusionPipeline","unet":["my_unet","MyUNet"]}`, file{"unet/my_unet.py", []byte("class MyUNet: pass\n")})
	config("trust-remote-code", "sidecar.code.trust_remote_code", "a model that trusts itself", `{"model_type":"bert","trust_remote_code":true}`)
	config("trust-remote-code-word", "sidecar.code.trust_remote_code", "the same as a string", `{"trust_remote_code":"True"}`)
	config("trust-remote-code-false", "admitted", "a model that asks for no trust", `{"model_type":"bert","trust_remote_code":false}`)
	config("trust-remote-code-number", "sidecar.code.trust_remote_code", "the same as a number", `{"trust_remote_code":1}`)
	config("trust-remote-code-zero", "admitted", "a number that asks for no trust", `{"model_type":"bert","trust_remote_code":0}`)
	config("hydra", "sidecar.code.target", "a callable with its arguments", `{"model":{"_target_":"os.system","command":"true"}}`)
	config("keras-lambda", "sidecar.code.lambda", "marshalled bytecode", `{"module":"keras","class_name":"Sequential","config":{"layers":[{"module":"keras.layers","class_name":"Lambda","config":{"function":{"class_name":"__lambda__","config":{"code":"4wE="}}},"registered_name":null}]}}`)
	config("keras-module", "sidecar.code.import", "a function of any module", `{"class_name":"Functional","config":{"layers":[{"module":"builtins","class_name":"function","config":"print","registered_name":"function"}]}}`)
	config("keras-function", "sidecar.code.import", "a function of Keras that fetches files", `{"class_name":"Functional","config":{"module":"keras.utils","cl\u0061ss_name":"function","config":"get_file"}}`)
	config("keras-unsafe", "sidecar.code.unsafe", "a function that turns the safe mode off", `{"module":"keras","class_name":"Sequential","config":{"layers":[{"module":"keras.config","class_name":"function","config":"enable_unsafe_deserialization"}]}}`)
	config("keras-unsafe-mode", "sidecar.code.unsafe", "the safe mode turned off", `{"class_name":"TFSMLayer","config":{"safe_mode":false}}`)
	config("keras-unsafe-number", "sidecar.code.unsafe", "the safe mode turned off by a number", `{"class_name":"TFSMLayer","config":{"safe_mode":0}}`)
	config("kernel", "sidecar.code.kernel", "a kernel that is fetched and imported", `{"model_type":"llama","_attn_implementation_internal":"evil/kernel"}`)
	config("kernel-parts", "sidecar.code.kernel", "a kernel for a part of the model", `{"model_type":"llava","attn_implementation":{"text_config":"evil/kernel"}}`)
	add(sidecar.AdapterConfig, "parent-library", "sidecar.code.import", "an adapter whose base class is imported from anywhere", `{"auto_mapping":{"base_model_class":"M","parent_library":"evil.module"},"peft_type":"LORA"}`)
	add(sidecar.Modules, "import", "sidecar.code.import", "a stage that is imported from anywhere", `[{"idx":0,"name":"0","path":"","type":"evil.module.Transformer"}]`)
	config("dense", "admitted", "a layer of sentence-transformers", `{"in_features":768,"out_features":512,"bias":true,"activation_function":"torch.nn.modules.activation.Tanh"}`)
	config("dense-import", "sidecar.code.import", "an activation that is imported from anywhere", `{"in_features":768,"out_features":512,"bias":true,"activation_function":"evil.module.Tanh"}`)
	config("cross-encoder-import", "sidecar.code.import", "the activation of a cross-encoder", `{"model_type":"bert","sentence_transformers":{"activation_fn":"evil.module.Sigmoid"}}`)
	config("word-embeddings-import", "sidecar.code.import", "a tokenizer that is imported from anywhere", `{"tokenizer_class":"evil.module.Tokenizer","do_lower_case":false,"model_type":"x"}`)
	config("router", "admitted", "a router over the library's own modules", `{"types":{"query_0_Pooling":"sentence_transformers.models.Pooling"},"structure":{"query":["query_0_Pooling"]}}`)
	config("router-import", "sidecar.code.import", "a router over modules that are imported from anywhere", `{"types":{"query_0_M":"evil.module.M"},"structure":{"query":["query_0_M"]}}`)
	add(sidecar.JSON, "modules", "sidecar.code.import", "a list of modules behind more whitespace than one looks at", strings.Repeat(" ", 64<<10)+`[{"idx":0,"name":"0","path":"","type":"evil.module.Transformer"}]`)
	add(sidecar.GenAIConfig, "custom-ops", "sidecar.code.library", "operators from a native library", `{"model":{"decoder":{"filename":"model.onnx","session_options":{"custom_ops_library":"ops"}}},"search":{}}`)
	add(sidecar.GenAIConfig, "provider-library", "sidecar.code.library", "a provider from a native library", `{"model":{"decoder":{"session_options":{"provider_options":[{"qnn":{"backend_path":"QnnHtp.dll"}}]}}},"search":{}}`)
	add(sidecar.GenAIConfig, "library-version", "sidecar.code.library", "a library with its version", `{"search":{"x":["lib/libops.so.1.2"]}}`)
	config("script", "sidecar.code.script", "the name of a Python file", `{"model_type":"bert","entry":"src/handler.py"}`)
	config("origin", "sidecar.origin", "where a model comes from", `{"_name_or_path":"/home/someone/checkpoint","model_type":"bert"}`)
	config("repository", "sidecar.repository", "another model, fetched by name", `{"model_type":"rag","question_encoder_name_or_path":"facebook/dpr"}`)
	config("url", "sidecar.url", "an address", `{"model_type":"bert","weights":"https://example.org/m.bin"}`)
	config("url-bucket", "sidecar.url", "an address in a bucket", `{"model_type":"bert","weights":["s3://bucket/m"]}`)
	config("path-climb", "sidecar.path.climb", "a path out of the model", `{"model_type":"bert","vocab_file":"../../etc/passwd"}`)
	config("path-climb-windows", "sidecar.path.climb", "a path out of the model on Windows", `{"model_type":"bert","vocab_file":"a\\..\\..\\b"}`)
	config("path-absolute", "sidecar.path.absolute", "a path of some machine", `{"model_type":"bert","vocab_file":"/etc/passwd"}`)
	config("path-absolute-windows", "sidecar.path.absolute", "a path of some machine with a drive", `{"model_type":"bert","vocab_file":"C:\\vocab.txt"}`)
	add(sidecar.TokenizerConfig, "template", "sidecar.template", "a chat template", `{"added_tokens_decoder":{},"chat_template":"{% for m in messages %}{{ m.content }}{% endfor %}"}`)
	add(sidecar.TokenizerConfig, "templates", "sidecar.template", "several chat templates", `{"chat_template":[{"name":"default","template":"{{ messages }}"}]}`)
}

func malformedSidecars(add addSidecar) {
	json := func(name, about, text string) {
		add(sidecar.Config, "json-"+name, "sidecar.json", about, `{"model_type":"bert",`+text+`}`)
	}
	json("nan", "a number that JSON does not have, and Python reads", `"x":NaN`)
	json("infinity", "another", `"x":-Infinity`)
	json("leading-zero", "a number with a leading zero", `"x":01`)
	json("trailing-comma", "a comma before the brace", `"x":1,`)
	json("surrogate", "half a character, which Python reads", `"x":"\ud800"`)
	json("control", "a line break in a string", "\"x\":\"\n\"")
	json("utf8", "a string that is not UTF-8", "\"x\":\"\xff\"")
	json("bare-key", "a key without quotes", `x:1`)
	json("trailing", "a second object behind the first", `"x":1}{`)
	duplicate := func(name, about, text string) {
		add(sidecar.Config, "duplicate-"+name, "sidecar.duplicate", about, text)
	}
	duplicate("key", "two model types", `{"model_type":"bert","model_type":"evil"}`)
	duplicate("escaped", "one key in two spellings", `{"model_type":"bert","model_\u0074ype":"evil"}`)
	duplicate("nested", "one key twice in a part", `{"model_type":"bert","a":[{"b":{"x":1,"y":2,"x":3}}]}`)
	add(sidecar.Index, "duplicate-map", "sidecar.duplicate", "two maps", `{"weight_map":{},"weight_map":{}}`)
	add(sidecar.Config, "nesting", "sidecar.limit", "lists in lists", `{"model_type":"bert","x":`+strings.Repeat("[", 32)+strings.Repeat("]", 32)+`}`)
	add(sidecar.ModelIndex, "parts", "sidecar.limit", "more components than a pipeline has", `{"unet":["diffusers","U"]`+manyParts(1024)+`}`)
}

func manyParts(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"` + string(rune('a'+i%26)) + string(rune('a'+i/26)) + `":["d"]`)
	}
	return b.String()
}

func indexSidecars(add addSidecar) {
	const entry = `{"dtype":"U8","shape":[2],"data_offsets":[0,2]}`
	one := file{"model-00001-of-00002.safetensors", safetensorsFile(`{"a":`+entry+`}`, 2)}
	two := file{"model-00002-of-00002.safetensors", safetensorsFile(`{"b":`+entry+`}`, 2)}
	both := file{two.name, safetensorsFile(`{"b":`+entry+`,"c":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 3)}
	const shards = `"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"`
	index := func(name, expect, about, text string, beside ...file) {
		add(sidecar.Index, name, expect, about, text, beside...)
	}

	index("shards", "admitted", "two shards", `{"metadata":{"total_size":4},"weight_map":{`+shards+`}}`, one, two)
	index("map-first", "admitted", "the map before the metadata, the size a float", `{"weight_map":{`+shards+`},"metadata":{"total_size":4.0,"total_parameters":4}}`, one, two)
	index("below", "admitted", "a shard in a directory", `{"weight_map":{"a":"shards/1.safetensors"}}`, file{"shards/1.safetensors", one.data})
	index("missing", "sidecar.index.missing", "a shard that is not there", `{"weight_map":{`+shards+`}}`, one)
	index("tensor", "sidecar.index.tensor", "a tensor that its shard does not hold", `{"weight_map":{"a":"model-00001-of-00002.safetensors","z":"model-00001-of-00002.safetensors"}}`, one)
	index("tensor-swapped", "sidecar.index.tensor", "two tensors in each other's shard", `{"weight_map":{"b":"model-00001-of-00002.safetensors","a":"model-00002-of-00002.safetensors"}}`, one, two)
	index("unnamed", "sidecar.index.unnamed", "a tensor that nobody names", `{"weight_map":{`+shards+`}}`, one, both)
	index("size", "sidecar.index.size", "a sum that is not the tensors'", `{"metadata":{"total_size":5},"weight_map":{`+shards+`}}`, one, two)
	index("pickles", "sidecar.index.unchecked", "shards of PyTorch", `{"metadata":{"total_size":5},"weight_map":{"a":"pytorch_model-00001-of-00001.bin"}}`, file{"pytorch_model-00001-of-00001.bin", []byte("\x80\x02}q\x00.")})
	index("broken", "sidecar.index.unchecked", "a shard that is cut short, which is its own finding", `{"weight_map":{"a":"model-00001-of-00002.safetensors"}}`, file{one.name, one.data[:len(one.data)-1]})
	index("twice", "sidecar.index.twice", "one tensor in two shards", `{"weight_map":{`+shards+`,"a":"model-00002-of-00002.safetensors"}}`, one, two)
	index("path-climb", "sidecar.index.path", "a shard outside the model", `{"weight_map":{"a":"../model.safetensors"}}`)
	index("path-absolute", "sidecar.index.path", "a shard of some machine", `{"weight_map":{"a":"/models/model.safetensors"}}`)
	index("path-long-way", "sidecar.index.path", "a shard by a detour", `{"weight_map":{"a":"x/../model.safetensors"}}`)
	index("form", "sidecar.index.form", "a tensor in no file", `{"weight_map":{"a":1}}`)
	index("steering", "sidecar.code.auto_map", "an index that says more than where tensors lie", `{"metadata":{"auto_map":{"AutoModel":"evil.M"}},"weight_map":{}}`)
}
