package explain

import (
	"github.com/weightgate/weightgate/formats/npy"
	"github.com/weightgate/weightgate/formats/safetensors"
)

var safetensorsFiles = []entry{
	{safetensors.CodeHeader, "The header of a safetensors file is not the JSON that the format prescribes.", malformed},
	{safetensors.CodeName, "A tensor has a name that no runtime can address safely.", malformed},
	{safetensors.CodeDuplicate, "The header has one key twice.", conflicting},
	{safetensors.CodeDType, "A tensor has an element type that the format does not have.", malformed},
	{safetensors.CodeLength, "A tensor's shape and element type contradict its offsets.", malformed},
	{safetensors.CodeBounds, "A tensor's offsets run backwards or leave the file.", malformed},
	{safetensors.CodeGap, "Bytes lie between two tensors that belong to neither.", hidden},
	{safetensors.CodeOverlap, "Two tensors share bytes.", conflicting},
	{safetensors.CodeTrailing, "Bytes lie behind the last tensor.", hidden},
	{safetensors.CodeLimit, "A safetensors file has more than the limits let us read.", exhausting},
}

var numpyFiles = []entry{
	{npy.CodeHeader, "The header of a NumPy array is not the one that the format prescribes.", malformed},
	{npy.CodeObject, "A NumPy array holds Python objects, which are stored as a pickle.", executing},
	{npy.CodeDType, "A NumPy array has an element type that no tensor has.", malformed},
	{npy.CodeByteOrder, "A NumPy array is not little-endian.", malformed},
	{npy.CodeFortran, "A NumPy array is stored column by column.", malformed},
	{npy.CodeLength, "A NumPy array's shape and element type contradict the bytes that are there.", malformed},
	{npy.CodeLimit, "A NumPy file has more than the limits let us read.", exhausting},
	{npy.CodeDuplicate, "Two arrays of an archive have names that NumPy takes for one.", conflicting},
	{npy.CodeMember, "An archive of NumPy arrays has a member that is none.", hidden},
	{npy.CodeDeflated, "An archive of NumPy arrays is compressed, so its arrays cannot be used where they lie.", inflating},
}
