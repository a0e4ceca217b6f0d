package machine

import "slices"

// A way is how an opcode has something made.
type way uint8

const (
	calling  way = iota // f(*args)
	creating            // class.__new__(class, *args)
	either              // the class decides
)

// reduce calls fn, as REDUCE does.
func (m *machine) reduce(fn, args Value) {
	m.apply(fn, m.arguments(args), nil, calling)
}

// construct makes an object of a class, as NEWOBJ and NEWOBJ_EX do.
func (m *machine) construct(class, args, kwargs Value) {
	k, ok := kwargs.(*Dict)
	if kwargs != nil && !ok {
		m.find(CodeCallDenied, "keyword arguments in "+describe(kwargs))
		k = &Dict{Keys: []Value{kwargs}, Items: []Value{nil}}
	}
	m.apply(class, m.arguments(args), k, creating)
}

// instantiate makes an object of a class, as INST and OBJ do.
func (m *machine) instantiate(class Value, args []Value) {
	by := calling
	if len(args) == 0 {
		by = either
	}
	m.apply(class, m.tuple(args), nil, by)
}

// arguments are args if that is a tuple, as it has to be.
func (m *machine) arguments(args Value) *Tuple {
	if t, ok := args.(*Tuple); ok {
		return t
	}
	m.find(CodeCallDenied, "arguments in "+describe(args))
	return m.tuple([]Value{args})
}

// apply pushes what a call gives: a record of it, or the dict that it makes.
func (m *machine) apply(fn Value, args *Tuple, kwargs *Dict, by way) {
	c := &Call{Func: fn, Args: args.Items, Kwargs: kwargs, Offset: int64(m.op), args: args}
	m.within(&c.node, []Value{fn, args})
	m.give(args)
	if kwargs != nil {
		m.within(&c.node, []Value{kwargs})
		m.give(kwargs)
	}
	g, ok := fn.(*Global)
	if !ok {
		m.find(CodeCallComputed, "a call of "+describe(fn))
	} else if m.err == nil {
		m.judge(c, g, by)
	}
	if c.Kind == "dict" || c.Kind == "odict" {
		if d, ok := m.dict(c, g); ok {
			m.push(d)
			return
		}
	}
	m.calls = append(m.calls, c)
	m.push(c)
}

// judge asks the rules what a call of g is.
func (m *machine) judge(c *Call, g *Global, by way) {
	if g.Known && (c.Kwargs == nil || len(c.Kwargs.Keys) == 0) {
		c.by = m.rules.call(g, c.Args, by)
	}
	if c.by != nil {
		c.Kind = c.by.gives
		if c.by.calls != nil {
			m.use(c.Args[0].(*Global), true, true)
		}
	} else if g.Known {
		m.find(CodeCallDenied, quote(g.String())+" is called with other arguments than a pack has")
	}
	m.use(g, true, c.by != nil)
}

// dict is what a call makes that is a dict to its signature: empty, or with the
// pairs of its argument. It is false, with a finding, where those are none.
func (m *machine) dict(c *Call, class *Global) (*Dict, bool) {
	d := &Dict{Class: class, made: c}
	m.within(&d.node, []Value{class})
	if len(c.Args) == 0 {
		return d, true
	}
	ok := true
	switch from := c.Args[len(c.Args)-1].(type) {
	case *Dict:
		m.copying(len(from.Keys))
		for _, k := range from.Keys {
			m.spend(weight(k))
		}
		if m.err == nil {
			d.Keys, d.Items = slices.Clone(from.Keys), slices.Clone(from.Items)
			m.within(&d.node, d.Keys)
			m.within(&d.node, d.Items)
		}
	case *List:
		m.copying(len(from.Items))
		for i := 0; i < len(from.Items) && m.err == nil && ok; i++ {
			var pair []Value
			if pair, ok = pairOf(from.Items[i]); ok {
				m.set(d, pair[0], pair[1])
				m.within(&d.node, pair)
			}
		}
	}
	if !ok {
		m.find(CodeCallDenied, quote(class.String())+" is called with a list of other things than pairs")
		c.Kind, c.by = "", nil
	}
	return d, ok
}

// pairOf is the key and value that a tuple or list of two is.
func pairOf(v Value) ([]Value, bool) {
	var items []Value
	switch v := v.(type) {
	case *Tuple:
		items = v.Items
	case *List:
		items = v.Items
	}
	return items, len(items) == 2
}

// copying takes pairs from what calls may copy, which is no more than the
// stream could have written: one dict could else be copied without end.
func (m *machine) copying(pairs int) {
	m.spend(pairs)
	if m.pairs -= pairs; m.pairs < 0 {
		m.fail(CodeLimits, "calls copy more pairs than the stream can hold")
	}
}

// build gives an object its state, as BUILD does.
func (m *machine) build(target, state Value) {
	if m.err != nil {
		return
	}
	switch t := target.(type) {
	case *Call:
		known := t.Kind != ""
		if t.State == nil && (!known || t.by.takes(m.rules, state)) {
			if known {
				m.change(t)
			}
			t.State = state
			m.within(&t.node, []Value{state})
			return
		}
	case *Dict:
		if t.State == nil && t.made != nil && t.made.by.takes(m.rules, state) {
			m.change(t)
			t.State = state
			m.within(&t.node, []Value{state})
			return
		}
	}
	m.refuse(CodeBuildDenied, describe(target)+" gets a state of "+describe(state), []Value{state})
}
