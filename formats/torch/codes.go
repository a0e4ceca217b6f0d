package torch

import (
	"slices"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/torch/grammar"
)

// The codes that reading a checkpoint's container can raise, beside those of
// package zipfile.
const (
	CodeArchive   formats.Code = "torch.archive"   // an archive that is not laid out as torch lays it out
	CodeMember    formats.Code = "torch.member"    // a member that no checkpoint has
	CodeDeflated  formats.Code = "torch.deflated"  // a member that does not lie in the file as it is
	CodeByteOrder formats.Code = "torch.byteorder" // neither little-endian nor big-endian
	CodeLimit     formats.Code = "torch.limit"     // more than the limits let us read
)

// The codes that a converter raises for what the pickles say of tensors.
const (
	CodeRoot      formats.Code = grammar.CodeRoot      // several places hold tensors, or the named one does not
	CodeRootNone  formats.Code = grammar.CodeRootNone  // no place holds tensors by name
	CodeModule    formats.Code = grammar.CodeModule    // a module, not its state
	CodeTensor    formats.Code = grammar.CodeTensor    // a tensor that torch does not write like this
	CodeStorage   formats.Code = grammar.CodeStorage   // a storage that is none, or contradicts another
	CodeDType     formats.Code = grammar.CodeDType     // elements that safetensors has no type for
	CodeQuantized formats.Code = grammar.CodeQuantized // a quantized tensor
	CodeSparse    formats.Code = grammar.CodeSparse    // a tensor in a sparse layout
	CodeMeta      formats.Code = grammar.CodeMeta      // a tensor without data
	CodeSubclass  formats.Code = grammar.CodeSubclass  // a tensor of a class of its own, or with objects for attributes
	CodeDevice    formats.Code = grammar.CodeDevice    // a tensor in the form of a device
	CodeLegacy    formats.Code = grammar.CodeLegacy    // not the row of pickles of the legacy form
)

const (
	rewrite = "Save the checkpoint again with torch.save; a file that it wrote does not look like this."
	suspect = "Do not use the file: torch does not write this. Get it again from a source you trust."
	dense   = "Convert the tensor to a plain one in its framework, and save the state_dict again."
)

var (
	limitInfo  = formats.CodeInfo{Code: CodeLimit, Class: formats.Unverifiable, Severity: formats.High, Advice: "Raise MaxHeader (the pickles) or MaxTensors (the storages) if the checkpoint is meant to be this large."}
	legacyInfo = formats.CodeInfo{Code: CodeLegacy, Class: formats.Denied, Severity: formats.Critical, Advice: suspect}
)

var legacyCodes = formats.CodeTable{legacyInfo, limitInfo}

var containerCodes = formats.CodeTable{
	{Code: CodeArchive, Class: formats.Denied, Severity: formats.High, Advice: rewrite},
	{Code: CodeMember, Class: formats.Denied, Severity: formats.High, Advice: "Save the state_dict alone with torch.save: nothing here reads what else lies in the archive."},
	{Code: CodeDeflated, Class: formats.Denied, Severity: formats.High, Advice: "Save the checkpoint again with torch.save, which stores its members as they are."},
	{Code: CodeByteOrder, Class: formats.Denied, Severity: formats.High, Advice: rewrite},
	limitInfo,
}

var tensorCodes = formats.CodeTable{
	{Code: CodeRoot, Class: formats.Denied, Severity: formats.High, Advice: "Name the key whose tensors are the model's as the root of the conversion; a single point stands for the pickle's root."},
	{Code: CodeRootNone, Class: formats.Denied, Severity: formats.Medium, Advice: "Save the model's state_dict, or a dictionary that holds it under a key."},
	{Code: CodeModule, Class: formats.Denied, Severity: formats.High, Advice: "Save the module's state_dict() instead of the module, which is rebuilt by running code."},
	{Code: CodeTensor, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},
	{Code: CodeStorage, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},
	{Code: CodeDType, Class: formats.Denied, Severity: formats.High, Advice: "Convert the tensor to a type that safetensors has, and save the state_dict again."},
	{Code: CodeQuantized, Class: formats.Denied, Severity: formats.High, Advice: "Save the state_dict from before quantization, or dequantize the tensor."},
	{Code: CodeSparse, Class: formats.Denied, Severity: formats.High, Advice: dense},
	{Code: CodeMeta, Class: formats.Denied, Severity: formats.High, Advice: "Materialise the module before its state_dict is saved: the tensor has a shape and no values."},
	{Code: CodeSubclass, Class: formats.Denied, Severity: formats.High, Advice: dense},
	{Code: CodeDevice, Class: formats.Denied, Severity: formats.High, Advice: "Move the module to the CPU before its state_dict is saved."},
	legacyInfo,
}

// Codes lists all codes of checkpoints: those of the formats, and those that a
// converter raises for what the pickles say.
func Codes() formats.CodeTable { return slices.Concat(containerCodes, tensorCodes) }
