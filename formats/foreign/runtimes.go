package foreign

import (
	"bytes"
	"encoding/binary"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/peek"
)

// Models in the formats of other runtimes.
const (
	CodeGGUF       formats.Code = "foreign.gguf"
	CodeGGML       formats.Code = "foreign.ggml"
	CodeHDF5       formats.Code = "foreign.hdf5"
	CodeTFLite     formats.Code = "foreign.tflite"
	CodeExecuTorch formats.Code = "foreign.executorch"
	CodeORT        formats.Code = "foreign.ort"
	CodeTensorRT   formats.Code = "foreign.tensorrt"
)

const useSource = "Use the model that this one was converted from, as safetensors or ONNX."

func runtimeKinds() []kind {
	return []kind{
		{
			name: "gguf", code: CodeGGUF, what: "a GGUF model",
			verdict: unread(useSource), fits: isGGUF,
		},
		{
			name: "ggml", code: CodeGGML, what: "a model in one of GGML's formats before GGUF",
			verdict: unread(useSource), fits: isGGML,
		},
		{
			name: "hdf5", code: CodeHDF5, what: "an HDF5 file, as older Keras models are",
			verdict: unread("Save the weights as safetensors, or export the model to ONNX (tf2onnx). Do not load it with Keras: its layers may hold code."),
			fits:    isHDF5,
		},
		{
			name: "tflite", code: CodeTFLite, what: "a TensorFlow Lite model",
			verdict: unread("Use the model that this one was converted from, or convert it to ONNX (tf2onnx)."),
			fits:    func(p *peek.File) bool { return isFlatBuffer(p, "TFL3") },
		},
		{
			name: "executorch", code: CodeExecuTorch, what: "an ExecuTorch program or its data",
			verdict: unread(useSource), fits: isExecuTorch,
		},
		{
			name: "ort", code: CodeORT, what: "a model in ONNX Runtime's own format",
			verdict: unread("Use the ONNX model that this one was made from."),
			fits:    func(p *peek.File) bool { return isFlatBuffer(p, "ORTM") },
		},
		{
			name: "tensorrt", code: CodeTensorRT, what: "a TensorRT engine, which is native code",
			verdict: program("Build the engine from the ONNX model on the machine that runs it."), fits: isTensorRT,
		},
	}
}

// isGGUF checks the header (ggml's docs/gguf.md): a version, in either byte
// order, and as many tensors and values as the file can hold. Version 1 counted in 32 bits.
func isGGUF(p *peek.File) bool {
	if !p.Starts("GGUF") || p.Size < 16 {
		return false
	}
	var order binary.ByteOrder = binary.LittleEndian
	if order.Uint16(p.Field(4, 2)) == 0 {
		order = binary.BigEndian
	}
	version := order.Uint32(p.Field(4, 4))
	if version == 1 {
		return int64(order.Uint32(p.Field(8, 4))) < p.Size && int64(order.Uint32(p.Field(12, 4))) < p.Size
	}
	return version > 1 && version < 1<<16
}

// isGGML knows the magics, as little-endian numbers, of llama.cpp before GGUF and
// of whisper.cpp. All but the first have a version behind them.
func isGGML(p *peek.File) bool {
	if p.Size < 32 {
		return false
	}
	version := binary.LittleEndian.Uint32(p.Field(4, 4))
	switch {
	case p.Starts("lmgg"):
		return version < 1<<24 // the size of a vocabulary
	case p.Starts("fmgg", "tjgg", "algg"):
		return version > 0 && version <= 16
	}
	return false
}

// isHDF5 looks for the signature and a superblock's version at 0, 512 and each
// doubling thereof: a user block may stand before (HDF5 File Format 3.0, II.A).
func isHDF5(p *peek.File) bool {
	for offset := int64(0); offset < min(p.Size, 1<<62); offset = max(512, offset*2) {
		b := p.At(offset, 9)
		if len(b) == 9 && string(b[:8]) == "\x89HDF\r\n\x1a\n" && b[8] <= 3 {
			return true
		}
	}
	return false
}

// isExecuTorch knows programs (.pte) and tensors (.ptd); the digits are a version.
func isExecuTorch(p *peek.File) bool {
	id := p.Field(4, 4)
	versioned := bytes.IndexFunc(id[2:], func(r rune) bool { return r < '0' || r > '9' }) < 0
	return versioned && (string(id[:2]) == "ET" || string(id[:2]) == "FT") && isFlatBuffer(p, string(id))
}

// isFlatBuffer checks a buffer's identifier, and that its first table has a table
// of fields of even length in the file (FlatBuffers, "Internals").
func isFlatBuffer(p *peek.File, identifier string) bool {
	if string(p.Field(4, 4)) != identifier {
		return false
	}
	root := int64(binary.LittleEndian.Uint32(p.Field(0, 4)))
	table := p.At(root, 4)
	if root < 8 || len(table) < 4 {
		return false
	}
	fields := root - int64(int32(binary.LittleEndian.Uint32(table)))
	sizes := p.At(fields, 4)
	if len(sizes) < 4 {
		return false
	}
	size := int64(binary.LittleEndian.Uint16(sizes))
	return size >= 4 && size%2 == 0 && fields+size <= p.Size
}

// isTensorRT knows the magics of plans since version 7. A version follows, in
// binary: text that begins like this is none.
func isTensorRT(p *peek.File) bool {
	return p.Starts("ftrt", "ptrt") && p.Size >= 24 && bytes.IndexByte(p.Field(4, 12), 0) >= 0
}
