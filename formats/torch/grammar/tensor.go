package grammar

import (
	"math"
	"strconv"

	"github.com/weightgate/weightgate/formats/pickle/machine"
)

// A view is what a call builds: a tensor without a name, or why none.
type view struct {
	Tensor
	refused *refusal
}

// isTensor reports whether v is a call that builds a tensor of some kind.
func isTensor(v machine.Value) bool {
	c, ok := v.(*machine.Call)
	return ok && (builds(c) || wraps(c) || refusedKind(c) != nil)
}

// builds reports whether a call makes a tensor of a storage
// (torch/_utils.py, _rebuild_tensor and those that follow it).
func builds(c *machine.Call) bool {
	switch global(c.Func) {
	case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3":
		return true
	}
	return false
}

// wraps reports whether a call makes a tensor of another: a parameter, or one
// that carries attributes.
func wraps(c *machine.Call) bool {
	switch global(c.Func) {
	case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state", "torch.nn.parameter.Parameter",
		"torch._tensor._rebuild_from_type_v2":
		return true
	}
	return false
}

// refusedKind is why a call builds a tensor that no safetensors file can hold.
func refusedKind(c *machine.Call) *refusal {
	code, detail := "", ""
	switch name := global(c.Func); name {
	case "torch._utils._rebuild_qtensor":
		code, detail = CodeQuantized, "quantized"
	case "torch._utils._rebuild_sparse_tensor", "torch._utils._rebuild_sparse_csr_tensor":
		code, detail = CodeSparse, "sparse"
	case "torch._utils._rebuild_meta_tensor_no_storage":
		code, detail = CodeMeta, "a meta tensor, which has no data"
	case "torch._utils._rebuild_wrapper_subclass", "torch._utils._rebuild_nested_tensor":
		code, detail = CodeSubclass, "a tensor of a class of its own"
	case "torch._utils._rebuild_device_tensor_from_numpy", "torch._utils._rebuild_device_tensor_from_cpu_tensor",
		"torch._utils._rebuild_xla_tensor", "torch._utils._rebuild_mkldnn_tensor":
		code, detail = CodeDevice, "a tensor in the form of a device"
	default:
		return nil
	}
	return refuse(code, c.Offset, detail)
}

// tensor is the view that a call builds.
func (r *reader) tensor(c *machine.Call) view {
	v, known := r.tensors[c]
	if !known {
		v = r.build(c)
		r.tensors[c] = v
	}
	return v
}

// maxWraps is how often a tensor is wrapped: as a parameter, with attributes.
const maxWraps = 4

func (r *reader) build(c *machine.Call) view {
	for range maxWraps {
		if c.State != nil || c.Items != nil || c.Pairs != nil || c.Kwargs != nil {
			return view{refused: refuse(CodeTensor, c.Offset, "a tensor that is changed once it is built")}
		}
		if no := refusedKind(c); no != nil {
			return view{refused: no}
		}
		if !wraps(c) {
			break
		}
		inner, no := unwrapped(c)
		if no != nil {
			return view{refused: no}
		}
		c = inner
	}
	if !builds(c) {
		return view{refused: refuse(CodeTensor, c.Offset, "not a tensor, or wrapped more often than torch does")}
	}
	return r.strided(c)
}

// unwrapped is the call that makes the tensor that c wraps.
func unwrapped(c *machine.Call) (*machine.Call, *refusal) {
	wrong := refuse(CodeTensor, c.Offset, global(c.Func)+" with other arguments than torch gives it")
	if len(c.Args) > 4 {
		return nil, wrong
	}
	if len(c.Args) == 4 {
		if code := attributes(c.Args[3]); code != "" {
			return nil, refuse(code, c.Offset, "attributes that may make it another tensor")
		}
	}
	if global(c.Func) != "torch._tensor._rebuild_from_type_v2" { // (data[, requires_grad[, hooks[, state]]])
		if len(c.Args) == 0 || len(c.Args) > 2 && !hookless(c.Args[2]) {
			return nil, wrong
		}
		inner, ok := c.Args[0].(*machine.Call)
		if !ok {
			return nil, wrong
		}
		return inner, nil
	}
	if len(c.Args) != 4 { // (function, type, arguments, state)
		return nil, wrong
	}
	switch class := global(c.Args[1]); class {
	case "torch.Tensor", "torch.nn.parameter.Parameter":
	default:
		return nil, refuse(CodeSubclass, c.Offset, "a tensor of class "+quote(class))
	}
	arguments, ok := c.Args[2].(*machine.Tuple)
	if !ok {
		return nil, wrong
	}
	return &machine.Call{Func: c.Args[0], Args: arguments.Items, Offset: c.Offset}, nil
}

// strided reads the arguments of a call that builds:
//
//	_rebuild_tensor     storage, offset, size, stride
//	_rebuild_tensor_v2  … requires_grad, hooks[, metadata]
//	_rebuild_tensor_v3  … requires_grad, hooks, dtype[, metadata]
//
// Sizes, strides and the offset count elements. The third form is that of the
// types whose storages are untyped.
func (r *reader) strided(c *machine.Call) view {
	wrong := func(detail string) view { return view{refused: refuse(CodeTensor, c.Offset, detail)} }
	name, args := global(c.Func), c.Args
	least, most := 4, 4
	switch name {
	case "torch._utils._rebuild_tensor_v2":
		least, most = 6, 7
	case "torch._utils._rebuild_tensor_v3":
		least, most = 7, 8
	}
	if len(args) < least || len(args) > most {
		return wrong(name + " with " + strconv.Itoa(len(args)) + " arguments")
	}
	p, ok := args[0].(*machine.Persistent)
	if !ok {
		return wrong("a tensor without a storage")
	}
	at := r.place(p)
	if at.refused != nil {
		return view{refused: at.refused}
	}
	t := Tensor{Storage: at.storage, DType: r.Storages[at.storage].DType}
	if t.Offset, ok = args[1].(int64); !ok || t.Offset < 0 || t.Offset > math.MaxInt64-at.first {
		return wrong("an offset that is none")
	}
	var sized, strode bool
	t.Shape, sized = integers(args[2])
	t.Strides, strode = integers(args[3])
	if !sized || !strode || len(t.Shape) != len(t.Strides) {
		return wrong("sizes and strides that are not those of up to " + strconv.Itoa(maxRank) + " dimensions")
	}
	if least > 4 && !hookless(args[5]) {
		return wrong("a tensor with hooks")
	}
	if at.untyped != (least == 7) {
		return wrong("a tensor whose element type stands in another place than torch writes it")
	}
	if at.untyped {
		class, ok := args[6].(*machine.Global)
		if !ok || class.Module != "torch" {
			return wrong("a tensor without an element type")
		}
		if t.DType, ok = dtypeOf(class.Name); !ok {
			return view{refused: refuse(CodeDType, c.Offset, "elements of type "+quote(class.Name))}
		}
	}
	if len(args) == most && most > 4 {
		if t.Conj, t.Neg, ok = metadata(args[most-1]); !ok {
			return wrong("metadata that is not the bits of conjugation and negation")
		}
	}
	if !t.DType.stored() {
		return view{refused: refuse(CodeDType, c.Offset, "elements of type "+t.DType.String())}
	}
	if at.first > 0 || at.elements < r.Storages[at.storage].Elements {
		if !t.inside(at.elements) {
			return wrong("a tensor that leaves the view of its storage")
		}
		t.Offset += at.first
	}
	return view{Tensor: t}
}

// metadata reads {'conj': bool, 'neg': bool}, of which torch writes what is set.
func metadata(v machine.Value) (conj, neg, ok bool) {
	if v == nil {
		return false, false, true
	}
	d, ok := v.(*machine.Dict)
	if !ok || d.State != nil {
		return false, false, false
	}
	for i, k := range d.Keys {
		bit, isBool := d.Items[i].(bool)
		switch key, _ := machine.Text(k); {
		case !isBool:
			return false, false, false
		case key == "conj":
			conj = bit
		case key == "neg":
			neg = bit
		default:
			return false, false, false
		}
	}
	return conj, neg, true
}

// inside reports whether all elements of t, counted from its offset, lie within
// the first n.
func (t Tensor) inside(n int64) bool {
	last := t.Offset
	for i, size := range t.Shape {
		if size < 0 || t.Strides[i] < 0 {
			return false
		}
		if size == 0 {
			return true
		}
		if size > 1 && t.Strides[i] > (math.MaxInt64-last)/(size-1) {
			return false
		}
		last += (size - 1) * t.Strides[i]
	}
	return last < n
}
