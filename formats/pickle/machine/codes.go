package machine

// The codes of findings: the stream was read on.
const (
	CodeGlobalDenied    = "pickle.global.denied"    // no pack has the global
	CodeGlobalDropped   = "pickle.global.dropped"   // the same, under Extract
	CodeGlobalDangerous = "pickle.global.dangerous" // known to run code, or to reach what does
	CodeGlobalName      = "pickle.global.name"      // not a plain name
	CodeCode            = "pickle.code"             // functions and classes of dill and cloudpickle
	CodeCallDenied      = "pickle.call.denied"      // a known global with other arguments
	CodeCallAltered     = "pickle.call.altered"     // a container that a call was given is changed behind it
	CodeCallComputed    = "pickle.call.computed"    // a call of what is no global
	CodeBuildDenied     = "pickle.build.denied"     // BUILD of what has no such state
	CodeContainer       = "pickle.container"        // items for what holds none (CVE-2026-24747)
	CodeExt             = "pickle.ext"              // EXT1, EXT2, EXT4: a global by number
	CodeBuffer          = "pickle.buffer"           // data outside the stream
	CodePersID          = "pickle.persid"           // a persistent id as text
	CodeProto           = "pickle.proto"            // PROTO that is not in front, or unknown
	CodeFrame           = "pickle.frame"            // FRAME with a length that is not so
	CodeMemoAgain       = "pickle.memo.again"       // a memo entry with two values
	CodePopped          = "pickle.popped"           // a global or call that is no part of the result
	CodeStack           = "pickle.stack"            // values or marks that STOP leaves behind
	CodeNested          = "pickle.nested"           // a string that is a pickle
	CodeFindings        = "pickle.findings"         // more findings than are listed
)

// The codes of errors: the stream was read to this place and no further.
const (
	CodeOpcode        = "pickle.opcode"         // a byte that is no opcode
	CodeTruncated     = "pickle.truncated"      // the end before STOP
	CodeUnderflow     = "pickle.underflow"      // a value or MARK is missing on the stack
	CodeArgument      = "pickle.argument"       // a malformed number or text
	CodeMemo          = "pickle.memo"           // a memo entry that was never stored
	CodeGlobalOperand = "pickle.global.operand" // STACK_GLOBAL of what is no str
	CodeLimits        = "pickle.limits"         // a budget ran out
)
