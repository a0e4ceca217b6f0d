package grammar

import (
	"slices"
	"strings"

	"github.com/weightgate/weightgate/formats/pickle/machine"
)

// maxAttributes is how many values the attributes of a tensor may be.
const maxAttributes = 64

// attributes is why a state may make a tensor another one, "" if it leaves its
// elements as they are: it is None, or a dict of attributes that torch sets one by
// one (torch/_utils.py, _set_obj_state), none of which it gives a meaning to, and
// of plain values.
func attributes(state machine.Value) (code string) {
	if state == nil {
		return ""
	}
	d, ok := state.(*machine.Dict)
	if !ok || d.State != nil {
		return CodeTensor
	}
	for _, k := range d.Keys {
		if name, isText := machine.Text(k); !isText || strings.HasPrefix(name, "__") || isProperty(name) {
			return CodeTensor
		}
	}
	if !arePlain(d.Items) {
		return CodeSubclass
	}
	return ""
}

// isProperty tells the attributes that torch.Tensor itself has: they say what the
// tensor is, and its __dict__ has none of them. To set data, real or imag sets its
// elements.
func isProperty(name string) bool {
	switch name {
	case "data", "real", "imag", "grad", "names", "shape", "dtype", "device", "layout", "T", "H", "mT", "mH":
		return true
	}
	return false
}

// arePlain reports whether values are scalars of Python, and lists and tuples of
// them, and not many.
func arePlain(values []machine.Value) bool {
	if len(values) > maxAttributes {
		return false
	}
	all := slices.Clip(values)
	for i := 0; i < len(all); i++ {
		var inner []machine.Value
		switch v := all[i].(type) {
		case nil, bool, int64, *machine.Long, float64, machine.Str, machine.Bytes:
		case *machine.Tuple:
			inner = v.Items
		case *machine.List:
			inner = v.Items
		default:
			return false
		}
		if len(all)+len(inner) > maxAttributes {
			return false
		}
		all = append(all, inner...)
	}
	return true
}
