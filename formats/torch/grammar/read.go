package grammar

import (
	"cmp"
	"errors"
	"slices"
	"strconv"

	"github.com/weightgate/weightgate/formats/pickle/machine"
)

// Read reads the pickles of a checkpoint. A Form that is none is read as Plain,
// which yields no tensors. What torch would not have written is a finding of
// the Checkpoint; the error is a *machine.Error, of a stream that could not be
// read to its end, and holds what was found before it.
//
// Tensors are views as the stream states them: nobody has checked that a shape
// fits its storage, or that there is a storage of that length. Strings share
// memory with nothing but each other. Time and memory grow with the stream and
// with nothing else.
func Read(form Form, stream []byte, opt Options) (*Checkpoint, error) {
	r := &reader{
		Checkpoint: &Checkpoint{Form: form},
		opt:        opt,
		used:       map[use]int{},
		raised:     map[string]*raised{},
		tensors:    map[*machine.Call]view{},
		storages:   map[*machine.Persistent]place{},
		keys:       map[string]int{},
		seen:       map[machine.Value]bool{},
	}
	var err error
	switch form {
	case Zip:
		err = r.zip(stream)
	case Legacy:
		err = r.legacy(stream)
	default:
		r.Form = Plain
		err = r.plain(stream)
	}
	if err != nil {
		return nil, err
	}
	r.finish()
	return r.Checkpoint, nil
}

// A reader holds what the steps of Read share.
type reader struct {
	*Checkpoint
	opt  Options
	base int64 // offset of the pickle that is read

	used   map[use]int        // index into Uses
	raised map[string]*raised // by code

	tensors  map[*machine.Call]view
	storages map[*machine.Persistent]place
	keys     map[string]int // index of a storage
	seen     map[machine.Value]bool
}

type use struct {
	name string
	call bool
}

// raised is where a code was raised first, and how often more.
type raised struct{ index, more int }

// A refusal is why something is not a tensor that can be converted.
type refusal struct {
	code   string
	offset int64
	detail string
}

func refuse(code string, offset int64, detail string) *refusal {
	return &refusal{code, offset, detail}
}

// find notes a finding of the pickle that is read. Of each code the first one
// stands for all: a million tensors can have the same fault.
func (r *reader) find(f refusal) {
	if first := r.raised[f.code]; first != nil {
		first.more++
		return
	}
	r.raised[f.code] = &raised{index: len(r.Findings)}
	r.Findings = append(r.Findings, machine.Finding{Code: f.code, Offset: r.base + f.offset, Detail: f.detail})
}

// finish counts what find left out, and puts the findings in order. Unknown
// globals are dropped beside tensors only: where there are none, nothing is
// extracted, and they are denied.
func (r *reader) finish() {
	if len(r.Tensors) == 0 {
		for i := range r.Findings {
			if r.Findings[i].Code == machine.CodeGlobalDropped {
				r.Findings[i].Code = machine.CodeGlobalDenied
			}
		}
	}
	for _, first := range r.raised {
		if first.more > 0 {
			r.Findings[first.index].Detail += " (and " + strconv.Itoa(first.more) + " more)"
		}
	}
	slices.SortStableFunc(r.Findings, func(a, b machine.Finding) int { return cmp.Compare(a.Offset, b.Offset) })
}

// pickle reads the pickle at base, and moves base behind it.
func (r *reader) pickle(stream []byte) (*machine.Result, error) {
	result, err := machine.Run(stream[r.base:], r.opt.Options)
	if err != nil {
		if e, ok := errors.AsType[*machine.Error](err); ok {
			r.note(e.Uses, e.Findings)
			r.finish()
			return nil, &machine.Error{
				Code: e.Code, Offset: r.base + e.Offset, Op: e.Op, Detail: e.Detail,
				Uses: r.Uses, Findings: r.Findings,
			}
		}
		return nil, err
	}
	r.note(result.Uses, result.Findings)
	return result, nil
}

// note takes over what the machine saw.
func (r *reader) note(uses []machine.Use, findings []machine.Finding) {
	for _, u := range uses {
		key := use{u.Name, u.Call}
		if i, ok := r.used[key]; ok {
			r.Uses[i].Known = r.Uses[i].Known && u.Known
			continue
		}
		r.used[key] = len(r.Uses)
		u.Offset += r.base
		r.Uses = append(r.Uses, u)
	}
	for _, f := range findings {
		f.Offset += r.base
		r.Findings = append(r.Findings, f)
	}
}

// plain judges a pickle and lists what it holds.
func (r *reader) plain(stream []byte) error {
	result, err := r.pickle(stream)
	if err != nil {
		return err
	}
	r.Protocol = result.Protocol
	r.list(result.Value)
	r.walk(result.Value)
	r.trailing(stream, result.End)
	return nil
}

// zip reads the data.pkl of an archive.
func (r *reader) zip(stream []byte) error {
	result, err := r.pickle(stream)
	if err != nil {
		return err
	}
	r.Protocol = result.Protocol
	r.convert(result.Value)
	r.trailing(stream, result.End)
	return nil
}

// trailing refuses bytes behind the pickle. What they hold if they are a pickle
// themselves is listed too: somebody put it there.
func (r *reader) trailing(stream []byte, end int64) {
	rest := stream[end:]
	if len(rest) == 0 {
		return
	}
	r.find(refusal{CodeTrailing, end, strconv.Itoa(len(rest)) + " bytes behind the pickle"})
	result, err := machine.Run(rest, r.opt.Options)
	if e, ok := errors.AsType[*machine.Error](err); ok {
		result = &machine.Result{Uses: e.Uses, Findings: e.Findings}
	}
	if result != nil {
		r.base = end
		r.note(result.Uses, result.Findings)
	}
}
