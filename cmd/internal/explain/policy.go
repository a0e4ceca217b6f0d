package explain

import "github.com/weightgate/weightgate/policy"

// conversions are the codes of what pickles are converted into.
var conversions = []entry{
	{policy.CodeConvertAbsent, "A file was converted, and its entry in the policy has no convert rule.", unauthorised},
	{policy.CodeConvertUnlisted, "A pickle was judged by a pack that the policy does not list.", constructing},
	{policy.CodeConvertSandbox, "A pickle was read in a weaker sandbox than the policy asks for.", unread},

	{policy.CodeDerivedName, "A checkpoint is converted into a file whose name another file has.", conflicting},
	{policy.CodeDerivedUnpinned, "The lock does not say what the model is converted into.", unreviewed},
	{policy.CodeDerivedChanged, "A conversion made another file than the one that was pinned.", tampered},
	{policy.CodeDerivedMissing, "No conversion made a file that the lock has.", incomplete},
	{policy.CodeDerivedExtra, "A conversion made a file that the lock does not have.", unreviewed},
}
