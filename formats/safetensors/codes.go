package safetensors

import "github.com/weightgate/weightgate/formats"

// The codes that reading a safetensors file can raise.
const (
	CodeHeader    formats.Code = "safetensors.header"    // not the JSON that the format prescribes
	CodeName      formats.Code = "safetensors.name"      // a tensor that no runtime can address safely
	CodeDuplicate formats.Code = "safetensors.duplicate" // one key twice: readers differ in which one counts
	CodeDType     formats.Code = "safetensors.dtype"     // not an element type of the reference
	CodeLength    formats.Code = "safetensors.length"    // shape and dtype contradict the offsets
	CodeBounds    formats.Code = "safetensors.bounds"    // offsets that run backwards or leave the file
	CodeGap       formats.Code = "safetensors.gap"       // bytes between two tensors
	CodeOverlap   formats.Code = "safetensors.overlap"   // bytes that two tensors share
	CodeTrailing  formats.Code = "safetensors.trailing"  // bytes behind the last tensor
	CodeLimit     formats.Code = "safetensors.limit"     // more than the limits let us read
)

const (
	rewrite = "Save the model again with the safetensors library; a file that it wrote does not look like this."
	suspect = "Do not use the file: no safetensors writer produces this. Get it again from a source you trust."
)

var codes = formats.CodeTable{
	{Code: CodeHeader, Class: formats.Denied, Severity: formats.High, Advice: rewrite},
	{Code: CodeName, Class: formats.Denied, Severity: formats.High, Advice: "Rename the tensor and save the model again."},
	{Code: CodeDuplicate, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},
	{Code: CodeDType, Class: formats.Denied, Severity: formats.High, Advice: "Convert the tensor to an element type of safetensors and save the model again."},
	{Code: CodeLength, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},
	{Code: CodeBounds, Class: formats.Denied, Severity: formats.Critical, Advice: "Fetch the file again: it was probably cut short. If it stays like this, do not use it."},
	{Code: CodeGap, Class: formats.Denied, Severity: formats.High, Advice: suspect},
	{Code: CodeOverlap, Class: formats.Denied, Severity: formats.Critical, Advice: suspect},
	{Code: CodeTrailing, Class: formats.Denied, Severity: formats.High, Advice: suspect},
	{Code: CodeLimit, Class: formats.Unverifiable, Severity: formats.High, Advice: "Raise MaxHeader or MaxTensors if the model is meant to be this large; dimensions and metadata have fixed limits."},
}
