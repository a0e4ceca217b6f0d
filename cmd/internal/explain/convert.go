package explain

import "github.com/weightgate/weightgate/loader/convert"

var checkpoints = []entry{
	{convert.CodePack, "The policy converts with a pack of globals that is not built in.", unread},
	{convert.CodePlan, "The confined child answered with what no child that is itself answers.", hostile},
	{convert.CodeLimit, "A checkpoint has more than the limits let us read.", exhausting},
	{convert.CodeJob, "The confined child cannot do what it is asked.", failing},
	{convert.CodeStride, "A tensor's elements lie so tangled that they cannot be copied in one pass.", exhausting},
	{convert.CodeName, "A checkpoint's tensor has a name that no safetensors file should have.", malformed},
	{convert.CodeDuplicate, "A plan has one name for two tensors.", conflicting},
	{convert.CodeDType, "A checkpoint's tensor has elements that safetensors has no type for.", malformed},
	{convert.CodeShape, "A checkpoint's tensor has dimensions and strides that no tensor has.", malformed},
	{convert.CodeBounds, "A checkpoint's tensor leaves its storage.", malformed},
	{convert.CodeStorage, "A checkpoint's storage is not in the file, or has another length there.", conflicting},
	{convert.CodeTile, "The storages of a legacy checkpoint are not exactly what lies behind its pickles.", conflicting},
	{convert.CodeAmplified, "A checkpoint's tensors are many times larger than the file.", inflating},
	{convert.CodeShared, "Tensors overlap in memory, and none of them is all of it.", conflicting},
	{convert.CodeMerged, "A tensor is left out of the conversion, since it is a view of another.", incomplete},
	{convert.CodeUnnamed, "A checkpoint has storages that its pickle does not name.", hidden},
	{convert.CodeBool, "A checkpoint's truth value is neither 0 nor 1.", conflicting},
	{convert.CodeUnsupported, "Pickles cannot be read here: nothing confines whoever reads them.", unread},
	{convert.CodeLevel, "Fewer walls stand around the reader of pickles than the policy demands.", unread},
	{convert.CodeViolation, "The reader of a pickle tried what is forbidden, and was killed.", hostile},
	{convert.CodeResources, "The reader of a pickle used up its memory or processor time.", exhausting},
	{convert.CodeDeadline, "The reader of a pickle did not end in time.", exhausting},
	{convert.CodeCrashed, "The reader of a pickle ended without an answer.", failing},
	{convert.CodeOutput, "The reader of a pickle wrote more than any answer.", exhausting},
}

// hostile is the risk of a reader that was taken over.
var hostile = risk{
	"A reader that does what it was not written to do was taken over by what it read. It is confined so that this ends here, with nothing derived and nothing lost.",
	"CWE-345 CWE-693 LLM03:2025 AML.T0011.000 AML.T0107 4.1.3 6.1.1",
}
