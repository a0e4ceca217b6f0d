package explain

import "github.com/weightgate/weightgate/formats/pickle"

// pickleStreams are what a converter finds in a pickle.
var pickleStreams = []entry{
	{pickle.CodeGlobalDenied, "A pickle names a global that no pack of the policy has.", executing},
	{pickle.CodeGlobalDropped, "A pickle names a global that no pack has, and what it would build is left out.", constructing},
	{pickle.CodeGlobalDangerous, "A pickle names a global that is known to run code.", executing},
	{pickle.CodeGlobalName, "A pickle names a global by what is no plain name.", executing},
	{pickle.CodeCode, "A pickle carries Python code, as dill and cloudpickle write it.", executing},
	{pickle.CodeCallDenied, "A pickle calls a known global with other arguments than its library gives it.", constructing},
	{pickle.CodeCallAltered, "A pickle changes what it has given to a call, so that not both see the same.", hidden},
	{pickle.CodeCallComputed, "A pickle calls what it has computed.", executing},
	{pickle.CodeBuildDenied, "A pickle sets the state of something that has none in a checkpoint.", constructing},
	{pickle.CodeContainer, "A pickle puts items into what holds none.", constructing},
	{pickle.CodeExt, "A pickle names a global by a number of a private registry.", executing},
	{pickle.CodeBuffer, "A pickle leaves some of its data to its reader.", incomplete},
	{pickle.CodePersID, "A pickle leaves an object to its reader.", incomplete},
	{pickle.CodeProto, "A pickle names its protocol elsewhere than in front, or one that there is not.", malformed},
	{pickle.CodeFrame, "A pickle's frame does not hold what it says.", malformed},
	{pickle.CodeMemoAgain, "A pickle gives two values one number.", conflicting},
	{pickle.CodePopped, "A pickle builds something and throws it away.", hidden},
	{pickle.CodeStack, "A pickle leaves values behind that are no part of its result.", hidden},
	{pickle.CodeNested, "A string in a pickle is a pickle itself.", hidden},
	{pickle.CodeTrailing, "Bytes lie behind the end of a pickle.", hidden},
	{pickle.CodeFindings, "A pickle has more against it than is listed.", unread},

	{pickle.CodeOpcode, "A pickle has a byte that is no opcode, and was read no further.", unread},
	{pickle.CodeTruncated, "A pickle ends before its end.", unread},
	{pickle.CodeUnderflow, "A pickle takes values that it never put there, and was read no further.", unread},
	{pickle.CodeArgument, "A pickle has a malformed number or text, and was read no further.", unread},
	{pickle.CodeMemo, "A pickle refers to a value that it never stored, and was read no further.", unread},
	{pickle.CodeGlobalOperand, "A pickle computes the name of a global, and was read no further.", executing},
	{pickle.CodeLimits, "A pickle takes more steps or memory than its reader has.", exhausting},
}
