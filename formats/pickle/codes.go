package pickle

import (
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/pickle/machine"
	"github.com/weightgate/weightgate/formats/torch/grammar"
)

// The codes of what a pickle holds and should not: it was read to its end.
const (
	CodeGlobalDenied    formats.Code = machine.CodeGlobalDenied    // no pack has the global
	CodeGlobalDropped   formats.Code = machine.CodeGlobalDropped   // the same, where unknown globals are dropped
	CodeGlobalDangerous formats.Code = machine.CodeGlobalDangerous // known to run code, or to reach what does
	CodeGlobalName      formats.Code = machine.CodeGlobalName      // not a plain name
	CodeCode            formats.Code = machine.CodeCode            // functions and classes of dill and cloudpickle
	CodeCallDenied      formats.Code = machine.CodeCallDenied      // a known global with other arguments
	CodeCallAltered     formats.Code = machine.CodeCallAltered     // a container that a call was given is changed behind it
	CodeCallComputed    formats.Code = machine.CodeCallComputed    // a call of what is no global
	CodeBuildDenied     formats.Code = machine.CodeBuildDenied     // a state for what has none
	CodeContainer       formats.Code = machine.CodeContainer       // items for what holds none
	CodeExt             formats.Code = machine.CodeExt             // a global by number
	CodeBuffer          formats.Code = machine.CodeBuffer          // data outside the stream
	CodePersID          formats.Code = machine.CodePersID          // an object outside the stream
	CodeProto           formats.Code = machine.CodeProto           // a protocol that is not named in front, or unknown
	CodeFrame           formats.Code = machine.CodeFrame           // a frame with a length that is not so
	CodeMemoAgain       formats.Code = machine.CodeMemoAgain       // a memo entry with two values
	CodePopped          formats.Code = machine.CodePopped          // a global or call that is no part of the result
	CodeStack           formats.Code = machine.CodeStack           // values that are left behind
	CodeNested          formats.Code = machine.CodeNested          // a string that is a pickle
	CodeTrailing        formats.Code = grammar.CodeTrailing        // bytes behind the pickle
	CodeFindings        formats.Code = machine.CodeFindings        // more findings than are listed
)

// The codes of a pickle that could be read to some place and no further.
const (
	CodeOpcode        formats.Code = machine.CodeOpcode        // a byte that is no opcode
	CodeTruncated     formats.Code = machine.CodeTruncated     // the end before STOP
	CodeUnderflow     formats.Code = machine.CodeUnderflow     // a value or MARK is missing
	CodeArgument      formats.Code = machine.CodeArgument      // a malformed number or text
	CodeMemo          formats.Code = machine.CodeMemo          // a memo entry that was never stored
	CodeGlobalOperand formats.Code = machine.CodeGlobalOperand // a name that is no string
	CodeLimits        formats.Code = machine.CodeLimits        // a budget ran out
)

const (
	again  = "Fetch the file again: it was probably cut short or damaged. If it stays like this, do not load it: loaders run what stands before the break."
	hidden = "Do not load it: no pickler writes this, and those who do hide something."
	resave = "Have the file saved again with a current version of its library, with pickle protocol 2 or later."
)

var codes = formats.CodeTable{
	{Code: CodeGlobalDenied, Class: formats.Denied, Severity: formats.High, Advice: "Add the pack that has this global to the conversion, or extract: beside tensors, which are kept, the object is dropped and listed."},
	{Code: CodeGlobalDropped, Class: formats.Denied, Severity: formats.Info, Advice: "Nothing is to be done if the object is not needed: the conversion leaves it out."},
	{Code: CodeGlobalDangerous, Class: formats.Denied, Severity: formats.Critical, Advice: "Do not load this file anywhere: loading it runs code. Tell whoever published it."},
	{Code: CodeGlobalName, Class: formats.Denied, Severity: formats.High, Advice: hidden},
	{Code: CodeCode, Class: formats.Denied, Severity: formats.Critical, Advice: "Have the weights saved alone: the file carries Python code of dill or cloudpickle."},
	{Code: CodeCallDenied, Class: formats.Denied, Severity: formats.High, Advice: "Have the file saved again with a current version of its library: it does not write these arguments."},
	{Code: CodeCallAltered, Class: formats.Denied, Severity: formats.High, Advice: hidden},
	{Code: CodeCallComputed, Class: formats.Denied, Severity: formats.Critical, Advice: "Do not load it: it calls what another call gave."},
	{Code: CodeBuildDenied, Class: formats.Denied, Severity: formats.High, Advice: "Have the weights saved alone: the file sets attributes of something that has none in a checkpoint."},
	{Code: CodeContainer, Class: formats.Denied, Severity: formats.Critical, Advice: "Do not load it: it puts items into what holds none, which corrupts memory in PyTorch before 2.10."},
	{Code: CodeExt, Class: formats.Denied, Severity: formats.High, Advice: "Do not load it: it names globals by the numbers of a private registry."},
	{Code: CodeBuffer, Class: formats.Denied, Severity: formats.High, Advice: "Have it saved again with its buffers in the stream."},
	{Code: CodePersID, Class: formats.Denied, Severity: formats.High, Advice: "Have the objects saved in the pickle itself, with protocol 2 or later: this one leaves them to its reader."},
	{Code: CodeProto, Class: formats.Denied, Severity: formats.High, Advice: resave},
	{Code: CodeFrame, Class: formats.Denied, Severity: formats.High, Advice: resave},
	{Code: CodeMemoAgain, Class: formats.Denied, Severity: formats.High, Advice: hidden},
	{Code: CodePopped, Class: formats.Denied, Severity: formats.High, Advice: hidden},
	{Code: CodeStack, Class: formats.Denied, Severity: formats.High, Advice: hidden},
	{Code: CodeNested, Class: formats.Denied, Severity: formats.Critical, Advice: "Do not load it: a string in it is a pickle itself."},
	{Code: CodeTrailing, Class: formats.Denied, Severity: formats.Critical, Advice: "Do not load it: what lies behind a pickle is read by some loaders and not by others."},
	{Code: CodeFindings, Class: formats.Unverifiable, Severity: formats.High, Advice: "Look at the findings before this one: there are more than are listed."},
	{Code: CodeOpcode, Class: formats.Unverifiable, Severity: formats.High, Advice: again},
	{Code: CodeTruncated, Class: formats.Unverifiable, Severity: formats.High, Advice: again},
	{Code: CodeUnderflow, Class: formats.Unverifiable, Severity: formats.High, Advice: again},
	{Code: CodeArgument, Class: formats.Unverifiable, Severity: formats.High, Advice: again},
	{Code: CodeMemo, Class: formats.Unverifiable, Severity: formats.High, Advice: again},
	{Code: CodeGlobalOperand, Class: formats.Unverifiable, Severity: formats.Critical, Advice: "Do not load it: the name of a global is computed."},
	{Code: CodeLimits, Class: formats.Unverifiable, Severity: formats.Medium, Advice: "Raise the limit that the detail names, if the file is known to be that large."},
}

// Codes lists all codes of pickles. A converter raises them: the format itself
// raises none.
func Codes() formats.CodeTable { return codes }
