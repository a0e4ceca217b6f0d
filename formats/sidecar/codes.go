package sidecar

import "github.com/weightgate/weightgate/formats"

// The codes that reading a sidecar can raise.
const (
	CodeJSON      formats.Code = "sidecar.json"      // not the JSON that every reader reads alike
	CodeDuplicate formats.Code = "sidecar.duplicate" // one key twice: readers differ in which one counts
	CodeLimit     formats.Code = "sidecar.limit"     // more than the limits let us read

	CodeAutoMap        formats.Code = "sidecar.code.auto_map"          // classes from Python files of a repository
	CodeCustomPipeline formats.Code = "sidecar.code.custom_pipeline"   // a pipeline or component from a Python file
	CodeTrust          formats.Code = "sidecar.code.trust_remote_code" // the model asks for trust itself
	CodeTarget         formats.Code = "sidecar.code.target"            // Hydra: any callable, with its arguments
	CodeImport         formats.Code = "sidecar.code.import"            // a module that the reading library does not bring
	CodeLambda         formats.Code = "sidecar.code.lambda"            // Keras: marshalled bytecode
	CodeUnsafe         formats.Code = "sidecar.code.unsafe"            // Keras: the safe mode is turned off
	CodeKernel         formats.Code = "sidecar.code.kernel"            // an attention kernel from a repository
	CodeLibrary        formats.Code = "sidecar.code.library"           // a native library
	CodeScript         formats.Code = "sidecar.code.script"            // the name of a Python file

	CodeOrigin     formats.Code = "sidecar.origin"        // where a model says that it comes from
	CodeRepository formats.Code = "sidecar.repository"    // another model, which a load fetches
	CodeURL        formats.Code = "sidecar.url"           // an address
	CodeClimb      formats.Code = "sidecar.path.climb"    // a path that leaves the model
	CodeAbsolute   formats.Code = "sidecar.path.absolute" // a path of some machine
	CodeTemplate   formats.Code = "sidecar.template"      // a template that a library renders

	CodeIndexForm      formats.Code = "sidecar.index.form"      // a weight_map that is none
	CodeIndexTwice     formats.Code = "sidecar.index.twice"     // one tensor twice in the map
	CodeIndexPath      formats.Code = "sidecar.index.path"      // a shard that is no file beneath the index's directory
	CodeIndexMissing   formats.Code = "sidecar.index.missing"   // a shard that is not there
	CodeIndexTensor    formats.Code = "sidecar.index.tensor"    // a tensor that its shard does not hold
	CodeIndexUnnamed   formats.Code = "sidecar.index.unnamed"   // a tensor of a shard that the index does not place there
	CodeIndexUnchecked formats.Code = "sidecar.index.unchecked" // a shard whose tensors cannot be listed
	CodeIndexSize      formats.Code = "sidecar.index.size"      // a total_size that is not the tensors'
)

const (
	suspect = "Do not use the file: no library writes this. Get it again from a source you trust."
	own     = "Read the code that this names and bring it into your service, or choose a model that needs none; then remove the key."
	reindex = "Save the model again, so that index and shards are written together; or get both again from one revision."
)

var codes = formats.CodeTable{
	{Code: CodeJSON, Class: formats.Denied, Severity: formats.High, Advice: "Write the file again with a JSON library, in UTF-8 without a byte order mark and without NaN."},
	{Code: CodeDuplicate, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},
	{Code: CodeLimit, Class: formats.Unverifiable, Severity: formats.High, Advice: "Raise the limit that the detail names if the model is meant to be this large."},

	{Code: CodeAutoMap, Class: formats.Denied, Severity: formats.High, Advice: own},
	{Code: CodeCustomPipeline, Class: formats.Denied, Severity: formats.High, Advice: own},
	{Code: CodeTrust, Class: formats.Denied, Severity: formats.High, Advice: "Remove the key: trust is the service's to give, never the model's to take."},
	{Code: CodeTarget, Class: formats.Denied, Severity: formats.High, Advice: "Build the object in your service instead of letting the file name a callable; then remove the key."},
	{Code: CodeImport, Class: formats.Denied, Severity: formats.High, Advice: "Read the module that this names; a file can make the library import anything that is installed."},
	{Code: CodeLambda, Class: formats.Denied, Severity: formats.Critical, Advice: "Replace the Lambda layer by a registered layer and save the model again."},
	{Code: CodeUnsafe, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},
	{Code: CodeKernel, Class: formats.Denied, Severity: formats.High, Advice: "Set the attention implementation to one that the library brings (eager, sdpa, flash_attention_2); the service may choose a kernel, the model may not."},
	{Code: CodeLibrary, Class: formats.Denied, Severity: formats.Critical, Advice: "Remove the key: a model that brings a native library runs it with all rights of the service. Pin libraries in the lock instead."},
	{Code: CodeScript, Class: formats.Denied, Severity: formats.Medium, Advice: "Make sure that nothing runs the file that this names."},

	{Code: CodeOrigin, Class: formats.Denied, Severity: formats.Info, Advice: "Nothing to do: the file says where it comes from, and nobody vouches for that."},
	{Code: CodeRepository, Class: formats.Denied, Severity: formats.Medium, Advice: "Bring the model that this names along and pin it too: what a load fetches by name is not what you verified."},
	{Code: CodeURL, Class: formats.Denied, Severity: formats.Low, Advice: "Make sure that nothing fetches the address during a load."},
	{Code: CodeClimb, Class: formats.Denied, Severity: formats.High, Advice: "Put the file that this names beneath the model's root and name it from there."},
	{Code: CodeAbsolute, Class: formats.Denied, Severity: formats.Medium, Advice: "Replace the path by one relative to the model: on your machine it names another file, or none."},
	{Code: CodeTemplate, Class: formats.Denied, Severity: formats.Info, Advice: "Review the template as you would review code, and render it in a sandboxed environment."},

	{Code: CodeIndexForm, Class: formats.Denied, Severity: formats.High, Advice: reindex},
	{Code: CodeIndexTwice, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},
	{Code: CodeIndexPath, Class: formats.Denied, Severity: formats.High, Advice: "Put the shards beside their index or beneath it, and name them from there."},
	{Code: CodeIndexMissing, Class: formats.Denied, Severity: formats.High, Advice: "Get the missing shard, of the same revision; if files.only leaves it out, name it there."},
	{Code: CodeIndexTensor, Class: formats.Denied, Severity: formats.High, Advice: reindex},
	{Code: CodeIndexUnnamed, Class: formats.Denied, Severity: formats.Medium, Advice: "Save the model again: some libraries load such a tensor, and over another of its name, some do not."},
	{Code: CodeIndexUnchecked, Class: formats.Denied, Severity: formats.Info, Advice: "Convert the shards to safetensors, so that the index can be held against them."},
	{Code: CodeIndexSize, Class: formats.Denied, Severity: formats.Low, Advice: reindex},
}
