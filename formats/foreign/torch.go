package foreign

import (
	"slices"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/peek"
)

// The forms that PyTorch saved models in over time (torch/serialization.py).
const (
	CodeTorchTar    formats.Code = "foreign.torch.tar"
	CodeTorchScript formats.Code = "foreign.torchscript"
)

func torchKinds() []kind {
	const convert = "Do not load it. Convert the checkpoint to safetensors: torch.load(..., weights_only=True) in a sandbox, then safetensors.torch.save_file."
	return []kind{
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

// isTorchScript looks for what a module has and a checkpoint lacks: the constants
// of its code, by which torch.load tells it, or the code itself.
func isTorchScript(p *peek.File) bool {
	names := p.ZipNames()
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

func isTorchTar(p *peek.File) bool {
	names := tarNames(p)
	return slices.Contains(names, "storages") && slices.Contains(names, "pickle")
}
