package safetensors_test

import (
	"bytes"
	"context"
	"fmt"
	"testing/fstest"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/safetensors"
)

func Example() {
	var file bytes.Buffer
	err := safetensors.Write(&file, []safetensors.Tensor{
		{Name: "bias", DType: formats.F16, Shape: []int64{2}, Data: make([]byte, 4)},
		{Name: "weight", DType: formats.F32, Shape: []int64{2, 3}, Data: make([]byte, 24)},
	}, map[string]string{"format": "pt"})
	if err != nil {
		fmt.Println(err)
		return
	}

	in, err := formats.Open(fstest.MapFS{"model.safetensors": {Data: file.Bytes()}}, "model.safetensors")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer in.Close()
	h, err := safetensors.Read(context.Background(), in, formats.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range h.Tensors {
		fmt.Println(t.ID.Name, t.DType, formats.ShapeString(t.Shape), t.Place.Length, "bytes at", t.Place.Offset)
	}
	// Output:
	// weight F32 [2, 3] 24 bytes at 160
	// bias F16 [2] 4 bytes at 184
}
