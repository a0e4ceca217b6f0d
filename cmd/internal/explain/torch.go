package explain

import "github.com/weightgate/weightgate/formats/torch"

// torchFiles are PyTorch's checkpoints, and what a converter finds in them.
var torchFiles = []entry{
	{torch.CodeArchive, "A checkpoint's archive is not laid out as PyTorch lays it out.", malformed},
	{torch.CodeMember, "A checkpoint's archive holds a member that nothing here reads.", unread},
	{torch.CodeDeflated, "A member of a checkpoint's archive is deflated.", malformed},
	{torch.CodeByteOrder, "A checkpoint names a byte order that is none.", malformed},
	{torch.CodeLimit, "A checkpoint has more than the limits let us read.", exhausting},

	{torch.CodeRoot, "A checkpoint holds tensors in several places, and nothing says which are the model's.", incomplete},
	{torch.CodeRootNone, "A checkpoint holds no tensors by name.", incomplete},
	{torch.CodeModule, "A checkpoint holds a module, which is rebuilt by running code, and not its state.", constructing},
	{torch.CodeTensor, "A checkpoint's tensor is built as PyTorch builds none.", malformed},
	{torch.CodeStorage, "A checkpoint's storage is named as PyTorch names none, or in two ways.", conflicting},
	{torch.CodeDType, "A checkpoint's tensor has elements that safetensors has no type for.", unread},
	{torch.CodeQuantized, "A checkpoint's tensor is quantized.", unread},
	{torch.CodeSparse, "A checkpoint's tensor is sparse.", unread},
	{torch.CodeMeta, "A checkpoint's tensor has a shape and no values.", incomplete},
	{torch.CodeSubclass, "A checkpoint's tensor is of a class of its own, or has objects for attributes.", constructing},
	{torch.CodeDevice, "A checkpoint's tensor is in the form of a device.", unread},
	{torch.CodeLegacy, "A legacy checkpoint is not the row of pickles that PyTorch wrote.", malformed},
}
