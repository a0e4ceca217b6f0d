package explain

import "github.com/weightgate/weightgate/formats/onnx"

var onnxFiles = []entry{
	{onnx.CodeWire, "The file is not the strict protobuf that an ONNX model is.", malformed},
	{onnx.CodeUnknownField, "An ONNX model has a field that the format does not know.", conflicting},
	{onnx.CodeDuplicateField, "An ONNX model has a field twice that may be there once.", conflicting},
	{onnx.CodeLimit, "An ONNX model has more than the limits let us read.", exhausting},
	{onnx.CodeNesting, "Graphs, functions or messages of an ONNX model lie too deep in each other.", nesting},

	{onnx.CodeIRVersion, "An ONNX model has a version of the format that nobody knows.", malformed},
	{onnx.CodeTraining, "An ONNX model brings graphs along that train it.", steering},
	{onnx.CodeMetadata, "The metadata of an ONNX model steers the runtime.", steering},
	{onnx.CodeType, "An input or output of an ONNX graph has a type that is none.", graphs},

	{onnx.CodeOpset, "The operator sets of an ONNX model are missing, doubled or of unknown version.", operators},
	{onnx.CodeDomain, "A node's operator is from a set that is not known here.", operators},
	{onnx.CodeUnimported, "A node's operator is from a set that the model does not import.", graphs},
	{onnx.CodeOperator, "A node's operator does not exist in its set.", operators},
	{onnx.CodeEPContext, "An ONNX graph holds native code for a device.", native},

	{onnx.CodeFunctionDuplicate, "Two functions of an ONNX model have one name.", conflicting},
	{onnx.CodeFunctionDomain, "A function of an ONNX model takes the place of an operator.", operators},
	{onnx.CodeRecursion, "A function of an ONNX model calls itself.", nesting},
	{onnx.CodeExpansion, "The functions of an ONNX model expand to more nodes than the limits allow.", exhausting},

	{onnx.CodeNode, "The parts of a node do not fit each other.", graphs},
	{onnx.CodeAttribute, "An attribute is nameless, doubled, or not of its type.", graphs},
	{onnx.CodeNameDuplicate, "An ONNX graph has one name for two values.", graphs},
	{onnx.CodeNameUndefined, "An ONNX graph uses a value that is not there, or not yet.", graphs},
	{onnx.CodeOverridable, "A weight of an ONNX graph is also an input, which every caller may set.", swapped},

	{onnx.CodeTensorType, "A tensor of an ONNX model has no known element type.", malformed},
	{onnx.CodeTensorShape, "A tensor's dimensions are negative, or too large together.", exhausting},
	{onnx.CodeTensorData, "A tensor's values contradict its type and shape.", malformed},
	{onnx.CodeSegment, "An ONNX model holds only a part of a tensor.", malformed},
	{onnx.CodeSparse, "The parts of a sparse tensor do not fit each other.", malformed},

	{onnx.CodeExternalKey, "A reference to external data has unknown, doubled or missing keys.", conflicting},
	{onnx.CodeExternalLocation, "External data is sought in a place that is not beside the graph.", escaping},
	{onnx.CodeExternalMissing, "A file with external data is not there.", incomplete},
	{onnx.CodeExternalRange, "A tensor's place in its external file does not have the tensor's size.", malformed},
	{onnx.CodeExternalOverlap, "Two tensors share bytes of an external file.", conflicting},
	{onnx.CodeExternalMisplaced, "A tensor is external where a runtime reads it from disk on its own.", swapped},
	{onnx.CodeExternalUnclaimed, "An external file has bytes that no tensor claims.", hidden},

	{onnx.CodeSafetensors, "External data looks like safetensors and is not.", conflicting},
	{onnx.CodeSafetensorsRange, "The graph takes a tensor from a range that is no tensor of the safetensors file.", swapped},
	{onnx.CodeSafetensorsName, "The graph names a tensor that the safetensors file does not have.", swapped},
	{onnx.CodeSafetensorsMismatch, "A tensor has another type or shape in the graph than in the safetensors file.", swapped},
	{onnx.CodeSafetensorsUnused, "The safetensors file has a tensor that the graph does not use.", swapped},
	{onnx.CodeSafetensorsTwice, "Two weights of the graph are one tensor of the safetensors file.", swapped},

	{onnx.CodeTrees, "Decision trees are deeper than a runtime can follow, or no trees.", exhausting},
	{onnx.CodeShared, "So many nodes read one weight that a runtime prepares far more than the file holds.", exhausting},
	{onnx.CodeFoldSize, "Constants of an ONNX graph expand to more than the limits allow.", exhausting},
	{onnx.CodeFoldUnbounded, "Constants of an ONNX graph expand to a size that cannot be told.", exhausting},
}
