package foreign

import (
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/peek"
	"github.com/weightgate/weightgate/formats/pickle"
)

// Pickles are programs for a stack machine that can import and call anything.
const (
	CodePickleCompressed formats.Code = "foreign.pickle.compressed"
	CodeJoblib           formats.Code = "foreign.joblib"
)

const saveTensors = "Do not load it. Have whoever made the model save its weights as safetensors, or convert it in a sandbox."

func pickleKinds() []kind {
	return []kind{
		{
			name: "pickle.compressed", code: CodePickleCompressed, what: "a compressed Python pickle, a program that runs when it is loaded",
			verdict: program(saveTensors), refines: streams(), fits: isCompressedPickle,
		},
		{
			name: "joblib", code: CodeJoblib, what: "a joblib file, which is a Python pickle with arrays in it",
			verdict: program("Do not load it. Export the estimator to ONNX (skl2onnx), or save its arrays as safetensors."),
			refines: append(streams(), pickle.Name, "pickle.compressed"), fits: isJoblib,
		},
	}
}

func isCompressedPickle(p *peek.File) bool {
	inner, ok := unpack(p)
	return ok && pickle.Recognise(inner).Pickle
}

// isJoblib looks for the class that stands for an array, plain or compressed. Its
// writer before 0.10 put "ZF" and a length in hexadecimal before a zlib stream.
func isJoblib(p *peek.File) bool {
	if p.Starts("ZF0x") {
		return digitsHex(string(p.Field(4, 1)))
	}
	if inner, ok := unpack(p); ok {
		p = inner
	}
	return pickle.Recognise(p).Joblib
}
