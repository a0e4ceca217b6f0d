package explain

import (
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

// admission are the codes of the line itself and of its rules.
var admission = []entry{
	{policy.CodeNoMatch, "No entry of the policy is for this name and this kind of source.", unauthorised},
	{policy.CodePhase, "A rule was asked without its fact, or the facts contradict each other.", failing},
	{loader.CodeBeneath, "The policy or its lock lies inside the model that it is to judge.", selfApproving},
	{policy.CodeSource, "The model comes from a source that its entry does not name.", unauthorised},
	{policy.CodeSourceEmpty, "There is no file to load.", incomplete},

	{policy.CodeNameInvalid, "A file's name is not relative and slash-separated, or occurs twice.", escaping},
	{policy.CodeNameControl, "A file's name has control or direction characters, or is no UTF-8.", lookalike},
	{policy.CodeNameUnprintable, "A file's name has letters beyond printable ASCII.", lookalike},
	{policy.CodeNameCase, "Two files have names that differ in case alone.", folded},

	{policy.CodeIrregular, "An entry of the directory is a link, a pipe, a socket or a device.", escaping},
	{policy.CodeHardLink, "The file has a second name somewhere else on its file system.", moved},
	{loader.CodeRead, "A file could not be opened or read to its end.", unread},
	{loader.CodeChanged, "A file changed while it was read.", moved},

	{policy.CodePinMissing, "The policy wants a pin, and the lock has none for this name.", unreviewed},
	{policy.CodePinChanged, "A file is not the one that was pinned.", tampered},
	{policy.CodePinOther, "The model is one that is pinned under another name.", unreviewed},
	{policy.CodePinInconsistent, "Of the two digests that the lock has for a file, one fits and one does not.", tampered},
	{policy.CodeCompanionExtra, "The model has a file that its pin does not have.", unreviewed},
	{policy.CodeCompanionMissing, "A file that the pin or the policy names is not there.", incomplete},

	{policy.CodeFormatDenied, "The file has a format that the policy does not list.", unlisted},
	{policy.CodeFormatUnknown, "No format claims the file, so nobody has looked into it.", unread},
	{loader.CodeAmbiguous, "The file fits the structure of two formats.", conflicting},
	{loader.CodeParser, "A format's parser panicked, or broke its contract.", failing},
	{loader.CodeAbsent, "A file holds a pickle, and nothing was there to judge it.", unread},
	{loader.CodeNoWeights, "A file that is named like weights holds text, or nothing.", masked},
	{loader.CodeScript, "Source code lies beside the weights, where a configuration can have it imported.", remoteCode},
	{loader.CodeTarget, "A text that may be YAML has the key by which Hydra calls any function.", remoteCode},
	{loader.CodeTag, "A text that may be YAML has a tag by which an unsafe loader builds any Python object.", constructing},
	{loader.CodeUnclaimed, "The file holds bytes that no part of its format accounts for.", hidden},

	{loader.CodeFiles, "The model has more files or directories than the limits allow.", exhausting},
	{loader.CodeDepth, "Directories lie deeper in each other than the limits allow.", nesting},
	{loader.CodeMemory, "The model takes more memory than there is, or than the limits allow.", exhausting},
	{loader.CodeCanceled, "The load was ended by its caller or by its deadline.", unread},
	{loader.CodeClosed, "The gate was closed before the load.", unread},
	{loader.CodeRecord, "The recorder could not write the admission down.", unrecorded},

	{loader.CodeUnsupported, "Runtime libraries cannot be sealed on this system.", runtimes},
	{loader.CodeTwice, "Two of the runtime's libraries have one name.", runtimes},
	{policy.CodeLibraryMissing, "The policy has rules for runtimes, and none was named or pinned.", runtimes},
	{policy.CodeLibraryUnpinned, "The lock has no runtime library of this name.", runtimes},
	{policy.CodeLibraryChanged, "A runtime library is not the one that was pinned.", runtimes},
	{policy.CodeLibraryOther, "The process has already opened another runtime.", runtimes},
	{policy.CodeSessionDevice, "The session runs on a device that the policy does not name.", elsewhere},
	{policy.CodeSessionFallback, "Parts of the model run on the CPU though another device was asked for.", elsewhere},
}
