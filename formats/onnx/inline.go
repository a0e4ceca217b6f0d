package onnx

import (
	"github.com/weightgate/weightgate/formats"
)

// loadRest reads the tensors that stay in the graph but were left where they
// lie: those of function bodies and of attributes that are no Constant's value,
// sparse ones, and those whose last byte is not full. It returns all large ones
// that stay inline, as a report shows them.
func (r *reader) loadRest(m *model) []formats.Tensor {
	var large []formats.Tensor
	visitor{
		tensor: func(at *graphPath, t *tensor) {
			if r.stopped() {
				return
			}
			r.load(t)
			if t.size < Threshold {
				return
			}
			if name := at.String(); r.keep(int64(len(name))) {
				large = append(large, formats.Tensor{
					ID:     formats.TensorID{File: r.in.Name(), Name: name},
					DType:  t.dataType.dtype(),
					Shape:  t.dims,
					Inline: true,
				})
			}
		},
		sparse: func(s *sparseTensor) {
			if r.err == nil && !s.indicesWithin() {
				r.fail(CodeSparse, s.at, "an index of a sparse tensor lies outside of it, or they do not ascend")
			}
		},
	}.model(m)
	return large
}

// load makes the bytes of a tensor part of the tree.
func (r *reader) load(t *tensor) {
	if t.place.Length == 0 || !r.keep(t.place.Length) {
		return
	}
	t.data = make([]byte, t.place.Length)
	if err := formats.ReadFull(r.opened[t.place.File], t.data, t.place.Offset); err != nil {
		r.err = err
	}
	t.place = formats.Range{}
}
