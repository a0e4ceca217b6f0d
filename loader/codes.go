package loader

import (
	"slices"

	"github.com/weightgate/weightgate/formats"
)

// The codes that the line itself raises. Those of rules are in package policy,
// those of formats beside their parsers.
const (
	CodeBeneath     formats.Code = "policy.beneath"
	CodeFiles       formats.Code = "limits.files"
	CodeDepth       formats.Code = "limits.depth"
	CodeMemory      formats.Code = "limits.memory"
	CodeRead        formats.Code = "file.read"
	CodeChanged     formats.Code = "file.changed"
	CodeAmbiguous   formats.Code = "format.ambiguous"
	CodeParser      formats.Code = "format.parser"
	CodeUnclaimed   formats.Code = "format.unclaimed"
	CodeAbsent      formats.Code = "sandbox.absent"
	CodeScript      formats.Code = "text.script"
	CodeNoWeights   formats.Code = "text.weights"
	CodeCanceled    formats.Code = "load.canceled"
	CodeClosed      formats.Code = "load.closed"
	CodeRecord      formats.Code = "load.record"
	CodeState       formats.Code = "load.state"
	CodeUnsupported formats.Code = "library.unsupported"
	CodeTwice       formats.Code = "library.twice"
)

var codes = formats.CodeTable{
	{Code: CodeBeneath, Severity: formats.Critical,
		Advice: "Keep the policy and its lock in the service's repository, outside every model directory."},
	{Code: CodeFiles, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Point the source at the model alone, name the files that it needs under files.only, or raise Limits.MaxFiles."},
	{Code: CodeDepth, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Point the source at the model alone, or raise Limits.MaxDepth."},
	{Code: CodeMemory, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Give the process more memory, leave files out with files.only, or raise the limit that the detail names."},
	{Code: CodeRead, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Look at the path, its permissions and the storage behind it; nothing was judged that was not read."},
	{Code: CodeChanged, Severity: formats.Critical,
		Advice: "Find out what writes to the model while it is loaded; publish a new version beside the old one, never over it."},
	{Code: CodeAmbiguous, Severity: formats.Critical,
		Advice: "Do not load it: what the file means depends on which program reads it. Ask its publisher for a clean one."},
	{Code: CodeParser, Severity: formats.Critical,
		Advice: "A format's parser failed its contract on this file. Do not load it, and report it to the parser's author."},
	{Code: CodeUnclaimed, Severity: formats.High,
		Advice: "The file holds bytes that its format does not account for. Ask its publisher for a clean one."},
	{Code: CodeAbsent, Class: formats.Unverifiable, Severity: formats.Critical,
		Advice: "Give the gate a Converter (package loader/convert) and the policy's entry a convert rule, or publish the weights as safetensors."},
	{Code: CodeScript, Severity: formats.High,
		Advice: "Leave the file out with files.only: frameworks import it when a configuration says so, and it is nobody's weights."},
	{Code: CodeNoWeights, Severity: formats.High,
		Advice: "Fetch the file again: this is an error message or a pointer that was saved in its place, or something in disguise."},
	{Code: CodeCanceled, Class: formats.Unverifiable, Severity: formats.Info,
		Advice: "The caller ended the load, or its deadline passed; try again with more time."},
	{Code: CodeClosed, Class: formats.Unverifiable, Severity: formats.Info,
		Advice: "The gate was closed; load before closing it."},
	{Code: CodeRecord, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "The recorder failed, and an admission without a record is none; repair what it writes to."},
	{Code: CodeState, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Repair the state that the detail names, or load again if another load was faster; never reset it without knowing why."},
	{Code: CodeUnsupported, Class: formats.Unverifiable, Severity: formats.High,
		Advice: "Runtime libraries are sealed in memory before they are opened, which this system does not offer; use linux."},
	{Code: CodeTwice, Severity: formats.High,
		Advice: "Name each library once: a runtime finds its providers by their names, so two of one name cannot be told apart."},
}

// Codes lists the codes that this package raises.
func Codes() formats.CodeTable { return slices.Concat(codes, textCodes) }
