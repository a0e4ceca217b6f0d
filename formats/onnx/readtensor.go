package onnx

import (
	"encoding/binary"
	"slices"

	"github.com/weightgate/weightgate/formats"
)

// tensor reads a TensorProto and holds its values against its shape. Values of
// Threshold bytes and more stay where they lie, unless only decoding makes
// bytes of them.
func (r *reader) tensor(f field) *tensor {
	t := &tensor{at: f.at}
	if r.tensors++; r.tensors > r.lim.MaxTensors {
		r.fail(CodeLimit, f.at, "more than MaxTensors, %d", r.lim.MaxTensors)
	}
	if !r.keep(tensorCost) {
		return t
	}
	var held string // the field that holds the values
	var count int64 // of the values in a typed field
	var external bool
	for f := range r.message(schema["TensorProto"], f.end) {
		switch f.name {
		case "dims":
			t.dims = r.dims(t.dims, f)
		case "data_type":
			t.dataType = dataType(int32(f.value))
		case "name":
			t.name = r.string(f)
		case "segment":
			r.fail(CodeSegment, f.at, "tensor %s is one segment of several", quote(t.name))
		case "data_location":
			external = f.value == 1
			if f.value > 1 {
				r.fail(CodeTensorData, f.at, "tensor %s: data location %d", quote(t.name), f.value)
			}
		case "external_data":
			r.externalEntry(t, f)
		case "raw_data", "string_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data":
			if held != "" && held != f.name {
				r.fail(CodeTensorData, f.at, "tensor %s has both %s and %s", quote(t.name), held, f.name)
			}
			held = f.name
			count += r.values(t, f)
		}
	}
	if r.err == nil {
		r.measure(t, held, count, external)
	}
	return t
}

// dims appends dimensions, of which no tensor has many.
func (r *reader) dims(list []int64, f field) []int64 {
	list = r.int64s(list, f)
	if len(list) > maxRank {
		r.fail(CodeLimit, f.at, "a tensor of more than %d dimensions", maxRank)
	}
	return list
}

// values reads what one field holds of the values and counts them.
func (r *reader) values(t *tensor, f field) int64 {
	size := f.end - f.from
	switch {
	case f.name == "string_data":
		if r.keep(partCost) {
			t.text = append(t.text, r.bytes(f))
		}
		return 1
	case f.name == "raw_data" && size < Threshold:
		t.data = r.bytes(f)
		return size
	case f.name == "raw_data":
		t.place = formats.Range{File: r.in.Name(), Offset: f.from, Length: size}
		return size
	}
	width := int64(8)
	if f.kind == floatKind || f.kind == int32Kind {
		width = 4
	}
	if f.packed && (f.kind == floatKind || f.kind == doubleKind) && size%width == 0 && size >= Threshold && t.data == nil && t.place.Length == 0 {
		t.place = formats.Range{File: r.in.Name(), Offset: f.from, Length: size} // these are the bytes
		r.pos = f.end
		return size / width
	}
	if t.place.Length > 0 { // and this is a second run
		if !r.keep(t.place.Length) {
			return 0
		}
		t.data = make([]byte, t.place.Length)
		if err := formats.ReadFull(r.in, t.data, t.place.Offset); err != nil {
			r.err = err
		}
		t.place = formats.Range{}
	}
	t.typed = true
	var n int64
	for v := range r.packed(f) {
		if !r.keep(width) {
			break
		}
		if width == 4 {
			t.data = binary.LittleEndian.AppendUint32(t.data, uint32(v))
		} else {
			t.data = binary.LittleEndian.AppendUint64(t.data, v)
		}
		n++
	}
	return n
}

// measure holds the values that were read against dtype and shape.
func (r *reader) measure(t *tensor, held string, count int64, external bool) {
	name := quote(t.name)
	if !t.dataType.known() {
		r.fail(CodeTensorType, t.at, "tensor %s: data type %d", name, t.dataType)
		return
	}
	n, ok := elements(t.dims)
	if ok && t.dataType != stringType {
		t.size, ok = byteLen(t.dataType, t.dims)
	}
	switch {
	case !ok:
		r.fail(CodeTensorShape, t.at, "tensor %s: shape %s", name, formats.ShapeString(t.dims))
		return
	case external && held != "", !external && t.external != nil:
		r.fail(CodeTensorData, t.at, "tensor %s is external and is not", name)
		return
	case external && t.dataType == stringType:
		r.fail(CodeTensorData, t.at, "tensor %s: strings cannot be external", name)
		return
	case external:
		r.externals = append(r.externals, t)
		return
	}
	want, kind := t.size, "bytes of raw_data"
	switch {
	case held == "" && n == 0:
		return
	case held == "":
		r.fail(CodeTensorData, t.at, "tensor %s has no values", name)
		return
	case held == "raw_data" && t.dataType == stringType:
		r.fail(CodeTensorData, t.at, "tensor %s: strings in raw_data", name)
		return
	case held != "raw_data" && held != dataTypes[t.dataType].field:
		r.fail(CodeTensorData, t.at, "tensor %s of data type %d in %s", name, t.dataType, held)
		return
	case held == "string_data":
		want, kind = n, "strings"
	case held != "raw_data":
		want, kind = entries(t.dataType, t.size), "values in "+held
	}
	if count != want {
		r.fail(CodeTensorData, t.at, "tensor %s of shape %s has %d %s, not %d", name, formats.ShapeString(t.dims), count, kind, want)
		return
	}
	if t.typed {
		r.narrow(t)
	}
}

// entries is how many entries of its typed field hold size bytes of a type.
func entries(t dataType, size int64) int64 {
	switch bits := int64(t.dtype().Bits()); {
	case bits < 8:
		return size
	case t.dtype() == formats.C64 || t.dtype() == formats.C128: // two entries each
		return size / (bits / 16)
	default:
		return size / (bits / 8)
	}
}

// narrow turns the entries of int32_data and uint64_data into the type's own width.
func (r *reader) narrow(t *tensor) {
	var wide, width int
	info := dataTypes[t.dataType]
	switch info.field {
	case "int32_data":
		wide, width = 4, max(info.dtype.Bits()/8, 1)
	case "uint64_data":
		wide, width = 8, info.dtype.Bits()/8
	default:
		return
	}
	narrow := t.data[:0]
	for entry := range slices.Chunk(t.data, wide) {
		var v int64
		if wide == 4 {
			v = int64(int32(binary.LittleEndian.Uint32(entry)))
		} else {
			v = int64(binary.LittleEndian.Uint64(entry))
		}
		if v < info.min || v > info.max {
			r.fail(CodeTensorData, t.at, "tensor %s: the value %d does not fit %s", quote(t.name), v, info.dtype)
			return
		}
		narrow = append(narrow, entry[:width]...)
	}
	t.data = narrow
}

// externalEntry reads one entry of external_data: its keys are known and occur once.
func (r *reader) externalEntry(t *tensor, f field) {
	at := f.at
	key, value := r.entry(f)
	if r.err != nil {
		return
	}
	switch key {
	case "location", "offset", "length", "checksum":
	default:
		r.fail(CodeExternalKey, at, "tensor %s: external data has the key %s", quote(t.name), quote(key))
		return
	}
	if _, twice := t.external[key]; twice {
		r.fail(CodeExternalKey, at, "tensor %s: external data has the key %s twice", quote(t.name), key)
		return
	}
	if t.external == nil {
		r.keep(mapCost)
		t.external = make(map[string]string, 3)
	}
	t.external[key] = value
}

// sparse reads a SparseTensorProto.
func (r *reader) sparse(f field) *sparseTensor {
	s := &sparseTensor{at: f.at}
	for f := range r.message(schema["SparseTensorProto"], f.end) {
		switch f.name {
		case "values":
			s.values = r.tensor(f)
		case "indices":
			s.indices = r.tensor(f)
		case "dims":
			s.dims = r.dims(s.dims, f)
		}
	}
	if r.err == nil {
		r.judgeSparse(s)
	}
	return s
}

// judgeSparse holds the three parts against each other: NNZ values, and as many
// indices, of rank 1 into the flat tensor or with one column per dimension.
func (r *reader) judgeSparse(s *sparseTensor) {
	if s.values == nil || s.indices == nil {
		r.fail(CodeSparse, s.at, "a sparse tensor without values or indices")
		return
	}
	n, ok := elements(s.dims)
	rank := int64(len(s.dims))
	v, i := s.values, s.indices
	switch {
	case !ok || rank == 0 || n == 0:
		r.fail(CodeSparse, s.at, "a sparse tensor of shape %s", formats.ShapeString(s.dims))
	case v.dataType == stringType || len(v.dims) != 1 || i.dataType != int64Type || len(i.dims) != 1 && len(i.dims) != 2:
		r.fail(CodeSparse, s.at, "values of shape %s, indices of shape %s", formats.ShapeString(v.dims), formats.ShapeString(i.dims))
	case i.dims[0] != v.dims[0] || len(i.dims) == 2 && i.dims[1] != rank || v.dims[0] > n:
		r.fail(CodeSparse, s.at, "values of shape %s and indices of shape %s do not fit a tensor of shape %s", formats.ShapeString(v.dims), formats.ShapeString(i.dims), formats.ShapeString(s.dims))
	}
}

// indicesWithin reports whether every index of a sparse tensor lies in it. They
// ascend, as sparse_initializer demands, so none is there twice.
func (s *sparseTensor) indicesWithin() bool {
	columns := 1
	if len(s.indices.dims) == 2 {
		columns = len(s.dims)
	}
	total, _ := elements(s.dims)
	last := int64(-1)
	for row := range slices.Chunk(s.indices.data, 8*columns) {
		flat := int64(0)
		for c := range columns {
			index, bound := int64(binary.LittleEndian.Uint64(row[8*c:])), total
			if columns > 1 || len(s.indices.dims) == 2 {
				bound = s.dims[c]
			}
			if index < 0 || index >= bound {
				return false
			}
			flat = flat*bound + index
		}
		if flat <= last {
			return false
		}
		last = flat
	}
	return true
}
