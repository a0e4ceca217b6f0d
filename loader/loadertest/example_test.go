package loadertest_test

import (
	"fmt"
	"io/fs"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader/loadertest"
)

func Example() {
	// In a test: m := loadertest.Model(t, files), which closes it as well.
	m, err := loadertest.Load(map[string][]byte{
		"model.safetensors": loadertest.Tensors(loadertest.F32("bias", []int64{3}, 1, 0, -1)),
		"labels.txt":        []byte("cat dog fox"),
	})
	if err != nil {
		fmt.Println(err) // a *loader.Rejection, with every reason
		return
	}
	defer m.Close()

	bias := formats.TensorID{File: "model.safetensors", Name: "bias"}
	err = m.View(bias, func(b []byte) error {
		fmt.Println(len(b), "bytes of", bias)
		return nil
	})
	fmt.Println(err)
	labels, err := fs.ReadFile(m.FS(), "labels.txt")
	fmt.Println(string(labels), err)
	fmt.Println(m.Verdict(), m.Vouched())
	// Output:
	// 12 bytes of model.safetensors:bias
	// <nil>
	// cat dog fox <nil>
	// admitted true
}
