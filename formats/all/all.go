// Package all lists the formats that weightgate reads. Only hosts import it:
// the set is their answer to which parsers hostile bytes can reach.
package all

import (
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/foreign"
	"github.com/weightgate/weightgate/formats/npy"
	"github.com/weightgate/weightgate/formats/onnx"
	"github.com/weightgate/weightgate/formats/pickle"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/formats/sidecar"
	"github.com/weightgate/weightgate/formats/torch"
	"github.com/weightgate/weightgate/formats/zipfile"
)

// Formats is the built-in set: what is read, and what is only recognised and
// named. The caller owns it.
func Formats() formats.Set {
	return formats.Set{
		safetensors.Format(),
		onnx.Format(),
		npy.Format(),
		npy.Archive(),
		zipfile.Format(),
		torch.Format(),
		torch.Legacy(),
		pickle.Format(),
	}.With(sidecar.Formats()...).With(foreign.Formats()...)
}
