package onnx

import "github.com/weightgate/weightgate/formats"

// valueInfo reads a ValueInfoProto.
func (r *reader) valueInfo(f field) *valueInfo {
	v := &valueInfo{at: f.at}
	r.keep(partCost)
	for f := range r.message(schema["ValueInfoProto"], f.end) {
		switch f.name {
		case "name":
			v.name = r.string(f)
		case "type":
			v.typ = r.valueType(f)
		}
	}
	return v
}

// valueType reads a TypeProto. One without a value is nil: inference decides.
func (r *reader) valueType(f field) *valueType {
	var t *valueType
	r.keep(partCost)
	for f := range r.message(schema["TypeProto"], f.end) {
		switch f.name {
		case "tensor_type", "sparse_tensor_type", "sequence_type", "map_type", "optional_type":
			t = r.typeBody(f)
		case "opaque_type":
			r.fail(CodeType, f.at, "an opaque type")
		}
	}
	return t
}

func (r *reader) typeBody(f field) *valueType {
	t, at := &valueType{form: f.name}, f.at
	nested := f.name != "tensor_type" && f.name != "sparse_tensor_type"
	for f := range r.message(schema[f.of], f.end) {
		switch {
		case f.name == "key_type", f.name == "elem_type" && !nested:
			t.elem = dataType(int32(f.value))
		case f.name == "elem_type", f.name == "value_type":
			t.of = r.valueType(f)
		case f.name == "shape":
			t.hasShape = true
			t.shape = r.shape(f)
		}
	}
	switch {
	case r.err != nil:
	case nested && t.of == nil:
		r.fail(CodeType, at, "a %s of nothing", t.form)
	case t.form == "tensor_type" && t.elem == 0:
		return nil // what exporters write where inference decides
	case (!nested || t.form == "map_type") && !t.elem.known():
		r.fail(CodeType, at, "a %s of data type %d", t.form, t.elem)
	}
	return t
}

func (r *reader) shape(f field) []dim {
	var shape []dim
	for f := range r.message(schema["TensorShapeProto"], f.end) {
		if f.name != "dim" {
			continue
		}
		r.keep(partCost)
		d := dim{size: -1}
		for f := range r.message(schema["TensorShapeProto.Dimension"], f.end) {
			switch f.name {
			case "dim_value":
				d.size = int64(f.value)
			case "dim_param":
				d.param = r.string(f)
			}
		}
		// Exporters write -1 for a dimension that is open.
		if d.size < -1 {
			r.fail(CodeType, f.at, "the dimension %d", d.size)
		}
		if len(shape) == maxRank {
			r.fail(CodeLimit, f.at, "a type of more than %d dimensions", maxRank)
		}
		shape = append(shape, d)
	}
	return shape
}

// declared is the type as callers see it.
func (t *valueType) declared() (formats.DType, []int64) {
	if t == nil || t.form != "tensor_type" {
		return formats.UnknownDType, nil
	}
	if !t.hasShape {
		return t.elem.dtype(), nil
	}
	shape := make([]int64, len(t.shape))
	for i, d := range t.shape {
		shape[i] = d.size
	}
	return t.elem.dtype(), shape
}
