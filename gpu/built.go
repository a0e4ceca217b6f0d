//go:build cgo && linux

package gpu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/onnx"
	"github.com/weightgate/weightgate/gpu/graph"
	"github.com/weightgate/weightgate/loader"
)

// build makes the graph of a model that has none, and reads it as strictly as
// one that was published.
func build(ctx context.Context, m *loader.Model, builder graph.Builder) (*onnx.Model, error) {
	tensors := m.Tensors()
	for i := range tensors {
		tensors[i].Shape = slices.Clone(tensors[i].Shape) // the builder's, whatever it does with it
	}
	built, err := builder(ctx, m.FS(), tensors)
	if err != nil {
		return nil, err
	}
	if err := checkBuilt(built, m.FS()); err != nil {
		return nil, err
	}
	in := &builtInput{Reader: bytes.NewReader(built.Model), name: built.File, beside: m.FS()}
	defer in.Close()
	tree, err := onnx.ReadBuilt(ctx, in, m.Limits())
	if in.err != nil {
		return nil, in.err
	}
	if err != nil {
		return nil, fmt.Errorf("gpu: the graph that was built: %w", err)
	}
	if err := checkWeights(tree, m); err != nil {
		return nil, err
	}
	return tree, nil
}

// checkBuilt demands a graph under a name that no file of its model has.
func checkBuilt(built *graph.Graph, beside fs.FS) error {
	switch {
	case built == nil:
		return fmt.Errorf("%w: it gave none", ErrBuild)
	case !fs.ValidPath(built.File) || built.File == ".":
		return fmt.Errorf("%w: %s is no name of a file", ErrBuild, formats.Quote(built.File))
	}
	_, err := fs.Stat(beside, built.File)
	switch {
	case err == nil:
		return fmt.Errorf("%w: the model has a file %s", ErrBuild, formats.Quote(built.File))
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return nil
}

// checkWeights demands that every weight is a tensor of the model, and none lies
// in the graph.
func checkWeights(tree *onnx.Model, m *loader.Model) error {
	places := map[formats.Range]bool{}
	for _, t := range m.Tensors() {
		places[t.Place] = true
	}
	for _, t := range tree.Inspection().Tensors {
		if t.Inline || !places[t.Place] {
			return fmt.Errorf("%w: the weight %s is no tensor of the model", ErrBuild, formats.Quote(t.ID.Name))
		}
	}
	return nil
}

// A builtInput is a graph in memory, beside the verified files of its model.
type builtInput struct {
	*bytes.Reader
	name   string
	beside fs.FS
	opened []*formats.OpenInput
	err    error // of a sibling that is there and cannot be opened
}

func (in *builtInput) Name() string { return in.name }

func (in *builtInput) Sibling(name string) (formats.Input, bool) {
	full, ok := formats.SiblingName(in.name, name)
	if !ok {
		return nil, false
	}
	sibling, err := formats.Open(in.beside, full)
	if err != nil {
		if in.err == nil && !errors.Is(err, fs.ErrNotExist) {
			in.err = err
		}
		return nil, false
	}
	in.opened = append(in.opened, sibling)
	return sibling, true
}

func (in *builtInput) Close() {
	for _, sibling := range in.opened {
		sibling.Close()
	}
}
