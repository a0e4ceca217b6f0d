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

const (
	// block is how much of a source is fetched for each byte of it that a derived
	// file lends, unless it was fetched just before.
	block = 512 << 10

	// small is the length in bytes below which a view may be copied so that
	// blocks are not fetched over and over.
	small = 64 << 10

	// few is the length in bytes of a source up to which nobody minds.
	few = 8 * block
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
		l.views[i] = byName[p.ID.Name]
	}
	l.lend(c.size, swapped)
	return l
}

// lend chooses the views that are used where they lie: those whose bytes there
// are those of the derived file. Small ones are not if they lie in such another
// order that reading them one by one would fetch more than twice the bytes of
// the source: they are copied, while each storage is read once. Kept views
// overlap only with what is all of their storage, so those copies are twice the
// source's bytes at most.
func (l *layout) lend(size int64, swapped bool) {
	fetched, last := int64(0), int64(-1) // the block that was fetched just before
	for i, v := range l.views {
		l.lent[i] = v.packed && !v.lazy() && (!swapped || unit(v.dtype) == 1)
		if !l.lent[i] || v.length == 0 {
			continue
		}
		place := v.source()
		if v.length < small && place.Offset/block != last {
			fetched += block
		}
		last = (place.End() - 1) / block
	}
	for i, v := range l.views {
		if v.length < small && fetched/2 > max(size, few) {
			l.lent[i] = false
		}
		if !l.lent[i] {
			l.copied += v.length
		}
	}
}
