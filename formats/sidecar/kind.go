package sidecar

import (
	"bytes"
	"slices"
	"strings"

	"github.com/weightgate/weightgate/formats"
)

const (
	headSize = 64 << 10 // how much of a text tells its kind
	tailSize = 64       // how much of its end is looked at
	glance   = 512      // how much tells a text from other files
)

// anywhere is the depth of a sign that counts at every depth.
const anywhere = 0

// A sign is keys that tell a kind. Values of the wrong type tell nothing: in a
// vocabulary every word may be a key, and all values are numbers.
type sign struct {
	kind  string
	depth int    // 1 in the outermost object
	begin string // the bytes that a value may begin with
	keys  []string
}

const (
	aString = `"`
	aBool   = "tf"
	aNumber = "-0123456789NI" // also what Python reads: NaN and Infinity
	object  = "{"
	array   = "["
)

// decisive signs end the search: the first of them in a text decides.
var decisive = []sign{
	{Index, 1, object, []string{"weight_map"}},
	{Tokenizer, 1, array, []string{"added_tokens"}},
	{Tokenizer, 1, object, []string{"pre_tokenizer"}},
	{AdapterConfig, 1, aString, []string{"peft_type"}},
	{GenAIConfig, anywhere, object, []string{"session_options"}},
	{ModelIndex, 1, array, []string{
		"_class_name", "feature_extractor", "image_encoder", "safety_checker", "scheduler",
		"text_encoder", "tokenizer", "transformer", "unet", "vae",
	}},
	{TokenizerConfig, 1, object, []string{"added_tokens_decoder"}},
	{ProcessorConfig, 1, aString, []string{"feature_extractor_type", "image_processor_type", "video_processor_type"}},
	{GenerationConfig, 1, aBool, []string{"_from_model_config"}},
	{Config, 1, aString, []string{"model_type"}},
	{Config, 1, array, []string{"architectures"}},
}

// hints count where no sign is decisive, the first of the list before the others.
var hints = []sign{
	{GenAIConfig, 1, object, []string{"search"}},
	{TokenizerConfig, 1, aString, []string{"tokenizer_class"}},
	{TokenizerConfig, 1, aString + array + object, []string{"chat_template"}},
	{TokenizerConfig, 1, aString + object, []string{"bos_token", "cls_token", "eos_token", "mask_token", "pad_token", "sep_token", "unk_token"}},
	{TokenizerConfig, 1, aBool, []string{"do_lower_case"}},
	{ProcessorConfig, 1, aString, []string{"processor_class"}},
	{ProcessorConfig, 1, aBool, []string{"do_normalize", "do_resize"}},
	{GenerationConfig, 1, aBool, []string{"do_sample", "early_stopping"}},
	{Config, 1, aString, []string{"_class_name", "_diffusers_version", "_name_or_path", "class_name", "torch_dtype"}},
	{Config, 1, aBool, []string{"pooling_mode_cls_token"}},
	{Config, 1, object, []string{"__version__", "quantization_config"}},
	{Config, 1, object, []string{"types"}},
	{Config, anywhere, aString, importKeys},
	{Config, anywhere, aString + aBool + array + object, steeringKeys},
	{Config, anywhere, aString + aBool + aNumber + array + object, switchKeys},
	{GenerationConfig, 1, aString, []string{"transformers_version"}},
}

// inModules are the signs of a text that is an array.
var inModules = []sign{{Modules, 2, aString, []string{"type"}}}

func (s sign) shownBy(depth int, key []byte, begin byte) bool {
	return (s.depth == anywhere || s.depth == depth) &&
		strings.IndexByte(s.begin, begin) >= 0 &&
		slices.ContainsFunc(s.keys, func(k string) bool { return k == string(key) })
}

// shown is the first of signs that key shows, or their number.
func shown(signs []sign, depth int, key []byte, begin byte) int {
	for i, s := range signs {
		if s.shownBy(depth, key, begin) {
			return i
		}
	}
	return len(signs)
}

// kindOf is the kind that in shows the signs of, or none.
func kindOf(in formats.Input) (string, error) {
	begin, err := lead(in)
	if err != nil || strings.IndexByte("{[ ", begin) < 0 {
		return "", err
	}
	end, err := trail(in)
	if err != nil || !around(begin, end) {
		return "", err
	}
	text, err := head(in, headSize)
	if err != nil {
		return "", err
	}
	whole := int64(len(text)) == in.Size()

	firm, weak := decisive, hints
	if begin == '[' {
		firm, weak = inModules, nil
	}
	kind, hint := "", len(weak)
	fits := outline(text, whole, func(depth int, key []byte, begin byte) bool {
		if i := shown(firm, depth, key, begin); i < len(firm) {
			kind = firm[i].kind
			return false
		}
		if i := shown(weak, depth, key, begin); i < hint {
			hint = i
		}
		return true
	})
	switch {
	case !fits || kind != "":
		return kind, nil
	case hint < len(weak):
		return weak[hint].kind, nil
	case !whole:
		return JSON, nil
	}
	return "", nil
}

// around reports whether begin and end may be the brackets around a text. A
// blank is one that did not come soon.
func around(begin, end byte) bool {
	switch string([]byte{begin, end}) {
	case "{}", "{ ", "[]", "[ ", " }", " ]", "  ":
		return true
	}
	return false
}

// lead is the first byte of in that is neither a byte order mark, which some
// readers skip, nor whitespace, or a blank where none comes soon.
func lead(in formats.Input) (byte, error) {
	for _, n := range []int64{glance, headSize} {
		text, err := head(in, n)
		if err != nil {
			return 0, err
		}
		if text = trimmed(text); len(text) > 0 {
			return text[0], nil
		}
	}
	return ' ', nil
}

// head is the first n bytes of in, or all of it.
func head(in formats.Input, n int64) ([]byte, error) {
	b := make([]byte, min(in.Size(), n))
	return b, formats.ReadFull(in, b, 0)
}

func trimmed(text []byte) []byte {
	return bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\ufeff")), whitespace)
}

// trail is the last byte of in that is no whitespace, or a blank where there is
// much of that.
func trail(in formats.Input) (byte, error) {
	tail := make([]byte, min(in.Size(), tailSize))
	if err := formats.ReadFull(in, tail, in.Size()-int64(len(tail))); err != nil {
		return 0, err
	}
	if tail = bytes.TrimRight(tail, whitespace); len(tail) > 0 {
		return tail[len(tail)-1], nil
	}
	return ' ', nil
}
