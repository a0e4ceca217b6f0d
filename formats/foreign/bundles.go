package foreign

import (
	"slices"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/peek"
)

// Archives that hold a model and what is needed to build it.
const (
	CodeKeras formats.Code = "foreign.keras"
	CodeSkops formats.Code = "foreign.skops"
	CodeNeMo  formats.Code = "foreign.nemo"
)

func bundleKinds() []kind {
	return []kind{
		{
			name: "keras", code: CodeKeras, what: "a Keras model, whose configuration names classes to build",
			verdict: program("Do not load it. Export the model to ONNX, or save its weights as safetensors."),
			refines: []string{"zip"}, fits: isKeras,
		},
		{
			name: "skops", code: CodeSkops, what: "a skops model, whose schema names classes to build",
			verdict: unread("Export the estimator to ONNX (skl2onnx)."),
			refines: []string{"zip", "npz"}, fits: isSkops,
		},
		{
			name: "nemo", code: CodeNeMo, what: "a NeMo model, a tar file of pickles and a configuration that names classes to build",
			verdict: program("Do not load it. Export the model to ONNX, or save its weights as safetensors."),
			refines: append(streams(), "tar", "torch"), fits: isNeMo,
		},
	}
}

func isKeras(p *peek.File) bool {
	names := p.ZipNames()
	return slices.Contains(names, "config.json") && slices.Contains(names, "metadata.json") && slices.Contains(names, "model.weights.h5")
}

func isSkops(p *peek.File) bool { return slices.Contains(p.ZipNames(), "schema.json") }

// isNeMo looks into the archive, which ends in a checkpoint, or into as much of it as was unpacked: old ones
// are compressed.
func isNeMo(p *peek.File) bool {
	names := tarNames(p)
	if inner, ok := unpack(p); ok {
		names = tarNames(inner)
	}
	return slices.ContainsFunc(names, func(name string) bool {
		return name == "model_config.yaml" || strings.HasSuffix(name, "/model_config.yaml")
	})
}
