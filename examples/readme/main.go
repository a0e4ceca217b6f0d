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
	"github.com/weightgate/weightgate/gpu/graph"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/loader/source/hf"
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

// What the README shows beside it is compiled and not run.
var _ = []any{embedder, fromHub}

// README begins here.
func embedder(ctx context.Context, m *loader.Model) (*gpu.Session, error) {
	return gpu.Open(ctx, m, gpu.Config{
		Library: "/opt/ort/libonnxruntime.so.1",
		Device:  gpu.CPU,
		Build:   graph.Sentence, // input_ids, attention_mask, token_type_ids in; sentence_embedding out
	})
}

// README ends here.

// README begins here.
func fromHub(ctx context.Context, gate *loader.Gate) (*loader.Model, error) {
	hub := hf.Hub{Cache: "/var/cache/models"}
	return gate.Load(ctx, "minilm", hub.Repository("sentence-transformers/all-MiniLM-L6-v2", "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"))
}

// README ends here.
