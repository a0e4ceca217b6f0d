package grammar

import (
	"strconv"

	"github.com/weightgate/weightgate/formats/pickle/machine"
)

// maxRank is how many dimensions a tensor of torch can have.
const maxRank = 64

// integers are those of a tuple of at most maxRank, as it is or as a torch.Size.
func integers(v machine.Value) ([]int64, bool) {
	if c, ok := v.(*machine.Call); ok && global(c.Func) == "torch.Size" && len(c.Args) == 1 {
		v = c.Args[0]
	}
	t, ok := v.(*machine.Tuple)
	if !ok || len(t.Items) > maxRank {
		return nil, false
	}
	list := make([]int64, len(t.Items))
	for i, item := range t.Items {
		if list[i], ok = item.(int64); !ok {
			return nil, false
		}
	}
	return list, true
}

// global is the full name of a global, and "" for anything else.
func global(v machine.Value) string {
	if g, ok := v.(*machine.Global); ok {
		return g.Module + "." + g.Name
	}
	return ""
}

// hookless reports whether v is what a tensor without hooks has: an empty dict,
// or None.
func hookless(v machine.Value) bool {
	d, ok := v.(*machine.Dict)
	return v == nil || ok && len(d.Keys) == 0 && d.State == nil
}

// get is the value of a string key.
func get(d *machine.Dict, key string) (machine.Value, bool) {
	for i, k := range d.Keys {
		if s, ok := machine.Text(k); ok && s == key {
			return d.Items[i], true
		}
	}
	return nil, false
}

// quote is a name from the stream as people may see it: escaped, and not at any
// length.
func quote(name string) string {
	const enough = 128
	if len(name) > enough {
		return strconv.QuoteToASCII(name[:enough]) + "..."
	}
	return strconv.QuoteToASCII(name)
}
