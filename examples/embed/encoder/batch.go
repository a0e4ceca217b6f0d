package encoder

import (
	"context"
	"fmt"
	"slices"

	"github.com/weightgate/weightgate/gpu"
)

// A batch runs a session on several texts at once, in memory that it keeps.
// It is used by one goroutine.
type batch struct {
	session *gpu.Session
	pad     int64
	width   int

	columns []column // in the order of the session's inputs
	inputs  []gpu.Tensor
	outputs []gpu.Tensor
	vectors []float32
}

// A column is one input of the session: what it has for an id, and for padding.
type column struct {
	values  []int64
	of      func(id int64) int64
	padding int64
}

func newBatch(s *gpu.Session, pad int64, width int) (*batch, error) {
	b := &batch{session: s, pad: pad, width: width, outputs: make([]gpu.Tensor, 1)}
	for _, input := range s.Inputs() {
		c := column{of: func(id int64) int64 { return id }, padding: pad}
		switch input.Name {
		case "input_ids":
		case "attention_mask":
			c.of, c.padding = func(int64) int64 { return 1 }, 0
		case "token_type_ids":
			c.of, c.padding = func(int64) int64 { return 0 }, 0
		default:
			return nil, fmt.Errorf("encoder: the graph takes %q", input.Name)
		}
		b.columns = append(b.columns, c)
	}
	b.inputs = make([]gpu.Tensor, len(b.columns))
	return b, nil
}

// run writes the embedding of texts[i] to into[i].
func (b *batch) run(ctx context.Context, texts [][]int64, into [][]float32) error {
	rows, longest := len(texts), 0
	for _, ids := range texts {
		longest = max(longest, len(ids))
	}
	for i := range b.columns {
		values := b.columns[i].fill(texts, longest)
		var err error
		if b.inputs[i], err = gpu.NewTensor(values, int64(rows), int64(longest)); err != nil {
			return err
		}
	}
	b.vectors = slices.Grow(b.vectors[:0], rows*b.width)[:rows*b.width]
	var err error
	if b.outputs[0], err = gpu.NewTensor(b.vectors, int64(rows), int64(b.width)); err != nil {
		return err
	}
	if err := b.session.Run(ctx, b.inputs, b.outputs); err != nil {
		return err
	}
	for i := range into {
		copy(into[i], b.vectors[i*b.width:])
	}
	return nil
}

// fill is the column for texts that are padded on the right.
func (c *column) fill(texts [][]int64, longest int) []int64 {
	c.values = c.values[:0]
	for _, ids := range texts {
		for _, id := range ids {
			c.values = append(c.values, c.of(id))
		}
		for range longest - len(ids) {
			c.values = append(c.values, c.padding)
		}
	}
	return c.values
}
