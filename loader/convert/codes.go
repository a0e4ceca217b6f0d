package convert

import (
	"slices"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader/convert/plan"
)

// The codes that a conversion can raise beside those of packages pickle and
// torch, which say what a stream holds.
const (
	// What stands in the way of reading.
	CodePack   formats.Code = "convert.pack"   // the rule names a pack that is not built in
	CodePlan   formats.Code = "convert.plan"   // the child's output is not what a child says
	CodeLimit  formats.Code = plan.CodeLimit   // more than limits and budgets let us read
	CodeJob    formats.Code = plan.CodeJob     // the child cannot do what it is asked
	CodeStride formats.Code = "convert.stride" // a view too tangled to be copied in one pass

	// What a checkpoint says and its file does not bear out.
	CodeName      formats.Code = "convert.name"      // a tensor that must not be called so
	CodeDuplicate formats.Code = "convert.duplicate" // one name for two tensors
	CodeDType     formats.Code = "convert.dtype"     // elements that safetensors has no type for
	CodeShape     formats.Code = "convert.shape"     // dimensions and strides that no tensor has
	CodeBounds    formats.Code = "convert.bounds"    // a view that leaves its storage
	CodeStorage   formats.Code = "convert.storage"   // a storage that is not there, or of another length
	CodeTile      formats.Code = "convert.tile"      // storages of a legacy file that are not the rest of it
	CodeAmplified formats.Code = "convert.amplified" // tensors that are many times larger than the file
	CodeShared    formats.Code = "convert.shared"    // tensors that overlap and of which none is all of it
	CodeMerged    formats.Code = "convert.merged"    // a view that is left out for the tensor that it is of
	CodeUnnamed   formats.Code = "convert.unnamed"   // records of storages that no pickle names
	CodeBool      formats.Code = "convert.bool"      // truth values other than 0 and 1

	// What the sandbox has to say.
	CodeUnsupported formats.Code = "sandbox.unsupported" // there is no sandbox on this platform
	CodeLevel       formats.Code = "sandbox.level"       // walls that the policy demands and that do not stand
	CodeViolation   formats.Code = "sandbox.violation"   // the child called what it may not
	CodeResources   formats.Code = "sandbox.resources"   // the child took more memory or time than it has
	CodeDeadline    formats.Code = "sandbox.deadline"    // the child took too long
	CodeCrashed     formats.Code = "sandbox.crashed"     // the child ended without an answer
	CodeOutput      formats.Code = "sandbox.output"      // the child wrote more than a plan can be
)

const (
	contradicts = "Do not use the file: torch.save writes nothing like this. Get it again from a source you trust."
	attacks     = "Do not use the file. Report it: something in it took hold of the process that read it, and its walls held."
)

var codes = formats.CodeTable{
	{Code: CodePack, Class: formats.Unverifiable, Severity: formats.High, Advice: "Name packs in the policy's convert.packs that this version has."},
	{Code: CodePlan, Class: formats.Unverifiable, Severity: formats.Critical, Advice: attacks},
	{Code: CodeLimit, Class: formats.Unverifiable, Severity: formats.High, Advice: "Raise MaxHeader or MaxTensors if the checkpoint is meant to be this large; save it in shards if it has more tensors than a plan can list."},
	{Code: CodeJob, Class: formats.Unverifiable, Severity: formats.High, Advice: "Let HelperPath name a program of the same version as the host."},
	{Code: CodeStride, Class: formats.Unverifiable, Severity: formats.High, Advice: "Call contiguous on the tensor and save the checkpoint again."},
	{Code: CodeName, Class: formats.Denied, Severity: formats.High, Advice: "Rename the tensor and save the checkpoint again."},
	{Code: CodeDuplicate, Class: formats.Denied, Severity: formats.Critical, Advice: contradicts},
	{Code: CodeDType, Class: formats.Denied, Severity: formats.High, Advice: "Convert the tensor to an element type of safetensors and save the checkpoint again."},
	{Code: CodeShape, Class: formats.Denied, Severity: formats.Critical, Advice: contradicts},
	{Code: CodeBounds, Class: formats.Denied, Severity: formats.Critical, Advice: contradicts},
	{Code: CodeStorage, Class: formats.Denied, Severity: formats.Critical, Advice: contradicts},
	{Code: CodeTile, Class: formats.Denied, Severity: formats.Critical, Advice: "Fetch the file again: it was probably cut short. If it stays like this, do not use it."},
	{Code: CodeAmplified, Class: formats.Denied, Severity: formats.Critical, Advice: "Do not use the file unless its tensors are meant to be expanded; then save what they are expanded from."},
	{Code: CodeShared, Class: formats.Denied, Severity: formats.High, Advice: "Clone the tensors, or keep the one that holds them all, and save the checkpoint again."},
	{Code: CodeMerged, Class: formats.Denied, Severity: formats.Low, Advice: "Take the view from the tensor that is kept, or clone it and save the checkpoint again."},
	{Code: CodeUnnamed, Class: formats.Denied, Severity: formats.Medium, Advice: "Save the checkpoint again with torch.save, which writes no storage that its pickle does not name."},
	{Code: CodeBool, Class: formats.Denied, Severity: formats.High, Advice: contradicts},
	{Code: CodeUnsupported, Class: formats.Unverifiable, Severity: formats.High, Advice: "Convert the checkpoint on linux/amd64 and load the safetensors file."},
	{Code: CodeLevel, Class: formats.Unverifiable, Severity: formats.High, Advice: "Give the service the walls that the policy's convert.sandbox demands, or lower it."},
	{Code: CodeViolation, Class: formats.Unverifiable, Severity: formats.Critical, Advice: attacks},
	{Code: CodeResources, Class: formats.Unverifiable, Severity: formats.High, Advice: "Do not use the file unless it is meant to be this large; save it in shards then."},
	{Code: CodeDeadline, Class: formats.Unverifiable, Severity: formats.High, Advice: "Try again when the machine is less busy, or give the Converter a longer Timeout. If it stays like this, do not use the file."},
	{Code: CodeCrashed, Class: formats.Unverifiable, Severity: formats.Critical, Advice: "Check that this host, or the program that HelperPath names, can be executed. If other checkpoints convert, do not use this one, and report it."},
	{Code: CodeOutput, Class: formats.Unverifiable, Severity: formats.Critical, Advice: attacks},
}

// Codes are all codes that a conversion can raise, beside those of packages
// pickle and torch.
func Codes() formats.CodeTable { return slices.Clone(codes) }
