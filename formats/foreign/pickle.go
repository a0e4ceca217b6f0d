package foreign

import "github.com/weightgate/weightgate/formats"

// Pickles are programs for a stack machine that can import and call anything.
const (
	CodePickle           formats.Code = "foreign.pickle"
	CodePickleCompressed formats.Code = "foreign.pickle.compressed"
	CodeJoblib           formats.Code = "foreign.joblib"
)

const saveTensors = "Do not load it. Have whoever made the model save its weights as safetensors, or convert it in a sandbox."

func pickleKinds() []kind {
	return []kind{
		{
			name: "pickle", code: CodePickle, what: "a Python pickle, a program that runs when it is loaded",
			verdict: program(saveTensors), fits: isPickle,
		},
		{
			name: "pickle.compressed", code: CodePickleCompressed, what: "a compressed Python pickle, a program that runs when it is loaded",
			verdict: program(saveTensors), refines: streams(), fits: isCompressedPickle,
		},
		{
			name: "joblib", code: CodeJoblib, what: "a joblib file, which is a Python pickle with arrays in it",
			verdict: program("Do not load it. Export the estimator to ONNX (skl2onnx), or save its arrays as safetensors."),
			refines: append(streams(), "pickle", "pickle.compressed"), fits: isJoblib,
		},
	}
}

// isPickle follows the opcodes, since protocols 0 and 1 have no magic and that of
// the others is the start of many files: a safetensors header of 640 bytes, say.
func isPickle(p *peek) bool { return walkPickle(p).looks() }

func isCompressedPickle(p *peek) bool {
	inner, ok := unpack(p)
	return ok && isPickle(inner)
}

// isJoblib looks for the class that stands for an array, plain or compressed. Its
// writer before 0.10 put "ZF" and a length in hexadecimal before a zlib stream.
func isJoblib(p *peek) bool {
	if p.starts("ZF0x") {
		return digitsHex(string(p.field(4, 1)))
	}
	if inner, ok := unpack(p); ok {
		p = inner
	}
	w := walkPickle(p)
	return w.joblib && w.looks()
}
