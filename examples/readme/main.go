// Command readme is the README's program. It is compiled with everything else,
// and a test holds the README against it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/gpu"
	"github.com/weightgate/weightgate/loader"
)

func main() {
	input, err := gpu.NewTensor([]int64{101, 7592, 102}, 1, 3)
	if err == nil {
		err = serve(context.Background(), []gpu.Tensor{input}, make([]gpu.Tensor, 1))
	}
	if r, ok := errors.AsType[*loader.Rejection](err); ok {
		fmt.Print(r.Report)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// README begins here.
func serve(ctx context.Context, inputs, outputs []gpu.Tensor) error {
	gate, err := loader.Open("policy.yaml", all.Formats())
	if err != nil {
		return err
	}
	defer gate.Close()
	m, err := gate.Load(ctx, "bert", loader.Dir("models/bert")) // a *loader.Rejection has every reason
	if err != nil {
		return err
	}
	defer m.Close()
	s, err := gpu.Open(ctx, m, gpu.Config{Library: "/opt/ort/libonnxruntime.so.1", Device: gpu.CPU})
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Run(ctx, inputs, outputs)
}

// README ends here.
