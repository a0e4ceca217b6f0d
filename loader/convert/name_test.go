package convert

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRename(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"pytorch_model.bin", "model.safetensors"},
		{"pytorch_model-00001-of-00002.bin", "model-00001-of-00002.safetensors"},
		{"unet/pytorch_model.bin", "unet/model.safetensors"},
		{"unet/diffusion_pytorch_model.bin", "unet/diffusion_pytorch_model.safetensors"},
		{"pytorch_model/epoch=3.ckpt", "pytorch_model/epoch=3.safetensors"},
		{"weights.tar.pt", "weights.tar.safetensors"},
		{"weights", "weights.safetensors"},
		{"a.b/weights", "a.b/weights.safetensors"},
		{".bin", ".bin.safetensors"},
		{"..a.bin", "..a.safetensors"},
		{"model.", "model.safetensors"},
	} {
		require.Equal(t, c.want, rename(c.file))
	}
}
