package convert

import (
	"math/bits"
	"strings"
	"unicode/utf8"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/torch"
	"github.com/weightgate/weightgate/formats/torch/grammar"
	"github.com/weightgate/weightgate/loader/convert/plan"
)

const (
	// maxName is how many bytes the name of a tensor may have.
	maxName = 512

	// maxFindings is after how many contradictions a plan is read no further.
	maxFindings = 100

	// A checkpoint may become longer by views that share storages, and by
	// expanded ones, of which one byte can stand for any number: at most
	// amplification times the file and a constant, so that small files may
	// hold masks and positions in their expanded form.
	amplification = 8
	headroom      = 16 << 20
)

// A view is a tensor of which everything was checked: its elements lie in a
// storage that is in the file.
type view struct {
	name    string
	dtype   formats.DType
	shape   []int64 // as safetensors counts it
	dims    []dim   // as they lie: those of one element left out
	size    int64   // bytes of an element
	storage int
	place   formats.Range // of the storage
	begin   int64         // of the first element in the storage, in bytes
	span    int64         // bytes from the first element to behind the last
	length  int64         // bytes of all elements, one behind the other
	packed  bool          // they lie so
	conj    bool
	neg     bool
}

// A dim is a dimension of a view: its elements and how many bytes lie from one
// to the next.
type dim struct{ count, stride int64 }

// A checker holds a plan against a file.
type checker struct {
	file     string
	size     int64 // of the file
	findings []formats.Finding
}

func (c *checker) find(code formats.Code, offset int64, detail string, args ...any) {
	c.findings = append(c.findings, codes.Finding(code, c.file, offset, detail, args...))
}

// views holds the tensors of a checkpoint, of which nothing is believed,
// against the places of its storages. It is nil if something is wrong.
func (c *checker) views(cp *grammar.Checkpoint, places []formats.Range, maxTensors int) []view {
	if len(cp.Tensors) > maxTensors {
		c.find(CodeLimit, 0, "more tensors than MaxTensors, %d", maxTensors)
		return nil
	}
	views := make([]view, 0, len(cp.Tensors))
	names := make(map[string]bool, len(cp.Tensors))
	for i := range cp.Tensors {
		t := &cp.Tensors[i]
		if t.Storage < 0 || t.Storage >= len(places) {
			c.find(CodePlan, 0, "tensor %s lies in no storage", quote(t.Name))
			return nil
		}
		if names[t.Name] {
			c.find(CodeDuplicate, places[t.Storage].Offset, "a second tensor %s", quote(t.Name))
		} else if v, ok := c.view(t, cp.Storages[t.Storage], places[t.Storage]); ok {
			views = append(views, v)
		}
		names[t.Name] = true
		if len(c.findings) == maxFindings {
			break
		}
	}
	if len(c.findings) > 0 {
		return nil
	}
	return views
}

// view checks one tensor.
func (c *checker) view(t *grammar.Tensor, s grammar.Storage, place formats.Range) (view, bool) {
	v := view{name: t.Name, storage: t.Storage, place: place, size: int64(t.DType.Size()), conj: t.Conj, neg: t.Neg}
	if why := unfit(t.Name); why != "" {
		c.find(CodeName, place.Offset, "tensor %s: %s", quote(t.Name), why)
		return v, false
	}
	if why := v.typed(t, s); why != "" {
		c.find(CodeDType, place.Offset, "tensor %s: %s", quote(t.Name), why)
		return v, false
	}
	if why := v.shaped(t); why != "" {
		c.find(CodeShape, place.Offset, "tensor %s: %s", quote(t.Name), why)
		return v, false
	}
	if !v.within(t, place.Length) {
		c.find(CodeBounds, place.Offset, "tensor %s: %s from element %d with strides %s leaves a storage of %d bytes",
			quote(t.Name), formats.ShapeString(t.Shape), t.Offset, formats.ShapeString(t.Strides), place.Length)
		return v, false
	}
	return v, true
}

// affordable reports whether views that are to be written stay within the budget.
func (c *checker) affordable(views []*view) bool {
	left := c.budget()
	for _, v := range views {
		if left -= v.length; left < 0 {
			c.find(CodeAmplified, v.source().Offset, "with tensor %s a file of %d bytes has tensors of more than %d", quote(v.name), c.size, c.budget())
			return false
		}
	}
	return true
}

// budget is how many bytes a derived file's tensors may have.
func (c *checker) budget() int64 {
	hi, lo := bits.Mul64(amplification, uint64(c.size))
	if hi != 0 || lo > 1<<62 {
		return 1 << 62
	}
	return int64(lo) + headroom
}

// unfit says why a tensor cannot have that name.
func unfit(name string) string {
	switch {
	case name == "":
		return "it has no name"
	case name == "__metadata__":
		return "safetensors keeps the name for itself"
	case len(name) > maxName:
		return "its name is too long"
	case !utf8.ValidString(name):
		return "its name is not UTF-8"
	case strings.ContainsFunc(name, formats.Hides):
		return "its name has characters that do not show"
	}
	return ""
}

// quote is a name as a finding may show it: escaped, and not at any length.
func quote(name string) string {
	const enough = 128
	if len(name) > enough {
		return formats.Quote(name[:enough]) + "..."
	}
	return formats.Quote(name)
}

// typed finds the type of the elements, or says why there is none.
func (v *view) typed(t *grammar.Tensor, s grammar.Storage) string {
	d, ok := torch.DType(t.DType)
	switch {
	case !ok:
		return "safetensors has no such elements" + named(t.DType)
	case t.DType != s.DType && s.DType != grammar.U8:
		return "its storage holds" + named(s.DType) + ", it" + named(t.DType)
	case t.Conj && d != formats.C64:
		return "only complex numbers can be conjugated"
	case t.Neg && !isFloat(d):
		return "only floating-point numbers can be negated"
	case d == formats.F4 && len(t.Shape) == 0:
		return "half a byte has no place of its own"
	}
	v.dtype = d
	return ""
}

func named(d grammar.DType) string {
	if d.String() == "" {
		return ""
	}
	return " " + d.String()
}

// shaped takes over shape and strides, or says what is wrong with them.
func (v *view) shaped(t *grammar.Tensor) string {
	if len(t.Shape) > plan.MaxRank || len(t.Strides) != len(t.Shape) {
		return "not one stride for each of at most 64 dimensions"
	}
	v.shape = append([]int64{}, t.Shape...)
	if v.dtype == formats.F4 { // torch counts bytes, safetensors elements
		last := &v.shape[len(v.shape)-1]
		if *last > 1<<62 {
			return "it has no length in bytes"
		}
		*last *= 2
	}
	n, ok := formats.ByteLen(v.dtype, v.shape)
	if !ok {
		return formats.ShapeString(t.Shape) + " has no length in bytes"
	}
	v.length = n
	for i, stride := range t.Strides {
		if stride < 0 {
			return "a stride is negative"
		}
		if t.Shape[i] != 1 {
			v.dims = append(v.dims, dim{t.Shape[i], stride})
		}
	}
	return ""
}

// within reports whether all elements lie in a storage of that many bytes, and
// finds their place there.
func (v *view) within(t *grammar.Tensor, storage int64) bool {
	elements := storage / v.size
	if t.Offset < 0 || t.Offset > elements {
		return false
	}
	v.begin = t.Offset * v.size
	v.packed = true
	if v.length == 0 {
		v.dims = nil
		return true
	}
	last := uint64(t.Offset)
	for _, d := range v.dims {
		hi, lo := bits.Mul64(uint64(d.count-1), uint64(d.stride))
		if hi != 0 || lo >= uint64(elements) {
			return false
		}
		if last += lo; last >= uint64(elements) {
			return false
		}
	}
	if last >= uint64(elements) {
		return false
	}
	v.span = (int64(last) + 1 - t.Offset) * v.size
	next := int64(1)
	for i := len(v.dims) - 1; i >= 0; i-- {
		d := &v.dims[i]
		v.packed = v.packed && d.stride == next
		next *= d.count // of at most the length, which is an int64
		d.stride *= v.size
	}
	return true
}

// source is where the view lies in the file.
func (v *view) source() formats.Range {
	return formats.Range{File: v.place.File, Offset: v.place.Offset + v.begin, Length: v.span}
}

// lazy reports whether the elements are not those that lie there.
func (v *view) lazy() bool { return v.conj || v.neg }
