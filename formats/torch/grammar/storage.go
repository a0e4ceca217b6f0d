package grammar

import (
	"strconv"

	"github.com/weightgate/weightgate/formats/pickle/machine"
)

// A place is the part of a storage that a persistent id stands for: all of it,
// or the view that storages of torch 0.1 could be of others.
type place struct {
	storage         int  // index into Storages
	untyped         bool // what it holds is said where a tensor is built
	first, elements int64
	refused         *refusal
}

// place is what p stands for.
func (r *reader) place(p *machine.Persistent) place {
	at, known := r.storages[p]
	if !known {
		at = r.locate(p)
		r.storages[p] = at
		if at.refused != nil {
			r.find(*at.refused)
		}
	}
	return at
}

// locate reads a persistent id: ('storage', class, key, location, elements), and
// in the legacy form behind it None or (key, first element, elements) of a view.
// (torch/serialization.py, persistent_id)
func (r *reader) locate(p *machine.Persistent) place {
	refused := func(code, detail string) place { return place{refused: refuse(code, p.Offset, detail)} }
	if r.Form == Plain {
		return refused(machine.CodePersID, "a persistent id")
	}
	id, ok := p.ID.(*machine.Tuple)
	if !ok || len(id.Items) == 0 {
		return refused(CodeStorage, "a persistent id that is no tuple")
	}
	switch what, _ := machine.Text(id.Items[0]); what {
	case "storage":
	case "module":
		return refused(CodeModule, "the source of a module")
	default:
		return refused(CodeStorage, "a persistent id of "+quote(what))
	}
	fields := 5
	if r.Form == Legacy {
		fields = 6
	}
	if len(id.Items) != fields {
		return refused(CodeStorage, "a storage of "+strconv.Itoa(len(id.Items))+" fields")
	}
	class, isGlobal := id.Items[1].(*machine.Global)
	if !isGlobal {
		return refused(CodeStorage, "a storage without a class")
	}
	dtype, isClass := storageClass(class.Module, class.Name)
	if !isClass {
		return refused(CodeStorage, "a storage of class "+quote(class.Module+"."+class.Name))
	}
	key, isText := machine.Text(id.Items[2])
	_, located := machine.Text(id.Items[3])
	elements, counted := id.Items[4].(int64)
	if !isText || !located || !counted || elements < 0 {
		return refused(CodeStorage, "a storage whose key, location or length is none")
	}
	index, known := r.keys[key]
	if !known {
		index = len(r.Storages)
		r.keys[key] = index
		r.Storages = append(r.Storages, Storage{Key: key, DType: dtype, Elements: elements})
	}
	if s := r.Storages[index]; s.DType != dtype || s.Elements != elements {
		return refused(CodeStorage, "storage "+quote(key)+" is "+s.describe()+" and "+Storage{DType: dtype, Elements: elements}.describe())
	}
	at := place{storage: index, untyped: class.Name == untypedStorage, elements: elements}
	if r.Form == Zip || id.Items[5] == nil {
		return at
	}
	if at.first, at.elements, ok = part(id.Items[5]); !ok || at.untyped || at.first > elements || at.elements > elements-at.first {
		return refused(CodeStorage, "a view that is no part of storage "+quote(key))
	}
	return at
}

func (s Storage) describe() string {
	return strconv.FormatInt(s.Elements, 10) + " × " + s.DType.String()
}

// part reads the (key, first element, elements) of a view.
func part(v machine.Value) (first, elements int64, ok bool) {
	t, ok := v.(*machine.Tuple)
	if !ok || len(t.Items) != 3 {
		return 0, 0, false
	}
	_, named := machine.Text(t.Items[0])
	first, begins := t.Items[1].(int64)
	elements, ends := t.Items[2].(int64)
	return first, elements, named && begins && ends && first >= 0 && elements >= 0
}
