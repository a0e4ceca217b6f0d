package npy_test

import (
	"context"
	"fmt"
	"os"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/npy"
)

func ExampleArchive() {
	in, err := formats.Open(os.DirFS("testdata"), "stored.npz")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer in.Close()
	found, err := npy.Archive().Inspect(context.Background(), in, formats.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range found.Tensors {
		fmt.Println(t.ID.Name, t.DType, formats.ShapeString(t.Shape))
	}
	// Output:
	// f4 F32 [2, 3]
	// scalar F32 []
	// empty F64 [0, 4]
	// c16 C128 [2, 3]
	// layer/0:w I64 [2, 3]
}
