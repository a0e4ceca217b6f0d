package foreign

import (
	"slices"
	"strings"

	"github.com/weightgate/weightgate/formats"
)

// The forms that PyTorch saved models in over time (torch/serialization.py).
const (
	CodeTorch       formats.Code = "foreign.torch"
	CodeTorchLegacy formats.Code = "foreign.torch.legacy"
	CodeTorchTar    formats.Code = "foreign.torch.tar"
	CodeTorchScript formats.Code = "foreign.torchscript"
)

// The number 0x1950a86a20f9469cfc6c, as protocol 2 and up and as protocol 0 write it.
const (
	torchMagic     = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
	torchMagicText = "119547037146038801333356L"
)

func torchKinds() []kind {
	const convert = "Do not load it. Convert the checkpoint to safetensors: torch.load(..., weights_only=True) in a sandbox, then safetensors.torch.save_file."
	return []kind{
		{
			name: "torch", code: CodeTorch, what: "a PyTorch checkpoint, which holds a pickle",
			verdict: program(convert), refines: []string{"zip"}, fits: isTorch,
		},
		{
			name: "torch.legacy", code: CodeTorchLegacy, what: "a PyTorch checkpoint from before 1.6, a row of pickles",
			verdict: program(convert), refines: []string{"pickle"}, fits: isTorchLegacy,
		},
		{
			name: "torch.tar", code: CodeTorchTar, what: "a PyTorch checkpoint of 2017, a tar file of pickles",
			verdict: program(convert), refines: []string{"tar"}, fits: isTorchTar,
		},
		{
			name: "torchscript", code: CodeTorchScript, what: "a TorchScript model, which holds code",
			verdict: program("Do not load it. Export the model to ONNX, or save its weights as safetensors."),
			refines: []string{"zip", "torch"}, fits: isTorchScript,
		},
	}
}

func isTorch(p *peek) bool { return slices.ContainsFunc(zipNames(p), named("data.pkl")) }

// isTorchScript looks for what a module has and a checkpoint lacks: the constants
// of its code, by which torch.load tells it, or the code itself.
func isTorchScript(p *peek) bool {
	names := zipNames(p)
	return slices.ContainsFunc(names, named("constants.pkl")) ||
		slices.ContainsFunc(names, named("data.pkl")) && slices.ContainsFunc(names, func(name string) bool {
			_, inside, _ := strings.Cut(name, "/")
			return strings.HasPrefix(inside, "code/")
		})
}

// named matches an archive's member of that name, in the archive's one directory.
func named(want string) func(string) bool {
	return func(name string) bool {
		_, inside, ok := strings.Cut(name, "/")
		return ok && inside == want
	}
}

func isTorchLegacy(p *peek) bool {
	w := walkPickle(p)
	return w.torch && w.ended == stopped
}

func isTorchTar(p *peek) bool {
	names := tarNames(p)
	return slices.Contains(names, "storages") && slices.Contains(names, "pickle")
}
