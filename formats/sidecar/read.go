package sidecar

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"unicode/utf8"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/jsonscan"
)

// checkEvery is after how many members the context is asked.
const checkEvery = 1 << 12

// Inspect reads the text from its first byte to its last and keeps nothing of it
// but findings. Of lim it keeps MaxHeader, MaxNesting and, for the map of an
// index, MaxTensors and MaxFiles. It allocates at most eight times the text, the
// same of the headers of shards, and a constant.
func (f format) Inspect(ctx context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if ok, err := f.Claims(ctx, in); err != nil {
		return nil, err
	} else if !ok {
		return nil, codes.Syntax(f.Name(), CodeJSON, in.Name(), 0, "this is no %s", f.Name())
	}
	r, err := newReader(ctx, f, in, lim.WithDefaults())
	if err != nil {
		return nil, err
	}
	if err := r.document(); err != nil {
		return nil, err
	}
	if err := r.index.check(r); err != nil {
		return nil, err
	}
	return &formats.Inspection{
		Format:   f.Name(),
		Findings: r.findings(),
		Claims:   []formats.Range{{File: in.Name(), Length: in.Size()}},
	}, nil
}

// A reader reads a text in one pass and judges each value where it stands.
type reader struct {
	jsonscan.Scanner
	ctx     context.Context
	format  string
	in      formats.Input
	lim     formats.Limits
	depth   int
	members int         // that were read
	keys    []span      // of the objects that are open
	listing bool        // the text is an array: a list of modules
	parts   int         // components of a pipeline
	keras   kerasObject // of the innermost object that is open
	index   index
	report
}

// A span is a string of the text, without its quotes.
type span struct{ from, to int }

func newReader(ctx context.Context, f format, in formats.Input, lim formats.Limits) (*reader, error) {
	r := &reader{ctx: ctx, format: f.Name(), in: in, lim: lim}
	r.Fail = func(pos int, detail string, args ...any) error { return r.fail(CodeJSON, pos, detail, args...) }
	if in.Size() > lim.MaxHeader {
		return nil, r.fail(CodeLimit, 0, "a text of %d bytes; MaxHeader is %d", in.Size(), lim.MaxHeader)
	}
	r.Text = make([]byte, in.Size())
	if err := formats.ReadFull(in, r.Text, 0); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *reader) fail(c formats.Code, pos int, detail string, args ...any) error {
	return codes.Syntax(r.format, c, r.in.Name(), int64(pos), detail, args...)
}

func (r *reader) document() error {
	if !utf8.Valid(r.Text) {
		return r.Fail(0, "the text is not UTF-8")
	}
	begin := r.Peek()
	if begin != '{' && begin != '[' {
		return r.Fail(r.Pos, "the text is neither an object nor an array")
	}
	r.listing = begin == '['
	r.keys = make([]span, 0, r.expected())
	if err := r.value(place{}); err != nil {
		return err
	}
	if r.Peek(); r.Pos < len(r.Text) {
		return r.Fail(r.Pos, "%+q behind the end", r.Text[r.Pos])
	}
	return nil
}

// expected is how many keys the text can hold, close enough to make room for:
// each has a colon of its own and the text of the shortest member.
func (r *reader) expected() int {
	const shortest = len(`"":0,`)
	return min(bytes.Count(r.Text, []byte(":")), len(r.Text)/shortest)
}

// A place is where a value stands: behind which key, and beneath which others.
// The elements of an array stand where it does.
type place struct {
	key    string
	pos    int  // of the key's quote
	depth  int  // of the key's object
	kernel bool // beneath a key that chooses kernels
	words  bool // beneath a key whose strings are words of people
	module bool // a member of the types of a router, each the name of a class
}

// beneath is the place of the value of key, in an object at p.
func (p place) beneath(key []byte, pos, depth int) place {
	k := string(key)
	return place{
		key:    k,
		pos:    pos,
		depth:  depth,
		kernel: p.kernel || isKernel(k),
		words:  p.words || isWords(k),
		module: p.key == "types" && p.depth == 1 && depth == 2,
	}
}

func (r *reader) value(at place) error {
	switch begin := r.Peek(); begin {
	case '{':
		if r.depth == 1 && at.key == "weight_map" {
			return r.index.read(r)
		}
		r.container(at, begin)
		return r.plainObject(at)
	case '[':
		r.container(at, begin)
		return r.array(at)
	case '"':
		s, err := r.Str()
		if err == nil {
			r.text(at, s)
		}
		return err
	case 't':
		r.toggle(at, true, false, "true")
		return r.Word("true")
	case 'f':
		r.toggle(at, false, true, "false")
		return r.Word("false")
	case 'n':
		return r.Word("null")
	}
	n, err := r.Number()
	if err == nil {
		r.number(at, n)
	}
	return err
}

// plainObject reads an object, and judges what it is to Keras.
func (r *reader) plainObject(at place) error {
	outer := r.keras
	r.keras = kerasObject{}
	err := r.object(CodeDuplicate, func(key []byte, pos int) error {
		return r.value(at.beneath(key, pos, r.depth))
	})
	if err == nil {
		r.imports(r.keras)
	}
	r.keras = outer
	return err
}

// object reads an object of which no key occurs twice.
func (r *reader) object(twice formats.Code, member func(key []byte, pos int) error) error {
	if err := r.enter(); err != nil {
		return err
	}
	open := len(r.keys)
	err := r.Object(func(key []byte, pos int) error {
		if r.members++; r.members%checkEvery == 0 {
			if err := r.ctx.Err(); err != nil {
				return err
			}
		}
		r.keys = append(r.keys, span{pos + 1, pos + 1 + len(key)})
		return member(key, pos)
	})
	if err == nil {
		err = r.unique(r.keys[open:], twice)
	}
	r.keys = r.keys[:open]
	r.depth--
	return err
}

// unique sorts keys and finds two that are the same.
func (r *reader) unique(keys []span, twice formats.Code) error {
	slices.SortFunc(keys, func(a, b span) int {
		return cmp.Or(bytes.Compare(r.bytes(a), r.bytes(b)), cmp.Compare(a.from, b.from))
	})
	for i := 1; i < len(keys); i++ {
		if bytes.Equal(r.bytes(keys[i-1]), r.bytes(keys[i])) {
			return r.fail(twice, keys[i].from-1, "a second %s", quote(r.bytes(keys[i])))
		}
	}
	return nil
}

func (r *reader) bytes(s span) []byte { return r.Text[s.from:s.to] }

func (r *reader) array(at place) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer func() { r.depth-- }()
	first := true
	return r.Array(func() error {
		if first && r.Peek() == '"' && at.depth == 1 && r.depth == 2 {
			first = false
			return r.component(at)
		}
		first = false
		return r.value(at)
	})
}

func (r *reader) enter() error {
	if r.depth == r.lim.MaxNesting {
		return r.fail(CodeLimit, r.Pos, "values nested deeper than MaxNesting, %d", r.lim.MaxNesting)
	}
	r.depth++
	return nil
}

// quote is text of the file as a finding may show it: escaped, and not at any length.
func quote[T string | []byte](text T) string {
	const enough = 128
	if len(text) > enough {
		return formats.Quote(string(text[:enough])) + "..."
	}
	return formats.Quote(string(text))
}
