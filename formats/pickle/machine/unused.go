package machine

// unused finds the globals, calls and persistent objects that the stream makes
// and that are no part of its result: they would have been loaded all the same.
func (m *machine) unused(root Value) {
	todo := append(m.refused, root)
	visit := func(items ...Value) { todo = append(todo, items...) }
	for len(todo) > 0 {
		v := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		n := nodeOf(v)
		if n == nil || n.reached {
			continue
		}
		n.reached = true
		switch v := v.(type) {
		case *Tuple:
			visit(v.Items...)
		case *List:
			visit(v.Items...)
		case *Set:
			visit(v.Items...)
		case *Dict:
			if v.made != nil {
				visit(v.made)
			}
			visit(v.Keys...)
			visit(v.Items...)
			visit(v.State)
		case *Call:
			visit(v.Func, v.args, v.State)
			visit(v.Items...)
			if v.Kwargs != nil {
				visit(v.Kwargs)
			}
			if v.Pairs != nil {
				visit(v.Pairs)
			}
		case *Persistent:
			visit(v.ID)
		}
	}
	for _, g := range m.globals {
		if !g.reached {
			m.report.find(CodePopped, g.Offset, quote(g.String())+" is named and is no part of the result")
		}
	}
	for _, c := range m.calls {
		if !c.reached {
			m.report.find(CodePopped, c.Offset, describe(c)+" is no part of the result")
		}
	}
	for _, p := range m.outside {
		if !p.reached {
			m.report.find(CodePopped, p.Offset, describe(p)+" is no part of the result")
		}
	}
}
