package plan

import (
	"github.com/weightgate/weightgate/formats/pickle/machine"
	"github.com/weightgate/weightgate/formats/torch/grammar"
)

// A Job is what the child is asked to read. The stream follows it.
type Job struct {
	Form    grammar.Form
	Packs   []string // names of machine's packs
	Unknown machine.Unknown
	Root    string
	Limits  machine.Limits
}

const (
	jobVersion = "weightgate.job/1\n"
	maxJob     = 64 << 10 // bytes
	maxPacks   = 64
)

// Append appends the job as the child reads it.
func (j Job) Append(dst []byte) []byte {
	var w writer
	w.u8(uint8(j.Form))
	w.u8(uint8(j.Unknown))
	w.str(j.Root)
	w.u32(uint32(len(j.Packs)))
	for _, name := range j.Packs {
		w.str(name)
	}
	for _, n := range limitFields(&j.Limits) {
		w.i64(int64(*n))
	}
	out := writer(append(dst, jobVersion...))
	out.str(string(w))
	return out
}

// decodeJob takes a job off input.
func decodeJob(input []byte) (Job, []byte, *Error) {
	version, rest := cut(input, len(jobVersion))
	if string(version) != jobVersion {
		return Job{}, nil, &Error{0, "the job is of another version"}
	}
	outer := reader{rest: rest}
	r := reader{rest: []byte(outer.str(maxJob)), bad: outer.bad}
	j := Job{Form: grammar.Form(r.u8()), Unknown: machine.Unknown(r.flags(1)), Root: r.str(MaxName)}
	n := r.u32()
	r.bad = r.bad || n > maxPacks
	for range n {
		if r.bad {
			break
		}
		j.Packs = append(j.Packs, r.str(MaxText))
	}
	for _, field := range limitFields(&j.Limits) {
		*field = int(r.natural())
	}
	if !r.done() || j.Form < grammar.Plain || j.Form > grammar.Legacy {
		return Job{}, nil, &Error{0, "the job is not well formed"}
	}
	return j, outer.rest, nil
}

func cut(b []byte, n int) (head, tail []byte) {
	n = min(n, len(b))
	return b[:n], b[n:]
}

// limitFields are the fields of l in the order of their encoding.
func limitFields(l *machine.Limits) []*int {
	return []*int{&l.Ops, &l.Memo, &l.Stack, &l.Depth, &l.Strings}
}
