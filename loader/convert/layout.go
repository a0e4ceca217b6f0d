package convert

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/formats/torch"
	"github.com/weightgate/weightgate/formats/torch/grammar"
)

// A layout is a derived file whose copies are still to be made.
type layout struct {
	header []byte
	views  []*view // in the order of the derived file
	lent   []bool  // beside views: its bytes are used where they lie
	copied int64   // bytes of the others

	merged []string // names of tensors that went, sorted
}

// lay holds a checkpoint against its file and lays out what is to be derived.
// The layout is nil if a finding stands against it or there are no tensors; the
// error is that of a read, or ctx's.
func (c *checker) lay(ctx context.Context, in formats.Input, from *torch.Container, cp *grammar.Checkpoint, maxTensors int) (*layout, error) {
	if cp.Form != from.Form {
		c.find(CodePlan, 0, "the plan is of another kind of file")
		return nil, nil
	}
	places, err := c.places(ctx, in, from, cp)
	if err != nil || places == nil {
		return nil, err
	}
	views := c.views(cp, places, maxTensors)
	if len(views) == 0 {
		return nil, nil
	}
	merged, ok := c.merge(views)
	if !ok || !c.affordable(merged.kept) {
		return nil, nil
	}
	c.unnamed(cp.Storages, from.Storages)
	return c.arrange(merged, from.BigEndian), nil
}

// places are those of the checkpoint's storages, nil if something is wrong.
func (c *checker) places(ctx context.Context, in formats.Input, from *torch.Container, cp *grammar.Checkpoint) ([]formats.Range, error) {
	switch from.Form {
	case grammar.Zip:
		return c.records(cp.Storages, from.Storages), nil
	case grammar.Legacy:
		return c.tiles(ctx, in, cp)
	}
	if len(cp.Tensors) > 0 || len(cp.Storages) > 0 {
		c.find(CodePlan, 0, "a plan with tensors of a file that has none")
	}
	return nil, nil
}

// arrange orders the tensors as the reference does and writes the header.
func (c *checker) arrange(m merging, swapped bool) *layout {
	metadata := map[string]string{"format": "pt"}
	for removed, kept := range m.removed {
		if _, taken := metadata[removed]; !taken {
			metadata[removed] = kept
		}
	}
	tensors := make([]safetensors.Tensor, len(m.kept))
	byName := make(map[string]*view, len(m.kept))
	for i, v := range m.kept {
		tensors[i] = safetensors.Tensor{Name: v.name, DType: v.dtype, Shape: v.shape}
		byName[v.name] = v
	}
	header, placed, err := safetensors.Encode(tensors, metadata)
	if err != nil {
		var syntax *formats.SyntaxError
		errors.As(err, &syntax)
		c.find(CodeLimit, 0, "no safetensors file can hold it: %s", syntax.Detail)
		return nil
	}
	l := &layout{header: header, views: make([]*view, len(placed)), lent: make([]bool, len(placed)), merged: slices.Sorted(maps.Keys(m.removed))}
	for i, p := range placed {
		v := byName[p.ID.Name]
		l.views[i] = v
		l.lent[i] = v.packed && !v.lazy() && (!swapped || unit(v.dtype) == 1)
		if !l.lent[i] {
			l.copied += v.length
		}
	}
	return l
}
