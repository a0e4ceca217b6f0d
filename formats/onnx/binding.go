package onnx

import (
	"errors"
	"slices"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/safetensors"
)

// A safetensors file may be the external data of a graph. Then both say where a
// tensor lies and what it is, and both must say the same.

// header reads a sibling that is a safetensors file by its structure.
func (s *siblings) header(in formats.Input, at int64) *safetensors.Header {
	h, err := safetensors.Read(s.ctx, in, s.lim)
	if syntax, ok := errors.AsType[*formats.SyntaxError](err); ok {
		code := CodeSafetensors
		if syntax.Class == formats.Unverifiable {
			code = CodeLimit
		}
		e := codes.Syntax(Name, code, s.in.Name(), at, "the external data %s", quote(in.Name()))
		e.Err = err
		err = e
	}
	if err != nil && s.err == nil {
		s.err = err
	}
	return h
}

// index prepares for finding the tensors of a safetensors file.
func (f *sibling) index() {
	f.byName, f.byPlace = map[string]int{}, map[formats.Range]int{}
	for i, st := range f.header.Tensors {
		f.byName[st.ID.Name], f.byPlace[st.Place] = i, i
	}
}

// bind finds the safetensors tensor that an external tensor is: the one at its
// range, or, without a range, the one of its name.
func (s *siblings) bind(t *tensor, name string, file *sibling) {
	_, hasOffset := t.external["offset"]
	_, hasLength := t.external["length"]
	var i int
	var ok bool
	if hasOffset || hasLength {
		offset, okOffset := s.number(t, "offset", -1)
		length, okLength := s.number(t, "length", -1)
		if !okOffset || !okLength {
			return
		}
		place := formats.Range{File: file.Name(), Offset: offset, Length: length}
		i, ok = file.byPlace[place]
		if !ok {
			s.fail(CodeSafetensorsRange, t.at, "tensor %s: offset %d and length %d are no tensor's of %s", quote(name), offset, length, quote(file.Name()))
			return
		}
	} else {
		i, ok = file.byName[name]
		if !ok {
			s.fail(CodeSafetensorsName, t.at, "%s has no tensor %s", quote(file.Name()), quote(name))
			return
		}
	}
	st := file.header.Tensors[i]
	if st.DType != t.dataType.dtype() || !slices.Equal(st.Shape, t.dims) {
		s.fail(CodeSafetensorsMismatch, t.at, "tensor %s is %s %s in the graph and %s %s in %s", quote(name),
			t.dataType.dtype(), formats.ShapeString(t.dims), st.DType, formats.ShapeString(st.Shape), quote(file.Name()))
		return
	}
	t.place = st.Place
}

// judgeBinding demands that every tensor of a safetensors file is bound, once;
// where the caller built the graph, at most once.
func (s *siblings) judgeBinding(file *sibling) {
	bound := map[formats.Range]int{}
	for _, t := range file.tensors {
		bound[t.place]++
	}
	for _, st := range file.header.Tensors {
		n := bound[st.Place]
		switch {
		case st.Place.Length == 0:
		case n == 0 && s.built:
		case n == 0:
			s.fail(CodeSafetensorsUnused, file.tensors[0].at, "no initializer is the tensor %s of %s", quote(st.ID.Name), quote(file.Name()))
		case n > 1:
			s.fail(CodeSafetensorsTwice, file.tensors[0].at, "%d initializers are the tensor %s of %s", n, quote(st.ID.Name), quote(file.Name()))
		}
	}
	s.claims = append(s.claims, formats.Range{File: file.Name(), Length: file.Size()})
}
