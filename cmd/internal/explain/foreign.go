package explain

import "github.com/weightgate/weightgate/formats/foreign"

// foreignFiles are formats that are named and not read.
var foreignFiles = []entry{
	{foreign.CodePickleCompressed, "The file is a compressed Python pickle.", executing},
	{foreign.CodeJoblib, "The file is a joblib file, which is a Python pickle with arrays in it.", executing},
	{foreign.CodeTorchTar, "The file is a PyTorch checkpoint of 2017, a tar file of pickles.", executing},
	{foreign.CodeTorchScript, "The file is a TorchScript model, which holds code.", executing},
	{foreign.CodeKeras, "The file is a Keras model, whose configuration names classes to build.", constructing},
	{foreign.CodeSkops, "The file is a skops model, whose schema names classes to build.", constructing},
	{foreign.CodeNeMo, "The file is a NeMo model: pickles, and a configuration that names classes to build.", executing},
	{foreign.CodeR, "The file is an object of R, which may hold code.", executing},

	{foreign.CodeSavedModel, "The file is a TensorFlow SavedModel, whose operators read and write files.", operators},
	{foreign.CodeGraphDef, "The file is a TensorFlow graph, whose operators read and write files.", operators},
	{foreign.CodeTensorRT, "The file is a TensorRT engine, which is native code.", native},
	{foreign.CodeGGUF, "The file is a GGUF model.", unread},
	{foreign.CodeGGML, "The file is a model in one of GGML's formats before GGUF.", unread},
	{foreign.CodeHDF5, "The file is an HDF5 file, as older Keras models are.", unread},
	{foreign.CodeTFLite, "The file is a TensorFlow Lite model.", unread},
	{foreign.CodeExecuTorch, "The file is an ExecuTorch program or its data.", unread},
	{foreign.CodeORT, "The file is a model in ONNX Runtime's own format.", unread},
	{foreign.CodeOpenVINO, "The file is the graph of an OpenVINO model.", unread},
	{foreign.CodePMML, "The file is a PMML model.", unread},

	{foreign.CodeTar, "The file is a tar archive.", unread},
	{foreign.CodeZipWrapped, "The file is a zip archive with bytes before and behind it.", hidden},
	{foreign.Code7z, "The file is a 7-Zip archive.", unread},
	{foreign.CodeRar, "The file is a RAR archive.", unread},
	{foreign.CodeGzip, "The file is compressed with gzip.", unread},
	{foreign.CodeZlib, "The file is compressed with zlib.", unread},
	{foreign.CodeBzip2, "The file is compressed with bzip2.", unread},
	{foreign.CodeXZ, "The file is compressed with xz.", unread},
	{foreign.CodeLZMA, "The file is compressed with LZMA.", unread},
	{foreign.CodeLZ4, "The file is compressed with LZ4.", unread},
	{foreign.CodeZstd, "The file is compressed with Zstandard.", unread},

	{foreign.CodeELF, "The file is an ELF program or library.", native},
	{foreign.CodePE, "The file is a Windows program or library.", native},
	{foreign.CodeDOS, "The file is a DOS program.", native},
	{foreign.CodeMachO, "The file is a macOS program or library.", native},
	{foreign.CodeWasm, "The file is a WebAssembly program.", native},
	{foreign.CodeJava, "The file is a Java class.", native},
	{foreign.CodePyc, "The file is compiled Python.", native},
	{foreign.CodeScript, "The file is a script.", native},

	{foreign.CodeHTML, "The file is a web page, as a failed download leaves it.", notThere},
	{foreign.CodeStorageError, "The file is the error that a store answered with in the place of a file.", notThere},
	{foreign.CodeLFS, "The file is a Git LFS pointer in the place of a file.", notThere},
	{foreign.CodeXET, "The file is a Xet pointer in the place of a file.", notThere},
}
