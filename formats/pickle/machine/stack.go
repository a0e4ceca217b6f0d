package machine

// push puts a value on the stack.
func (m *machine) push(v Value) {
	if len(m.stack)+len(m.marks) >= m.Limits.Stack {
		m.fail(CodeLimits, "more than "+itoa(m.Limits.Stack)+" values on the stack")
		return
	}
	m.stack = append(m.stack, v)
}

// mark puts a mark on the stack: what lies below it is out of reach until it is gone.
func (m *machine) mark() {
	if len(m.stack)+len(m.marks) >= m.Limits.Stack {
		m.fail(CodeLimits, "more than "+itoa(m.Limits.Stack)+" values on the stack")
		return
	}
	m.marks = append(m.marks, len(m.stack))
}

// above is how many values lie above the last mark.
func (m *machine) above() int {
	if len(m.marks) == 0 {
		return len(m.stack)
	}
	return len(m.stack) - m.marks[len(m.marks)-1]
}

func (m *machine) has(n int) bool {
	if m.above() < n {
		m.fail(CodeUnderflow, "the opcode needs "+itoa(n)+" values and the stack has "+itoa(m.above()))
		return false
	}
	return true
}

func (m *machine) pop() Value {
	if !m.has(1) {
		return nil
	}
	v := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return v
}

// popN takes n values off the stack; the slice is valid until the next push.
func (m *machine) popN(n int) []Value {
	if !m.has(n) {
		return nil
	}
	items := m.stack[len(m.stack)-n:]
	m.stack = m.stack[:len(m.stack)-n]
	return items
}

// unmark takes the last mark off the stack and what lies above it; the slice is
// valid until the next push.
func (m *machine) unmark() []Value {
	if len(m.marks) == 0 {
		m.fail(CodeUnderflow, "no MARK is on the stack")
		return nil
	}
	items := m.popN(m.above())
	m.marks = m.marks[:len(m.marks)-1]
	return items
}

func (m *machine) top() Value {
	if !m.has(1) {
		return nil
	}
	return m.stack[len(m.stack)-1]
}

// A memo is values by number: those of picklers follow each other, those of
// others need not.
type memo struct {
	dense  []Value
	sparse map[int64]Value
}

func (o *memo) len() int { return len(o.dense) + len(o.sparse) }

func (o *memo) get(i int64) (Value, bool) {
	if i >= 0 && i < int64(len(o.dense)) {
		return o.dense[i], true
	}
	v, ok := o.sparse[i]
	return v, ok
}

func (o *memo) put(i int64, v Value) {
	_, sparse := o.sparse[i]
	switch {
	case i < int64(len(o.dense)):
		o.dense[i] = v
	case i == int64(len(o.dense)) && !sparse:
		o.dense = append(o.dense, v)
	default:
		if o.sparse == nil {
			o.sparse = map[int64]Value{}
		}
		o.sparse[i] = v
	}
}

func (m *machine) put(i int64) {
	v := m.top()
	if i < 0 {
		m.fail(CodeArgument, "a memo entry with a negative number")
	}
	if m.err != nil {
		return
	}
	if old, ok := m.memo.get(i); !ok {
		m.entries++
	} else if !same(old, v) {
		m.find(CodeMemoAgain, "memo entry "+itoa(int(i))+" gets another value")
	}
	if m.entries > m.Limits.Memo {
		m.fail(CodeLimits, "more than "+itoa(m.Limits.Memo)+" memo entries")
		return
	}
	m.memo.put(i, v)
}

func (m *machine) get(i int64) {
	v, ok := m.memo.get(i)
	if !ok {
		m.fail(CodeMemo, "memo entry "+itoa(int(i))+" was never stored")
		return
	}
	m.push(v)
}
