package grammar

import (
	"strconv"
	"strings"

	"github.com/weightgate/weightgate/formats/pickle/machine"
)

// rootItself is what Options.Root calls the pickle's root where several places
// hold tensors.
const rootItself = "."

// A candidate is a dict that holds tensors directly.
type candidate struct {
	key  string // "" for the pickle's root
	dict *machine.Dict
}

// convert finds the dict whose tensors are converted, and lists the rest.
func (r *reader) convert(root machine.Value) {
	defer r.walk(root) // storages that nothing so far has mentioned
	chosen, no := r.choose(root)
	if no != nil {
		r.find(*no)
		r.list(root)
		return
	}
	r.Root = chosen.key
	for i, k := range chosen.dict.Keys {
		name, isText := machine.Text(k)
		c, isCall := chosen.dict.Items[i].(*machine.Call)
		if !isText || !isCall || !isTensor(c) {
			continue
		}
		v := r.tensor(c)
		if v.refused != nil {
			no := *v.refused
			no.detail = quote(name) + ": " + no.detail
			r.find(no)
			continue
		}
		v.Name = name
		r.Tensors = append(r.Tensors, v.Tensor)
	}
	r.list(root)
}

// choose is the dict that Options.Root names, or the only one that there is.
func (r *reader) choose(root machine.Value) (candidate, *refusal) {
	all := candidates(root)
	var chosen []candidate
	for _, c := range all {
		if r.opt.Root == "" || r.opt.Root == c.key || r.opt.Root == rootItself && c.key == "" {
			chosen = append(chosen, c)
		}
	}
	switch {
	case len(chosen) == 1:
		return chosen[0], nil
	case len(all) > 0:
		return candidate{}, refuse(CodeRoot, 0, "tensors lie beneath "+names(all))
	case isModule(root):
		return candidate{}, refuse(CodeModule, offset(root), "the pickle is "+describe(root)+", a module and not its state")
	}
	if d, ok := root.(*machine.Dict); ok {
		for i, v := range d.Items {
			if isModule(v) {
				return candidate{}, refuse(CodeModule, offset(v), segment(d.Keys[i])+" is "+describe(v)+", a module and not its state")
			}
		}
	}
	return candidate{}, refuse(CodeRootNone, 0, "the pickle is "+describe(root)+", and no dict in it holds tensors by name")
}

// candidates are the root, if it holds tensors directly, and the dicts beneath
// its string keys that do.
func candidates(root machine.Value) []candidate {
	d, ok := root.(*machine.Dict)
	if !ok {
		return nil
	}
	var list []candidate
	if holds(d) {
		list = append(list, candidate{"", d})
	}
	held := map[*machine.Dict]bool{}
	for i, v := range d.Items {
		key, isText := machine.Text(d.Keys[i])
		inner, isDict := v.(*machine.Dict)
		if !isText || !isDict || inner == d {
			continue
		}
		answer, known := held[inner]
		if !known {
			answer = holds(inner)
			held[inner] = answer
		}
		if answer {
			list = append(list, candidate{key, inner})
		}
	}
	return list
}

// holds reports whether a string key of d has a tensor.
func holds(d *machine.Dict) bool {
	for i, v := range d.Items {
		if _, isText := machine.Text(d.Keys[i]); isText && isTensor(v) {
			return true
		}
	}
	return false
}

// names are the keys of candidates, for people: the first ones.
func names(all []candidate) string {
	const most = 8
	var list []string
	for _, c := range all[:min(len(all), most)] {
		if c.key == "" {
			list = append(list, "the root itself ("+quote(rootItself)+")")
			continue
		}
		list = append(list, quote(c.key))
	}
	if len(all) > most {
		list = append(list, strconv.Itoa(len(all)-most)+" more")
	}
	return strings.Join(list, ", ")
}

// isModule tells a torch.nn.Module, which pickles as an object with a state, and
// what the legacy form puts in the place of its class.
func isModule(v machine.Value) bool {
	c, ok := v.(*machine.Call)
	if !ok {
		return false
	}
	if _, ok := c.Func.(*machine.Persistent); ok {
		return true
	}
	state, ok := c.State.(*machine.Dict)
	if !ok {
		return false
	}
	_, parameters := get(state, "_parameters")
	_, modules := get(state, "_modules")
	return parameters && modules
}
