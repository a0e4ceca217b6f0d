package machine

import "strconv"

// longestName is how many bytes of a module or a name are of interest: none
// that is imported has as many.
const longestName = 512

// String is module and name, joined by a dot.
func (g *Global) String() string { return g.Module + "." + g.Name }

// names checks the two lines that name a global.
func (m *machine) names(module, name string, valid func(string) bool) (string, string) {
	if !valid(module) || !valid(name) {
		m.fail(CodeArgument, "the name of a global is no text")
	}
	return module, name
}

// stackGlobal takes a global's name off the stack. CPython also takes a str of
// Python 2 for one; no pickler writes that.
func (m *machine) stackGlobal() {
	name, module := m.pop(), m.pop()
	n, ok := name.(Str)
	mod, also := module.(Str)
	if !ok || !also {
		m.fail(CodeGlobalOperand, "STACK_GLOBAL of "+describe(module)+" and "+describe(name))
		return
	}
	m.push(m.global(string(mod), string(n)))
}

// global is the global of that name, judged.
func (m *machine) global(module, name string) *Global {
	if m.err != nil {
		return &Global{}
	}
	plain := isPlain(module, true) && isPlain(name, false)
	module, name = cut(module), cut(name)
	m.spend((len(module) + len(name)) / few)
	if m.protocol < 3 {
		module, name = python3(module, name)
	}
	g := &Global{Module: module, Name: name, Offset: int64(m.op), Known: m.rules.has(module, name)}
	m.globals = append(m.globals, g)
	if !m.use(g, false, g.Known) {
		return g
	}
	if !plain {
		m.find(CodeGlobalName, quote(g.String())+" is no plain name")
	}
	switch code := hazard(python3(module, name)); {
	case code == CodeCode:
		m.find(code, quote(g.String())+" builds functions or classes out of code in the file")
	case code != "":
		m.find(code, quote(g.String())+" is known to run code, or to reach what does")
	case !g.Known && m.extract:
		m.find(CodeGlobalDropped, quote(g.String()))
	case !g.Known:
		m.find(CodeGlobalDenied, quote(g.String()))
	}
	return g
}

// use notes that a global is named or called. It is true at the first place.
func (m *machine) use(g *Global, call, known bool) bool {
	if len(m.uses) >= maxUses {
		m.fail(CodeLimits, "more than "+itoa(maxUses)+" globals and calls")
		return false
	}
	return m.report.use(use{g.Module, g.Name, call}, known, int64(m.op))
}

func cut(name string) string { return name[:min(len(name), longestName)] }

// isPlain reports whether a name is one that a class or function is defined
// by: ASCII, and without dots unless it is that of a module.
func isPlain(name string, dots bool) bool {
	if len(name) > longestName {
		return false
	}
	start := true // of an identifier
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || !start && '0' <= c && c <= '9':
			start = false
		case c == '.' && dots && !start:
			start = true
		default:
			return false
		}
	}
	return !start
}

// extension is a global that the loading process knows by a number.
func (m *machine) extension(code int64) {
	name := "extension " + strconv.FormatInt(code, 10)
	m.find(CodeExt, name)
	m.push(&Global{Module: "copyreg", Name: name, Offset: int64(m.op)})
}

// ascii is s if it is ASCII.
func (m *machine) ascii(s string) string {
	if !isASCII(s) {
		m.fail(CodeArgument, "a persistent id that is not ASCII")
	}
	return s
}

func (m *machine) persistent(id Value) {
	p := &Persistent{ID: id, Offset: int64(m.op)}
	m.within(&p.node, []Value{id})
	m.outside = append(m.outside, p)
	m.push(p)
}
