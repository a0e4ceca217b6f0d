package onnx

import "github.com/weightgate/weightgate/formats"

// The codes that reading an ONNX model can raise.
const (
	CodeWire           formats.Code = "onnx.wire"            // not strict protobuf, or no model
	CodeUnknownField   formats.Code = "onnx.field.unknown"   // a field that onnx.proto does not have
	CodeDuplicateField formats.Code = "onnx.field.duplicate" // a field twice that may be there once: readers differ in which counts
	CodeLimit          formats.Code = "onnx.limit"           // more than the limits let us read
	CodeNesting        formats.Code = "onnx.nesting"         // graphs, functions or messages too deep in each other

	CodeIRVersion formats.Code = "onnx.ir_version" // a version of onnx.proto that nobody knows
	CodeTraining  formats.Code = "onnx.training"   // a model that brings graphs to train it along
	CodeMetadata  formats.Code = "onnx.metadata"   // metadata that steers the runtime
	CodeType      formats.Code = "onnx.type"       // an input's or output's type that is none

	CodeOpset      formats.Code = "onnx.opset"             // operator sets that are missing, doubled or of unknown version
	CodeDomain     formats.Code = "onnx.domain"            // a node whose domain no pack lists
	CodeUnimported formats.Code = "onnx.domain.unimported" // a node whose domain the model does not import
	CodeOperator   formats.Code = "onnx.operator"          // a node that is no operator of its domain
	CodeEPContext  formats.Code = "onnx.epcontext"         // native code for a device

	CodeFunctionDuplicate formats.Code = "onnx.function.duplicate" // two functions of one name
	CodeFunctionDomain    formats.Code = "onnx.function.domain"    // a function in the domain of operators
	CodeRecursion         formats.Code = "onnx.function.recursion" // a function that calls itself
	CodeExpansion         formats.Code = "onnx.function.expansion" // calls that expand to more nodes than MaxNodes

	CodeNode          formats.Code = "onnx.node"                    // a node whose parts do not fit each other
	CodeAttribute     formats.Code = "onnx.attribute"               // an attribute that is nameless, doubled or not of its type
	CodeNameDuplicate formats.Code = "onnx.name.duplicate"          // a name for two values
	CodeNameUndefined formats.Code = "onnx.name.undefined"          // a name for no value, or not yet
	CodeOverridable   formats.Code = "onnx.initializer.overridable" // a weight that every caller may replace

	CodeTensorType  formats.Code = "onnx.tensor.type"    // not an element type
	CodeTensorShape formats.Code = "onnx.tensor.shape"   // dimensions that are negative, or beyond 64 bits together
	CodeTensorData  formats.Code = "onnx.tensor.data"    // values that contradict type and shape
	CodeSegment     formats.Code = "onnx.tensor.segment" // a part of a tensor
	CodeSparse      formats.Code = "onnx.sparse"         // a sparse tensor whose parts do not fit each other

	CodeExternalKey       formats.Code = "onnx.external.key"       // unknown, doubled or missing keys
	CodeExternalLocation  formats.Code = "onnx.external.location"  // not the name of a file beside the graph
	CodeExternalMissing   formats.Code = "onnx.external.missing"   // a file that is not there
	CodeExternalRange     formats.Code = "onnx.external.range"     // not a place of the tensor's size in the file
	CodeExternalOverlap   formats.Code = "onnx.external.overlap"   // bytes that two tensors share
	CodeExternalMisplaced formats.Code = "onnx.external.misplaced" // external where a runtime takes it from disk alone
	CodeExternalUnclaimed formats.Code = "onnx.external.unclaimed" // bytes that no tensor claims

	CodeSafetensors         formats.Code = "onnx.safetensors"          // external data that is almost safetensors
	CodeSafetensorsRange    formats.Code = "onnx.safetensors.range"    // a range that is no tensor's
	CodeSafetensorsName     formats.Code = "onnx.safetensors.name"     // a name that is no tensor's
	CodeSafetensorsMismatch formats.Code = "onnx.safetensors.mismatch" // another type or shape in the graph
	CodeSafetensorsUnused   formats.Code = "onnx.safetensors.unused"   // a tensor that no initializer is
	CodeSafetensorsTwice    formats.Code = "onnx.safetensors.twice"    // a tensor that two initializers are

	CodeFoldSize      formats.Code = "onnx.fold.size"      // constants that expand to more than MaxFold
	CodeFoldUnbounded formats.Code = "onnx.fold.unbounded" // constants that expand to nobody knows what
	CodeShared        formats.Code = "onnx.weights.shared" // weights that a runtime copies for more nodes than they pay for
	CodeTrees         formats.Code = "onnx.trees"          // decision trees that are too deep, or none
)

const (
	suspect   = "Do not use the file: no exporter produces this. Get it again from a source you trust."
	reexport  = "Export the model again with a current exporter, and check it with onnx.checker."
	fetch     = "Fetch the file again: it was probably cut short or changed. If it stays like this, do not use it."
	operators = "Export the model for standard operators (ai.onnx, ai.onnx.ml), or leave the tool out that brought in this one."
	rebind    = "Write the graph and its weights again in one go, so that both say the same."
	simplify  = "Fold the constants before export (onnxsim, or onnxruntime's offline optimisation), or raise MaxFold if the model is meant to be this large."
	limits    = "Raise the limit that the detail names if the model is meant to be this large."
)

var codes = formats.CodeTable{
	{Code: CodeWire, Class: formats.Denied, Severity: formats.Critical, Advice: fetch},
	{Code: CodeUnknownField, Class: formats.Denied, Severity: formats.High, Advice: "Export the model for IR version 14 or older: a field that this version does not know may mean anything to a runtime."},
	{Code: CodeDuplicateField, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},
	{Code: CodeLimit, Class: formats.Unverifiable, Severity: formats.High, Advice: limits},
	{Code: CodeNesting, Class: formats.Unverifiable, Severity: formats.High, Advice: limits},

	{Code: CodeIRVersion, Class: formats.Denied, Severity: formats.High, Advice: "Export the model for IR version 14 or older."},
	{Code: CodeTraining, Class: formats.Denied, Severity: formats.High, Advice: "Export the model for inference."},
	{Code: CodeMetadata, Class: formats.Denied, Severity: formats.Critical, Advice: "Remove the entry from metadata_props: options of a session belong to the service."},
	{Code: CodeType, Class: formats.Denied, Severity: formats.High, Advice: reexport},

	{Code: CodeOpset, Class: formats.Denied, Severity: formats.High, Advice: "Export the model for a released version of the operator set."},
	{Code: CodeDomain, Class: formats.Denied, Severity: formats.Critical, Advice: operators},
	{Code: CodeUnimported, Class: formats.Denied, Severity: formats.High, Advice: reexport},
	{Code: CodeOperator, Class: formats.Denied, Severity: formats.High, Advice: operators},
	{Code: CodeEPContext, Class: formats.Denied, Severity: formats.Critical, Advice: "Use the model that this one was compiled from: the blob in it cannot be judged."},

	{Code: CodeFunctionDuplicate, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},
	{Code: CodeFunctionDomain, Class: formats.Denied, Severity: formats.High, Advice: "Give the function a domain of its own, or inline it (onnx.inliner)."},
	{Code: CodeRecursion, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},
	{Code: CodeExpansion, Class: formats.Denied, Severity: formats.Critical, Advice: "Do not use the file unless it is meant to be this large: a few bytes of it cost a runtime minutes. If so, raise MaxNodes."},

	{Code: CodeNode, Class: formats.Denied, Severity: formats.High, Advice: reexport},
	{Code: CodeAttribute, Class: formats.Denied, Severity: formats.High, Advice: reexport},
	{Code: CodeNameDuplicate, Class: formats.Denied, Severity: formats.High, Advice: reexport},
	{Code: CodeNameUndefined, Class: formats.Denied, Severity: formats.High, Advice: reexport},
	{Code: CodeOverridable, Class: formats.Denied, Severity: formats.High, Advice: "Export the model with keep_initializers_as_inputs=False, or take the initializers off the graph's inputs."},

	{Code: CodeTensorType, Class: formats.Denied, Severity: formats.High, Advice: reexport},
	{Code: CodeTensorShape, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},
	{Code: CodeTensorData, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},
	{Code: CodeSegment, Class: formats.Denied, Severity: formats.High, Advice: "Save the model with whole tensors: no runtime reads segments."},
	{Code: CodeSparse, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},

	{Code: CodeExternalKey, Class: formats.Denied, Severity: formats.High, Advice: "Save the external data again with onnx.save_model: it writes location, offset and length."},
	{Code: CodeExternalLocation, Class: formats.Denied, Severity: formats.Critical, Advice: "Put the external data beside the graph and name it by its relative path. A model that names other places tries to read your files."},
	{Code: CodeExternalMissing, Class: formats.Unverifiable, Severity: formats.High, Advice: "Bring the file along that holds the external data, and list it under files.only if the policy has such a list."},
	{Code: CodeExternalRange, Class: formats.Denied, Severity: formats.Critical, Advice: fetch},
	{Code: CodeExternalOverlap, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},
	{Code: CodeExternalMisplaced, Class: formats.Denied, Severity: formats.High, Advice: "Save the model with this tensor inline."},
	{Code: CodeExternalUnclaimed, Class: formats.Denied, Severity: formats.Medium, Advice: "Save the external data again: what no tensor claims was verified by nobody and is used by nobody."},

	{Code: CodeSafetensors, Class: formats.Denied, Severity: formats.High, Advice: rebind},
	{Code: CodeSafetensorsRange, Class: formats.Denied, Severity: formats.Critical, Advice: rebind},
	{Code: CodeSafetensorsName, Class: formats.Denied, Severity: formats.High, Advice: rebind},
	{Code: CodeSafetensorsMismatch, Class: formats.Denied, Severity: formats.Critical, Advice: rebind},
	{Code: CodeSafetensorsUnused, Class: formats.Denied, Severity: formats.High, Advice: rebind},
	{Code: CodeSafetensorsTwice, Class: formats.Denied, Severity: formats.High, Advice: rebind},

	{Code: CodeFoldSize, Class: formats.Denied, Severity: formats.Critical, Advice: simplify},
	{Code: CodeFoldUnbounded, Class: formats.Denied, Severity: formats.Critical, Advice: simplify},
	{Code: CodeShared, Class: formats.Denied, Severity: formats.Critical, Advice: "Do not use the file unless it is meant to share its weights this often: a runtime prepares a copy for every node. If so, put the nodes into a Loop, or raise MaxFold."},
	{Code: CodeTrees, Class: formats.Denied, Severity: formats.Critical, Advice: "Train the trees with a maximal depth, and export the model again."},
}
