package machine

import (
	"slices"
	"strings"
)

// A Pack is a set of signatures, as text:
//
//	weightgate.pack 1 weights
//
//	# A line that begins with # is a comment.
//	torch.{float16,float32} -> dtype
//	torch.FloatStorage
//	torch._utils._rebuild_tensor(storage, int, ints, ints) -> tensor
//	collections.OrderedDict(list?) -> odict state dict
//	new argparse.Namespace() -> object state dict
//
// The first line holds version and name. Every other names a global; braces
// stand for several. A line without arguments lets a stream name the global and
// no more. With arguments it may be called, or, behind new, made by NEWOBJ
// without being called; arguments that may be absent carry a question mark.
// What stands behind the arrow is what the global is or what the call gives; a
// call that gives dict or odict becomes a *[Dict]. What stands behind state may
// be given by BUILD, once. Behind calls stands what the first argument must give,
// called with the items of the third: the callable calls it so. Several lines for
// one global add up.
//
// An argument is one or more of these, with | between them:
//
//	any none bool int float str bytes bytearray tuple list dict odict set
//	ints          a tuple of at most 64 ints
//	storage       a persistent id
//	global        a global that a pack has
//	tensor        any other word: what some line gives
//	"latin1"      this text
//	-1            this int
//	numpy.ndarray this global
//	(int, str)    a tuple of these
//
// A bool is no int; odict is a collections.OrderedDict and dict any dict.
// Each of these words also means what a call gives under that name.
type Pack struct {
	Name    string
	Version int
	Text    string
}

// Rules say which globals and calls a stream may hold. The nil Rules know none.
// They are not changed any more: use them from anywhere.
type Rules struct {
	globals map[qualified]*entry
}

// qualified is a global by its module and its name in there.
type qualified struct{ module, name string }

// entry is what the packs say of one global.
type entry struct {
	is    string // what it is where it is named, "" if no line says
	calls []*signature
}

// signature is one way to call a global.
type signature struct {
	by    way // calling or creating
	args  []argument
	gives string
	state *argument // nil: none
	calls *argument // what args[0] gives that is called with args[2], nil: it is not called
}

// argument is what may stand in one place.
type argument struct {
	optional bool
	any      []pattern // of which one fits
}

// pattern is one of: a word, a text, a number, a global, a tuple.
type pattern struct {
	word   string
	text   *string
	number *int64
	global *qualified
	tuple  []argument // nil: none
}

// has reports whether a pack names a global.
func (r *Rules) has(module, name string) bool { return r.entry(module, name) != nil }

func (r *Rules) entry(module, name string) *entry {
	if r == nil {
		return nil
	}
	return r.globals[qualified{module, name}]
}

// Call is what a call of g with these arguments gives: the kind that a pack
// says, if one has it. It is for calls that a stream leaves to others.
func (r *Rules) Call(g *Global, args []Value) (kind string, known bool) {
	if s := r.call(g, args, calling); s != nil {
		return s.gives, true
	}
	return "", false
}

// call is the signature that a call fits, or nil.
func (r *Rules) call(g *Global, args []Value, by way) *signature {
	e := r.entry(g.Module, g.Name)
	if e == nil {
		return nil
	}
	for _, s := range e.calls {
		if (s.by == by || by == either) && r.fit(args, s.args) && r.callsOn(s, args) {
			return s
		}
	}
	return nil
}

// callsOn reports whether what s calls with args, if it does, gives what it has to.
func (r *Rules) callsOn(s *signature, args []Value) bool {
	if s.calls == nil {
		return true
	}
	g, isGlobal := args[0].(*Global)
	items, isTuple := args[2].(*Tuple)
	if !isGlobal || !isTuple {
		return false
	}
	kind, known := r.Call(g, items.Items)
	return known && slices.ContainsFunc(s.calls.any, func(p pattern) bool { return p.word == kind })
}

// takes reports whether state is one that BUILD may give what s makes.
func (s *signature) takes(r *Rules, state Value) bool {
	return s.state != nil && r.fits(state, *s.state)
}

func (r *Rules) fit(values []Value, args []argument) bool {
	if len(values) > len(args) {
		return false
	}
	for i, arg := range args {
		if i >= len(values) {
			return arg.optional
		}
		if !r.fits(values[i], arg) {
			return false
		}
	}
	return true
}

func (r *Rules) fits(v Value, arg argument) bool {
	for _, p := range arg.any {
		if r.matches(v, p) {
			return true
		}
	}
	return false
}

func (r *Rules) matches(v Value, p pattern) bool {
	switch {
	case p.text != nil:
		switch v := v.(type) {
		case Str:
			return string(v) == *p.text
		case Bytes:
			return v.Native && v.Data == *p.text
		}
		return false
	case p.number != nil:
		n, ok := v.(int64)
		return ok && n == *p.number
	case p.global != nil:
		g, ok := v.(*Global)
		return ok && g.Module == p.global.module && g.Name == p.global.name
	case p.tuple != nil:
		t, ok := v.(*Tuple)
		return ok && r.fit(t.Items, p.tuple)
	}
	return r.is(v, p.word)
}

// is reports whether a value is what a word of the packs says.
func (r *Rules) is(v Value, word string) bool {
	if word == "any" {
		return true
	}
	switch v := v.(type) {
	case nil:
		return word == "none"
	case bool:
		return word == "bool"
	case int64, *Long:
		return word == "int"
	case float64:
		return word == "float"
	case Str:
		return word == "str"
	case Bytes:
		return word == "bytes" || v.Native && word == "str"
	case *ByteArray:
		return word == "bytearray"
	case *Tuple:
		return word == "tuple" || word == "ints" && areInts(v.Items)
	case *List:
		return word == "list"
	case *Set:
		return word == "set"
	case *Dict:
		return word == "dict" || word == "odict" && v.made != nil && v.made.Kind == "odict"
	case *Persistent:
		return word == "storage"
	case *Global:
		return v.Known && (word == "global" || word == r.entry(v.Module, v.Name).is)
	case *Call:
		return v.Kind == word
	}
	return false
}

// maxInts is how many dimensions a tensor has at most, and so how many ints a
// tuple of them holds.
const maxInts = 64

func areInts(items []Value) bool {
	for _, v := range items {
		if _, ok := v.(int64); !ok {
			return false
		}
		if len(items) > maxInts {
			return false
		}
	}
	return true
}

// builtinWords are what an argument may be without a line that gives it.
const builtinWords = " any none bool int float str bytes bytearray tuple list dict odict set ints storage global "

func isBuiltin(word string) bool { return strings.Contains(builtinWords, " "+word+" ") }
