package machine

import (
	"strconv"
	"strings"
)

// A PackError says which line of a pack is malformed.
type PackError struct {
	Pack   string
	Line   int // 0: the packs together
	Detail string
}

func (e *PackError) Error() string {
	return "pack " + e.Pack + " line " + itoa(e.Line) + ": " + e.Detail
}

// NewRules reads packs and puts them together. On error, a *PackError, the
// rules are nil.
func NewRules(packs ...Pack) (*Rules, error) {
	r := &Rules{globals: map[qualified]*entry{}}
	p := &packReader{rules: r, gives: map[string]bool{}}
	for _, pack := range packs {
		p.pack = pack.Name
		head, text, _ := strings.Cut(pack.Text, "\n")
		if p.line = 1; head != "weightgate.pack "+itoa(pack.Version)+" "+pack.Name {
			p.fail("the head is not that of version " + itoa(pack.Version) + " of " + pack.Name)
		}
		for line := range strings.Lines(text) {
			p.line++
			p.rest = strings.TrimSuffix(line, "\n")
			if p.rest != "" && p.rest[0] != '#' {
				p.rule()
			}
		}
	}
	for _, w := range p.wants {
		if !p.gives[w.word] && !isBuiltin(w.word) && p.err == nil {
			p.err = &PackError{w.pack, w.line, "no line gives " + w.word}
		}
	}
	if p.err != nil {
		return nil, p.err
	}
	return r, nil
}

// A packReader reads the lines of packs.
type packReader struct {
	rules *Rules
	gives map[string]bool // words behind an arrow
	wants []want
	pack  string
	line  int
	rest  string // of the line
	err   error  // the first
}

// want is a word that an argument asks for.
type want struct {
	pack string
	line int
	word string
}

func (p *packReader) fail(detail string) {
	if p.err == nil {
		p.err = &PackError{p.pack, p.line, detail}
	}
}

// rule reads a line.
func (p *packReader) rule() {
	s := &signature{by: calling}
	if p.skip("new ") {
		s.by = creating
	}
	name := p.while(func(c byte) bool { return isName(c) || strings.IndexByte(".{},", c) >= 0 })
	callable := p.skip("(")
	if callable {
		s.args = p.arguments()
	}
	if p.skip(" -> ") {
		if s.gives = p.word(); s.gives == "" {
			p.fail("no word behind the arrow")
		}
		p.gives[s.gives] = true
	}
	if p.skip(" state ") {
		state := p.argument()
		s.state = &state
	}
	if p.skip(" calls ") {
		given := p.argument()
		s.calls = &given
	}
	switch {
	case p.rest != "":
		p.fail("what is " + quote(p.rest) + "?")
	case !callable && (s.state != nil || s.by == creating):
		p.fail("a global that is only named has no state")
	case callable && s.gives == "":
		p.fail("what does the call give?")
	case s.calls != nil && (len(s.args) < 3 || s.args[2].optional):
		p.fail("what is called, and with what?")
	}
	for _, full := range braces(name) {
		i := strings.LastIndexByte(full, '.')
		if i < 0 || !isPlain(full[:i], true) || !isPlain(full[i+1:], false) {
			p.fail(quote(full) + " is no name of a global")
			return
		}
		p.add(qualified{full[:i], full[i+1:]}, s, callable)
	}
}

func (p *packReader) add(q qualified, s *signature, callable bool) {
	e := p.rules.globals[q]
	if e == nil {
		e = &entry{}
		p.rules.globals[q] = e
	}
	switch {
	case callable:
		e.calls = append(e.calls, s)
	case e.is != "" && e.is != s.gives:
		p.fail(q.module + "." + q.name + " is " + e.is + " already")
	default:
		e.is = s.gives
	}
}

// braces are the names that a name with at most one pair of braces stands for.
func braces(name string) []string {
	before, rest, ok := strings.Cut(name, "{")
	middle, after, closed := strings.Cut(rest, "}")
	if !ok || !closed {
		return []string{name}
	}
	var names []string
	for part := range strings.SplitSeq(middle, ",") {
		names = append(names, before+part+after)
	}
	return names
}

// arguments reads what stands behind an opening parenthesis, and the other one.
func (p *packReader) arguments() []argument {
	args := []argument{}
	if p.skip(")") {
		return args
	}
	for p.err == nil {
		arg := p.argument()
		if arg.optional = p.skip("?"); !arg.optional && len(args) > 0 && args[len(args)-1].optional {
			p.fail("behind what may be absent, all may be")
		}
		args = append(args, arg)
		if p.skip(")") {
			break
		}
		if !p.skip(", ") {
			p.fail("a comma or a parenthesis is missing")
		}
	}
	return args
}

func (p *packReader) argument() argument {
	arg := argument{any: []pattern{p.pattern()}}
	for p.err == nil && p.skip("|") {
		arg.any = append(arg.any, p.pattern())
	}
	return arg
}

func (p *packReader) pattern() pattern {
	if p.skip("(") {
		return pattern{tuple: p.arguments()}
	}
	if p.skip(`"`) {
		text := p.while(func(c byte) bool { return c != '"' })
		if !p.skip(`"`) {
			p.fail("a quote is missing")
		}
		return pattern{text: &text}
	}
	name := p.while(func(c byte) bool { return isName(c) || c == '.' || c == '-' })
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return pattern{global: &qualified{name[:i], name[i+1:]}}
	}
	if n, err := strconv.ParseInt(name, 10, 64); err == nil {
		return pattern{number: &n}
	}
	if name == "" {
		p.fail("an argument is missing")
	}
	p.wants = append(p.wants, want{p.pack, p.line, name})
	return pattern{word: name}
}

// word reads a word, which may have hyphens.
func (p *packReader) word() string {
	return p.while(func(c byte) bool { return isName(c) || c == '-' })
}

func isName(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '_'
}

func (p *packReader) skip(s string) bool {
	rest, ok := strings.CutPrefix(p.rest, s)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *packReader) while(in func(byte) bool) string {
	n := 0
	for n < len(p.rest) && in(p.rest[n]) {
		n++
	}
	s := p.rest[:n]
	p.rest = p.rest[n:]
	return s
}
