package machine

import (
	"math"
	"slices"
	"strings"
	"unsafe"
)

// pushStr puts text on the stack.
func (m *machine) pushStr(s string) {
	m.scan(s, true)
	m.push(Str(s))
}

// pushBytes puts bytes on the stack that end at the cursor.
func (m *machine) pushBytes(s string, native bool) {
	m.scan(s, false)
	m.push(Bytes{Data: s, At: int64(m.at - len(s)), Native: native})
}

func (m *machine) pushByteArray(s string) {
	m.scan(s, false)
	m.push(&ByteArray{Data: s})
}

// tuple is a tuple of its own of items.
func (m *machine) tuple(items []Value) *Tuple {
	if len(items) == 0 {
		return m.empty
	}
	t := &Tuple{Items: slices.Clone(items)}
	m.within(&t.node, items)
	return t
}

func (m *machine) list(items []Value) *List {
	l := &List{Items: slices.Clone(items)}
	m.within(&l.node, items)
	return l
}

// within notes that items lie in what n belongs to.
func (m *machine) within(n *node, items []Value) {
	for _, v := range items {
		if inner := nodeOf(v); inner != nil && inner != n {
			n.depth = max(n.depth, inner.depth+1)
		}
	}
	if int(n.depth) > m.Limits.Depth {
		m.fail(CodeLimits, "more than "+itoa(m.Limits.Depth)+" containers in each other")
	}
}

// nodeOf is the note on a value, nil for one that holds no others.
func nodeOf(v Value) *node {
	switch v := v.(type) {
	case *Tuple:
		return &v.node
	case *List:
		return &v.node
	case *Dict:
		return &v.node
	case *Set:
		return &v.node
	case *Global:
		return &v.node
	case *Call:
		return &v.node
	case *Persistent:
		return &v.node
	}
	return nil
}

// opaque reports whether nothing is known of what a call gives: it may hold items.
func opaque(c *Call) bool { return c.Kind == "" }

func (m *machine) appendItems(target Value, items []Value) {
	switch t := target.(type) {
	case *List:
		m.change(t)
		t.Items = append(t.Items, items...)
		m.within(&t.node, items)
		return
	case *Call:
		if opaque(t) {
			t.Items = append(t.Items, items...)
			m.within(&t.node, items)
			return
		}
	}
	m.refuse(CodeContainer, "items are appended to "+describe(target), items)
}

func (m *machine) addItems(target Value, items []Value) {
	switch t := target.(type) {
	case *Set:
		if !t.Frozen {
			m.change(t)
			t.Items = append(t.Items, items...)
			m.within(&t.node, items)
			return
		}
	case *Call:
		if opaque(t) {
			t.Items = append(t.Items, items...)
			m.within(&t.node, items)
			return
		}
	}
	m.refuse(CodeContainer, "items are added to "+describe(target), items)
}

// give notes that a call is given a value, and with a tuple what that holds.
// The call takes them as they are: what is done to them later it does not see.
func (m *machine) give(v Value) {
	n := nodeOf(v)
	if n == nil || n.given {
		return
	}
	n.given = true
	if t, ok := v.(*Tuple); ok {
		for _, item := range t.Items {
			m.give(item)
		}
	}
}

// change finds what is changed behind a call that was given it. An object of
// which nothing is known may be: its state can hold methods of its own.
func (m *machine) change(v Value) {
	if nodeOf(v).given {
		m.find(CodeCallAltered, describe(v)+" is changed behind a call that was given it")
	}
}

// refuse finds that values are put where they have no place.
func (m *machine) refuse(code, detail string, values []Value) {
	m.find(code, detail)
	m.refused = append(m.refused, values...)
}

// setItems sets pairs: items are a key, its value, a key, and so on.
func (m *machine) setItems(target Value, items []Value) {
	if len(items)%2 != 0 {
		m.fail(CodeUnderflow, "a key without a value")
		return
	}
	var d *Dict
	switch t := target.(type) {
	case *Dict:
		m.change(t)
		d = t
	case *Call:
		if opaque(t) {
			if t.Pairs == nil {
				t.Pairs = &Dict{}
			}
			d = t.Pairs
			m.within(&t.node, items)
		}
	}
	if d == nil {
		m.refuse(CodeContainer, "a key of "+describe(target)+" is set", items)
		return
	}
	for i := 0; i < len(items) && m.err == nil; i += 2 {
		m.set(d, items[i], items[i+1])
	}
	m.within(&d.node, items)
}

// few is how many keys are searched one by one, and how many bytes of a text
// may be hashed or compared for the price of an opcode.
const few = 8

// set gives a key a value, and keeps the place of one that d has.
func (m *machine) set(d *Dict, k, v Value) {
	k, same, ok := m.key(k)
	if !ok {
		m.refuse(CodeContainer, describe(k)+" as a key", []Value{k, v})
		return
	}
	if d.special(k) {
		m.find(CodeBuildDenied, "a key of "+describe(d)+" is named as an attribute that Python calls")
	}
	if d.index == nil && len(d.Keys) > few {
		d.index = make(map[Value]int, len(d.Keys))
		for i, k := range d.Keys {
			d.index[hashed(k)] = i
		}
	}
	at, found := 0, false
	if d.index != nil {
		at, found = d.index[same]
	} else {
		at = slices.IndexFunc(d.Keys, func(other Value) bool { return hashed(other) == same })
		found = at >= 0
	}
	if found {
		d.Items[at] = v
		return
	}
	d.Keys, d.Items = append(d.Keys, k), append(d.Items, v)
	if d.index != nil {
		d.index[same] = len(d.Keys) - 1
	}
}

// special reports whether a key of d can be one of the attributes that Python
// looks for on its own, such as __setstate__: a class that NEWOBJ makes may give
// its keys out as attributes.
func (d *Dict) special(k Value) bool {
	if d.made == nil || d.made.by == nil || d.made.by.by != creating {
		return false
	}
	name, ok := Text(k)
	return ok && strings.HasPrefix(name, "__")
}

// key is a key as it is kept, and what it is compared by.
func (m *machine) key(k Value) (kept, same Value, ok bool) {
	switch v := k.(type) {
	case *List, *Dict, *ByteArray:
		return k, nil, false
	case *Set:
		if !v.Frozen {
			return k, nil, false
		}
	case Bytes:
		m.spend(weight(v))
		if text, ok := Text(v); ok {
			return Str(text), Str(text), true
		}
		return v, hashed(v), true
	}
	m.spend(weight(k))
	return k, hashed(k), true
}

// weight is how many opcodes it is worth to hash a key.
func weight(k Value) int {
	switch k := k.(type) {
	case Str:
		return len(k) / few
	case Bytes:
		return len(k.Data) / few
	}
	return 0
}

// hashed is the value that Python's equal keys share.
func hashed(k Value) Value {
	switch v := k.(type) {
	case bool:
		if v {
			return int64(1)
		}
		return int64(0)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
	case Bytes:
		return Bytes{Data: v.Data}
	}
	return k
}

// same reports whether two values are one object, as far as that can be told
// without reading them.
func same(a, b Value) bool {
	switch a := a.(type) {
	case Str:
		b, ok := b.(Str)
		return ok && sameString(string(a), string(b))
	case Bytes:
		b, ok := b.(Bytes)
		return ok && sameString(a.Data, b.Data)
	}
	return a == b
}

func sameString(a, b string) bool {
	return len(a) == len(b) && (a == "" || unsafe.StringData(a) == unsafe.StringData(b))
}

// describe is what a value is, for people.
func describe(v Value) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return "a bool"
	case int64, *Long:
		return "an int"
	case float64:
		return "a float"
	case Str:
		return "a str"
	case Bytes:
		return "bytes"
	case *ByteArray:
		return "a bytearray"
	case *Tuple:
		return "a tuple"
	case *List:
		return "a list"
	case *Dict:
		if v.Class != nil {
			return "an " + quote(v.Class.String())
		}
		return "a dict"
	case *Set:
		return "a set"
	case *Global:
		return "the global " + quote(v.String())
	case *Call:
		if g, ok := v.Func.(*Global); ok {
			return "what " + quote(g.String()) + " gives"
		}
		return "what a computed call gives"
	case *Persistent:
		return "a persistent object"
	}
	return "an unknown value"
}
