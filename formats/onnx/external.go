package onnx

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/safetensors"
)

// siblings are the files beside the graph that hold its external data
// (docs/ExternalData.md of onnx). A location is taken as the name of a sibling
// or not at all, and never opened by anyone but the Input.
type siblings struct {
	*reader
	names    map[*tensor]string // of the values whose tensors may be external
	built    bool               // over safetensors files alone, whose tensors may stay unbound
	files    map[string]*sibling
	claims   []formats.Range
	findings []formats.Finding
}

// A sibling is one of them, and the tensors that lie in it.
type sibling struct {
	formats.Input
	tensors []*tensor

	header  *safetensors.Header // nil for a file of bare bytes
	byName  map[string]int      // of its tensors
	byPlace map[formats.Range]int
}

// resolve finds the place of every external tensor and accounts for all bytes
// of the files they lie in.
func (s *siblings) resolve() {
	s.files = map[string]*sibling{}
	for _, t := range s.externals {
		if s.stopped() {
			return
		}
		s.place(t)
	}
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		if s.err != nil {
			return
		}
		if file := s.files[name]; file.header != nil {
			s.judgeBinding(file)
		} else {
			s.judgeRanges(file)
		}
	}
	for _, t := range s.externals {
		if !s.stopped() && t.size < Threshold {
			s.load(t)
		}
	}
}

func (s *siblings) place(t *tensor) {
	name, ok := s.names[t]
	if !ok {
		// Runtimes look for these on disk whatever their caller supplies.
		s.fail(CodeExternalMisplaced, t.at, "tensor %s is external and neither an initializer nor a Constant's value outside of functions", quote(t.name))
		return
	}
	file := s.open(t, name)
	if file == nil {
		return
	}
	file.tensors = append(file.tensors, t)
	if file.header != nil {
		s.bind(t, name, file)
		return
	}
	offset, okOffset := s.number(t, "offset", 0)
	length, okLength := s.number(t, "length", t.size)
	if !okOffset || !okLength {
		return
	}
	t.place = formats.Range{File: file.Name(), Offset: offset, Length: length}
	if length != t.size || !t.place.Within(file.Size()) {
		s.fail(CodeExternalRange, t.at, "tensor %s of %d bytes: offset %d and length %d in %s of %d bytes",
			quote(name), t.size, offset, length, quote(file.Name()), file.Size())
	}
}

// open is the sibling that a tensor's location names.
func (s *siblings) open(t *tensor, name string) *sibling {
	location, ok := t.external["location"]
	if !ok {
		s.fail(CodeExternalKey, t.at, "tensor %s is external and has no location", quote(name))
		return nil
	}
	full, ok := formats.SiblingName(s.in.Name(), location)
	// ONNX Runtime marks addresses in its own memory by */_ORT_MEM_ADDR_/* and
	// */_ORT_NATIVE_ENDIAN_MEM_ADDR_/*, which are paths like any other.
	if !ok || strings.Contains(location, "_MEM_ADDR_") || path.Clean(full) == s.in.Name() {
		s.fail(CodeExternalLocation, t.at, "tensor %s: the location %s is not the name of a file beside the graph", quote(name), quote(location))
		return nil
	}
	if file := s.files[full]; file != nil {
		return file
	}
	in, ok := s.in.Sibling(location)
	if !ok {
		s.fail(CodeExternalMissing, t.at, "tensor %s lies in %s, which is not there", quote(name), quote(full))
		return nil
	}
	in = whole{in}
	file := &sibling{Input: in}
	isSafetensors, err := safetensors.Format().Claims(s.ctx, in)
	if err != nil {
		s.err = cmp.Or(s.err, err)
		return nil
	}
	if s.built && !isSafetensors {
		s.fail(CodeExternalLocation, t.at, "tensor %s: %s is no safetensors file, and a graph that was built has no other weights", quote(name), quote(full))
		return nil
	}
	if isSafetensors {
		if file.header = s.header(in, t.at); file.header == nil {
			return nil
		}
		file.index()
	}
	s.files[full] = file
	s.opened[full] = in
	return file
}

// whole is an Input that is as long as it says: what ends earlier has changed,
// and is not another kind of file.
type whole struct{ formats.Input }

func (w whole) ReadAt(b []byte, offset int64) (int, error) {
	n, err := w.Input.ReadAt(b, offset)
	if int64(n) < min(int64(len(b)), w.Size()-offset) && (err == nil || errors.Is(err, io.EOF)) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// number is a decimal number of a tensor's external data.
func (s *siblings) number(t *tensor, key string, absent int64) (int64, bool) {
	text, ok := t.external[key]
	if !ok {
		return absent, true
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != text {
		s.fail(CodeExternalRange, t.at, "tensor %s: the %s %s", quote(t.name), key, quote(text))
		return 0, false
	}
	return n, true
}

// judgeRanges looks for ranges that overlap without being the same tensor, as
// tied weights are, and for bytes that belong to none.
func (s *siblings) judgeRanges(file *sibling) {
	slices.SortStableFunc(file.tensors, func(a, b *tensor) int {
		return cmp.Or(cmp.Compare(a.place.Offset, b.place.Offset), cmp.Compare(a.place.Length, b.place.Length))
	})
	var last *tensor
	var end int64
	for _, t := range file.tensors {
		switch {
		case t.size == 0:
			continue
		case last != nil && t.place == last.place && t.dataType == last.dataType:
			continue
		case t.place.Offset < end:
			s.fail(CodeExternalOverlap, t.at, "tensor %s and tensor %s share bytes of %s", quote(t.name), quote(last.name), quote(file.Name()))
			return
		}
		s.gap(file, end, t.place.Offset)
		s.claims = append(s.claims, t.place)
		last, end = t, t.place.End()
	}
	s.gap(file, end, file.Size())
}

// gap accounts for bytes between tensors: zeros pad, anything else is a finding.
func (s *siblings) gap(file *sibling, from, to int64) {
	var zeros [windowSize]byte
	buf := s.window[:] // of the graph, which is read by now
	s.filled = 0
	for at := from; at < to && s.err == nil; {
		if err := s.ctx.Err(); err != nil {
			s.err = err
			return
		}
		n := min(to-at, windowSize)
		if err := formats.ReadFull(file, buf[:n], at); err != nil {
			s.err = err
			return
		}
		if !bytes.Equal(buf[:n], zeros[:n]) {
			s.findings = append(s.findings, codes.Finding(CodeExternalUnclaimed, file.Name(), from, "%d bytes between the tensors belong to none and are not zero", to-from))
			return
		}
		at += n
	}
	if from < to && s.err == nil {
		s.claims = append(s.claims, formats.Range{File: file.Name(), Offset: from, Length: to - from})
	}
}
