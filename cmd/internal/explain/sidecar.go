package explain

import "github.com/weightgate/weightgate/formats/sidecar"

// sidecarFiles are the files beside the weights that steer a load.
var sidecarFiles = []entry{
	{sidecar.CodeJSON, "A configuration is not the JSON that every reader reads alike.", conflicting},
	{sidecar.CodeDuplicate, "A configuration has one key twice.", conflicting},
	{sidecar.CodeLimit, "A configuration has more than the limits let us read.", exhausting},

	{sidecar.CodeAutoMap, "A configuration takes classes from Python files of a repository.", remoteCode},
	{sidecar.CodeCustomPipeline, "A configuration takes a pipeline or a part of it from a Python file.", remoteCode},
	{sidecar.CodeTrust, "A configuration asks that remote code be trusted.", remoteCode},
	{sidecar.CodeTarget, "A configuration names a callable, and with what to call it.", remoteCode},
	{sidecar.CodeImport, "A configuration names a module that the library which reads it does not bring.", remoteCode},
	{sidecar.CodeLambda, "A Keras configuration holds marshalled bytecode.", executing},
	{sidecar.CodeUnsafe, "A Keras configuration turns the safe mode off.", executing},
	{sidecar.CodeKernel, "A configuration takes an attention kernel from a repository.", remoteCode},
	{sidecar.CodeLibrary, "A configuration names a native library to load.", remoteCode},
	{sidecar.CodeScript, "A configuration names a Python file.", remoteCode},

	{sidecar.CodeOrigin, "A configuration says where the model comes from.", unproven},
	{sidecar.CodeRepository, "A configuration names another model, which a load fetches.", unreviewed},
	{sidecar.CodeURL, "A configuration names an address.", unreviewed},
	{sidecar.CodeClimb, "A configuration names a path that leaves the model.", escaping},
	{sidecar.CodeAbsolute, "A configuration names a path of some machine.", escaping},
	{sidecar.CodeTemplate, "A configuration holds a template that a library renders.", templates},

	{sidecar.CodeIndexForm, "The index of a sharded model is none.", malformed},
	{sidecar.CodeIndexTwice, "An index places one tensor in two shards.", conflicting},
	{sidecar.CodeIndexPath, "An index names a shard that is no file beneath its own directory.", escaping},
	{sidecar.CodeIndexMissing, "An index names a shard that is not there.", incomplete},
	{sidecar.CodeIndexTensor, "An index names a tensor that its shard does not hold.", swapped},
	{sidecar.CodeIndexUnnamed, "A shard holds a tensor that the index does not place there.", swapped},
	{sidecar.CodeIndexUnchecked, "An index names a shard whose tensors cannot be listed.", unread},
	{sidecar.CodeIndexSize, "An index says another total size than its tensors have.", malformed},
}
