package machine

import "unsafe"

// Run reads one pickle, from the start of stream to its STOP. On error, an
// *Error, the result is nil.
//
// The result shares the memory of stream, which must not change as long as the
// result is used. Run keeps no state: it is safe for concurrent use.
func Run(stream []byte, opt Options) (*Result, error) {
	m := &machine{
		cursor: cursor{in: unsafe.String(unsafe.SliceData(stream), len(stream))},
		rules:  opt.Rules, extract: opt.Unknown == Extract,
		budget: &budget{Limits: opt.Limits.withDefaults(), pairs: len(stream) / leastPair},
		report: &report{origin: -1},
		empty:  &Tuple{},
	}
	root := m.run()
	m.report.sort()
	if m.err != nil {
		m.err.Uses, m.err.Findings = m.report.uses, m.report.findings
		return nil, m.err
	}
	return &Result{
		Value: root, End: int64(m.at), Protocol: m.protocol, Ops: m.ops,
		Uses: m.report.uses, Findings: m.report.findings,
	}, nil
}

// A machine follows one stream. The first thing that fails is kept in err; what
// is done after it until the opcode ends has no effect that anyone sees.
type machine struct {
	cursor
	stack   []Value
	marks   []int // for each MARK, how many values lie below it
	memo    memo
	rules   *Rules
	extract bool

	protocol int
	frame    int // where the current frame ends, 0: in none
	ops      int
	calls    []*Call // all that were made, as globals and outside, to see at the end what of them is used
	globals  []*Global
	outside  []*Persistent
	refused  []Value // what was put where it has no place: that was found, and it is not left out besides
	nesting  int     // how many streams this one lies in
	empty    *Tuple
	*budget
	*report
}

// A budget is what a stream and those nested in it may spend.
type budget struct {
	Limits
	steps   int
	entries int // of memos
	decoded int // bytes
	pairs   int // that calls may still copy: a stream writes as many
}

// leastPair is how many bytes of a stream a pair takes at least, where many have
// a key of their own.
const leastPair = 4

// run is the value that STOP leaves, or nil with err set.
func (m *machine) run() Value {
	for m.err == nil {
		m.op, m.opcode = m.at, 0
		if m.at == len(m.in) {
			m.fail(CodeTruncated, "the stream ends without STOP")
			break
		}
		m.opcode = m.in[m.at]
		m.at++
		m.ops++
		m.spend(1)
		if m.opcode == '.' {
			return m.stop()
		}
		m.step(m.opcode)
		m.leaveFrame()
	}
	return nil
}

// stop ends the stream.
func (m *machine) stop() Value {
	root := m.pop()
	if m.err != nil {
		return nil
	}
	if len(m.stack) > 0 || len(m.marks) > 0 {
		m.find(CodeStack, itoa(len(m.stack))+" values and "+itoa(len(m.marks))+" marks are left besides the result")
	}
	if m.frame > m.at {
		m.find(CodeFrame, "the stream ends before its frame")
	}
	m.unused(root)
	return root
}

// spend takes steps from the budget of opcodes.
func (m *machine) spend(steps int) {
	if m.steps += steps; m.steps > m.Limits.Ops {
		m.fail(CodeLimits, "more than "+itoa(m.Limits.Ops)+" opcodes")
	}
}

// keep takes the bytes of what was decoded from the budget of strings.
func (m *machine) keep(size int) {
	if m.decoded += size; m.decoded > m.Limits.Strings {
		m.fail(CodeLimits, "more than "+itoa(m.Limits.Strings)+" bytes of strings and numbers")
	}
}

// find adds a finding at the current opcode.
func (m *machine) find(code, detail string) {
	if m.err == nil {
		m.report.find(code, int64(m.op), detail)
	}
}
