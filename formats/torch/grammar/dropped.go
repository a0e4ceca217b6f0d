package grammar

import (
	"strconv"

	"github.com/weightgate/weightgate/formats/pickle/machine"
)

// MaxDropped is how many objects Checkpoint.Dropped lists one by one; one more
// entry counts the rest.
const MaxDropped = 10_000

// list lists what of the root is not among Tensors: its keys, and those beneath
// the one that was chosen.
func (r *reader) list(root machine.Value) {
	d, ok := root.(*machine.Dict)
	if !ok {
		r.drop("", root)
		return
	}
	more := 0
	r.listDict("", d, &more)
	if more > 0 {
		r.Dropped = append(r.Dropped, Dropped{What: strconv.Itoa(more) + " more"})
	}
}

func (r *reader) listDict(path string, d *machine.Dict, more *int) {
	chosen := len(r.Tensors) > 0 && path == r.Root
	for i, k := range d.Keys {
		name, isText := machine.Text(k)
		if inner, ok := d.Items[i].(*machine.Dict); ok && isText && path == "" && r.Root != "" && name == r.Root && inner != d {
			r.listDict(r.Root, inner, more)
			continue
		}
		if c, ok := d.Items[i].(*machine.Call); ok && chosen && isText && isTensor(c) && r.tensor(c).refused == nil {
			continue
		}
		if len(r.Dropped) == MaxDropped {
			*more++
			continue
		}
		r.drop(join(path, segment(k)), d.Items[i])
	}
	switch {
	case d.State == nil:
	case len(r.Dropped) == MaxDropped:
		*more++
	default:
		r.drop(join(path, "__dict__"), d.State)
	}
}

// drop lists v, with the number of tensors in it that nothing before it had.
func (r *reader) drop(path string, v machine.Value) {
	what := describe(v)
	if n := r.walk(v); n > 0 && !isTensor(v) {
		what += " with " + strconv.Itoa(n) + " tensors"
	}
	at := offset(v)
	if at > 0 {
		at += r.base
	}
	r.Dropped = append(r.Dropped, Dropped{Path: path, What: what, Offset: at})
}

// walk visits what v holds and was not visited before. It looks at each
// persistent id, and is how many tensors it met. Values are shared and may hold
// themselves, so what is to be visited stands in a list and not on the stack.
func (r *reader) walk(v machine.Value) (tensors int) {
	todo := []machine.Value{v}
	for len(todo) > 0 {
		v := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		switch v.(type) {
		case *machine.Tuple, *machine.List, *machine.Dict, *machine.Set, *machine.Call, *machine.Persistent:
			if r.seen[v] {
				continue
			}
			r.seen[v] = true
		}
		switch v := v.(type) {
		case *machine.Tuple:
			todo = append(todo, v.Items...)
		case *machine.List:
			todo = append(todo, v.Items...)
		case *machine.Set:
			todo = append(todo, v.Items...)
		case *machine.Dict:
			todo = append(append(append(todo, v.Keys...), v.Items...), v.State)
		case *machine.Persistent:
			r.place(v)
			todo = append(todo, v.ID)
		case *machine.Call:
			if isTensor(v) && !wraps(v) {
				tensors++
			}
			todo = append(append(append(todo, v.Args...), v.Items...), v.Func, v.State)
			if v.Kwargs != nil {
				todo = append(todo, v.Kwargs)
			}
			if v.Pairs != nil {
				todo = append(todo, v.Pairs)
			}
		}
	}
	return tensors
}

// describe is the type of v, for people.
func describe(v machine.Value) string {
	counted := func(what string, n int) string { return what + " of " + strconv.Itoa(n) }
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return "bool"
	case int64, *machine.Long:
		return "int"
	case float64:
		return "float"
	case machine.Str:
		return "str"
	case machine.Bytes:
		return "bytes"
	case *machine.ByteArray:
		return "bytearray"
	case *machine.Tuple:
		return counted("tuple", len(v.Items))
	case *machine.List:
		return counted("list", len(v.Items))
	case *machine.Set:
		return counted("set", len(v.Items))
	case *machine.Dict:
		if v.Class != nil {
			return counted(plainName(v.Class), len(v.Keys))
		}
		return counted("dict", len(v.Keys))
	case *machine.Global:
		return plainName(v)
	case *machine.Persistent:
		return "persistent id"
	case *machine.Call:
		if isTensor(v) {
			return "tensor"
		}
		if g, ok := v.Func.(*machine.Global); ok {
			return plainName(g)
		}
		return "object"
	}
	return "object"
}

// plainName is the full name of a global as people may see it.
func plainName(g *machine.Global) string {
	quoted := quote(g.Module + "." + g.Name)
	if plain := quoted[1 : len(quoted)-1]; plain == g.Module+"."+g.Name {
		return plain
	}
	return quoted
}

// offset is where v stands in its pickle, 0 if v does not know.
func offset(v machine.Value) int64 {
	switch v := v.(type) {
	case *machine.Call:
		return v.Offset
	case *machine.Global:
		return v.Offset
	case *machine.Persistent:
		return v.Offset
	}
	return 0
}

// segment is a key as a part of a path.
func segment(k machine.Value) string {
	const enough = 256
	switch k := k.(type) {
	case int64:
		return strconv.FormatInt(k, 10)
	case bool, float64, *machine.Long, nil, *machine.Tuple, *machine.Global, *machine.Call:
		return "<" + describe(k) + ">"
	}
	name, _ := machine.Text(k)
	return name[:min(len(name), enough)]
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return segment(machine.Str(path)) + "." + name
}
