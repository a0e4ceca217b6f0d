package sidecar

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/weightgate/weightgate/formats"
)

// maxParts is how many components a pipeline may have.
const maxParts = 1 << 10

// steeringKeys are the keys for which alone a text is a configuration.
var steeringKeys = slices.Concat(kernelKeys, libraryKeys, []string{
	"auto_map", "custom_pipeline", "custom_pipelines", "_target_", "registered_name", "base_model_name_or_path",
})

// switchKeys are asked for whether they are true.
var switchKeys = []string{"trust_remote_code", "enable_unsafe_deserialization", "safe_mode"}

// importKeys name what sentence-transformers imports: the activation of a layer
// or of a cross-encoder, the tokenizer of word embeddings.
var importKeys = []string{"activation_function", "activation_fct", "activation_fn", "sbert_ce_default_activation_function", "tokenizer_class"}

// kernelKeys choose what computes attention: the name of a function that the
// library brings or, with a slash in it, a repository that is fetched and
// imported without asking for trust (CVE-2026-4372).
var kernelKeys = []string{"attn_implementation", "_attn_implementation", "_attn_implementation_internal", "experts_implementation", "_experts_implementation_internal"}

// libraryKeys name a native library.
var libraryKeys = []string{"custom_ops_library", "custom_op_library", "custom_ops_libraries", "ep_library_path"}

// wordKeys have strings of people and tokens of models beneath them, in which
// a slash or a dot is no path.
var wordKeys = []string{
	"vocab", "merges", "added_tokens", "added_tokens_decoder", "additional_special_tokens", "extra_special_tokens",
	"content", "chat_template", "chat_templates", "prompts", "id2label", "label2id",
	"String", "Regex", "precompiled_charsmap",
}

func isKernel(key string) bool { return slices.Contains(kernelKeys, key) }

func isSwitch(key string) bool { return slices.Contains(switchKeys, key) }

func isWords(key string) bool {
	return slices.Contains(wordKeys, key) || strings.HasSuffix(key, "_token")
}

// container judges an object or an array before it is read. What is in an array
// stands where the array does, and is judged there.
func (r *reader) container(at place, begin byte) {
	empty := r.empty()
	r.toggle(at, !empty, empty, "a list or an object")
	object := begin == '{' && !empty
	switch at.key {
	case "auto_map":
		if object {
			r.find(CodeAutoMap, at.pos, "auto_map names classes in Python files of a repository")
		}
	case "custom_pipeline", "custom_pipelines":
		if object {
			r.find(CodeCustomPipeline, at.pos, "%s names pipelines in Python files", at.key)
		}
	case "chat_template":
		if object {
			r.find(CodeTemplate, at.pos, "a template that a library renders")
		}
	case "_class_name":
		if at.depth == 1 && begin == '[' {
			r.find(CodeCustomPipeline, at.pos, "_class_name is a list: the class lies in a Python file of the model")
		}
	}
}

// empty reports whether nothing is in the bracket that comes next.
func (r *reader) empty() bool {
	rest := bytes.TrimLeft(r.Text[r.Pos+1:], whitespace)
	return len(rest) > 0 && (rest[0] == '}' || rest[0] == ']')
}

// toggle judges the value of a switch, which some reader takes as on or some as
// off: Python by whether it is empty or zero, others by its words.
func (r *reader) toggle(at place, on, off bool, value string) {
	if r.depth != at.depth {
		return // an element of an array, which is the value
	}
	switch {
	case at.key == "trust_remote_code" && on:
		r.find(CodeTrust, at.pos, "trust_remote_code is %s", value)
	case at.key == "enable_unsafe_deserialization" && on, at.key == "safe_mode" && off:
		r.find(CodeUnsafe, at.pos, "%s is %s", at.key, value)
	}
}

func (r *reader) number(at place, n []byte) {
	switch {
	case at.key == "total_size" && at.depth == 2:
		r.index.totalSize(at.pos, n)
	case isSwitch(at.key) && !at.words: // in a vocabulary the number is a token's
		f, _ := strconv.ParseFloat(string(n), 64) // of the grammar; what is out of range is infinite
		r.toggle(at, f != 0, f == 0, quote(n))
	}
}

// saysNo reports whether readers of words, such as YAML's, take s as false.
func saysNo(s string) bool {
	switch strings.ToLower(strings.Trim(s, whitespace)) {
	case "", "0", "f", "false", "n", "no", "off":
		return true
	}
	return false
}

// text judges a string, first by its key and then by what it is.
func (r *reader) text(at place, value []byte) {
	s := string(value[:min(len(value), maxPath+1)])
	if isSwitch(at.key) {
		r.toggle(at, s != "", saysNo(s), "the string "+quote(s))
	}
	if s == "" {
		return
	}
	r.keras.note(at, s)
	if c, detail := byKey(r, at, s); c != "" {
		r.find(c, at.pos, "%s: %s", detail, quote(s))
		return
	}
	if isName(at.key) {
		r.find(CodeRepository, at.pos, "%s: %s", quote(at.key), quote(s))
	}
	if at.words || strings.ContainsAny(s, whitespace) || len(s) > maxPath {
		return
	}
	if c := byShape(s); c != "" {
		r.find(c, at.pos, "%s: %s", quote(at.key), quote(s))
	}
}

// byKey is what the key makes of a string that is not empty.
func byKey(r *reader, at place, s string) (formats.Code, string) {
	switch {
	case at.key == "auto_map":
		return CodeAutoMap, "auto_map names a class in a Python file of a repository"
	case at.key == "custom_pipeline" || at.key == "custom_pipelines":
		return CodeCustomPipeline, "a pipeline in a Python file"
	case at.key == "_target_":
		return CodeTarget, "a callable"
	case at.key == "class_name" && s == "Lambda":
		return CodeLambda, "a layer of marshalled bytecode"
	case s == "enable_unsafe_deserialization":
		return CodeUnsafe, "a function that turns the safe mode off"
	case at.kernel && strings.Contains(s, "/"):
		return CodeKernel, "a kernel that is fetched and imported"
	case slices.Contains(libraryKeys, at.key):
		return CodeLibrary, "a native library"
	case at.key == "parent_library" && isForeign(s), r.listing && at.depth == 2 && at.key == "type" && isForeign(s):
		return CodeImport, "a module to import"
	case (at.module || slices.Contains(importKeys, at.key)) && isImport(s):
		return CodeImport, "a name to import"
	case at.key == "_name_or_path" || at.key == "name_or_path":
		return CodeOrigin, "the model says that it comes from"
	case at.key == "chat_template":
		return CodeTemplate, "a template that a library renders"
	}
	return "", ""
}

// isName reports whether a key names a model that a load fetches.
func isName(key string) bool {
	return key == "repo_id" || strings.HasSuffix(key, "_name_or_path") || strings.HasSuffix(key, "_repo_id")
}

// maxPath is the length up to which a string is taken for a path.
const maxPath = 4096

// byShape is what a string without whitespace is, whatever its key.
func byShape(s string) formats.Code {
	lower := strings.ToLower(s)
	switch {
	case isLibrary(lower):
		return CodeLibrary
	case strings.HasSuffix(lower, ".py") || strings.HasSuffix(lower, ".pyc"):
		return CodeScript
	case isURL(lower):
		return CodeURL
	case climbs(s):
		return CodeClimb
	case isAbsolute(lower):
		return CodeAbsolute
	}
	return ""
}

func isSeparator(c rune) bool { return c == '/' || c == '\\' }

func isLibrary(lower string) bool {
	if name, version, ok := strings.Cut(lower, ".so."); ok {
		return name != "" && strings.Trim(version, "0123456789.") == ""
	}
	return strings.HasSuffix(lower, ".so") || strings.HasSuffix(lower, ".dll") || strings.HasSuffix(lower, ".dylib")
}

func isURL(lower string) bool {
	scheme, _, ok := strings.Cut(lower, "://")
	return ok && scheme != "" && strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == ""
}

// climbs reports whether one of several parts of a path is its parent.
func climbs(s string) bool {
	for part := range strings.FieldsFuncSeq(s, isSeparator) {
		if part == ".." && len(s) > len(part) {
			return true
		}
	}
	return false
}

// isAbsolute knows paths of Unix, of a home directory, of Windows with a drive
// and of a share.
func isAbsolute(lower string) bool {
	if path, ok := strings.CutPrefix(strings.TrimPrefix(lower, "~"), "/"); ok {
		return path != "" && strings.IndexByte("abcdefghijklmnopqrstuvwxyz0123456789._", path[0]) >= 0
	}
	drive := len(lower) > 2 && 'a' <= lower[0] && lower[0] <= 'z' && lower[1] == ':' && isSeparator(rune(lower[2]))
	return drive || strings.HasPrefix(lower, `\\`)
}

// librariesOfTheFormat are what the libraries that read sidecars bring.
var librariesOfTheFormat = []string{"keras", "keras_cv", "keras_hub", "keras_nlp", "peft", "sentence_transformers", "tensorflow", "tf_keras", "transformers"}

// isForeign reports whether a dotted name is none of the reading library.
func isForeign(module string) bool {
	root, _, _ := strings.Cut(module, ".")
	return !slices.Contains(librariesOfTheFormat, root)
}

// isImport reports whether s is a dotted name, and neither one of the reading
// library nor a layer of PyTorch.
func isImport(s string) bool {
	return strings.Contains(s, ".") && !strings.HasPrefix(s, "torch.nn.") && isForeign(s)
}

// A kerasObject is the description of an object that Keras builds: a class or,
// as "function", a function of a module, which it imports (CVE-2025-1550,
// CVE-2025-8747).
type kerasObject struct {
	module, class string
	pos           int // of the key that names the module
}

func (k *kerasObject) note(at place, s string) {
	switch at.key {
	case "module":
		k.module, k.pos = s, at.pos
	case "class_name":
		k.class = s
	}
}

func (r *reader) imports(k kerasObject) {
	if k.module != "" && k.class != "" && (isForeign(k.module) || k.class == "function") {
		r.find(CodeImport, k.pos, "%s of module %s", quote(k.class), quote(k.module))
	}
}

// component reads the first element of a pair in a pipeline's index: a library,
// or a Python file in the component's directory, which diffusers prefers.
func (r *reader) component(at place) error {
	if r.parts++; r.parts > maxParts {
		return r.fail(CodeLimit, at.pos, "more than %d lists of strings", maxParts)
	}
	s, err := r.Str()
	if err != nil {
		return err
	}
	r.text(at, s)
	if len(at.key)+len(s) > maxPath {
		return nil
	}
	script := at.key + "/" + string(s) + ".py"
	if _, there := r.in.Sibling(script); there {
		r.find(CodeCustomPipeline, at.pos, "the component's class lies in %s", quote(script))
	}
	return nil
}
