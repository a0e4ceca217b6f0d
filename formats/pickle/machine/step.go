package machine

import "math"

// step does what an opcode other than STOP does. The names are those of
// CPython's Lib/pickletools.py.
func (m *machine) step(op byte) {
	switch op {
	case 0x80: // PROTO
		m.proto(int(m.number(1)))
	case 0x95: // FRAME
		m.enterFrame(m.number(8))

	case 'N': // NONE
		m.push(nil)
	case 0x88: // NEWTRUE
		m.push(true)
	case 0x89: // NEWFALSE
		m.push(false)
	case 'I': // INT
		m.push(m.textInt(m.line()))
	case 'L': // LONG
		m.push(m.textLong(m.line()))
	case 'F': // FLOAT
		m.push(m.textFloat(m.line()))
	case 'J': // BININT
		m.push(int64(int32(m.number(4))))
	case 'K': // BININT1
		m.push(int64(m.number(1)))
	case 'M': // BININT2
		m.push(int64(m.number(2)))
	case 0x8a: // LONG1
		m.push(m.long(m.counted(1)))
	case 0x8b: // LONG4
		m.push(m.long(m.signed()))
	case 'G': // BINFLOAT
		m.push(math.Float64frombits(m.bigEndian(m.take(8))))

	case 'S': // STRING
		m.push(m.textString(m.line()))
	case 'T': // BINSTRING
		m.pushBytes(m.signed(), true)
	case 'U': // SHORT_BINSTRING
		m.pushBytes(m.counted(1), true)
	case 'V': // UNICODE
		m.pushStr(m.textUnicode(m.line()))
	case 'X': // BINUNICODE
		m.pushStr(m.utf8(m.counted(4)))
	case 0x8c: // SHORT_BINUNICODE
		m.pushStr(m.utf8(m.counted(1)))
	case 0x8d: // BINUNICODE8
		m.pushStr(m.utf8(m.counted(8)))
	case 'B': // BINBYTES
		m.pushBytes(m.counted(4), false)
	case 'C': // SHORT_BINBYTES
		m.pushBytes(m.counted(1), false)
	case 0x8e: // BINBYTES8
		m.pushBytes(m.counted(8), false)
	case 0x96: // BYTEARRAY8
		m.pushByteArray(m.counted(8))
	case 0x97: // NEXT_BUFFER
		m.find(CodeBuffer, "data outside the stream")
		m.push(&Persistent{Offset: int64(m.op)})
	case 0x98: // READONLY_BUFFER
		m.find(CodeBuffer, "a buffer is made read-only")
		m.top()

	case '(': // MARK
		m.mark()
	case '0': // POP: of a value, or of a mark where nothing lies above it
		if m.above() == 0 && len(m.marks) > 0 {
			m.unmark()
			return
		}
		m.pop()
	case '1': // POP_MARK
		m.unmark()
	case '2': // DUP
		m.push(m.top())

	case 'p': // PUT
		m.put(m.textIndex(m.line()))
	case 'q': // BINPUT
		m.put(int64(m.number(1)))
	case 'r': // LONG_BINPUT
		m.put(int64(m.number(4)))
	case 0x94: // MEMOIZE
		m.put(int64(m.memo.len()))
	case 'g': // GET
		m.get(m.textIndex(m.line()))
	case 'h': // BINGET
		m.get(int64(m.number(1)))
	case 'j': // LONG_BINGET
		m.get(int64(m.number(4)))

	case ')': // EMPTY_TUPLE
		m.push(m.empty)
	case 0x85, 0x86, 0x87: // TUPLE1, TUPLE2, TUPLE3
		m.push(m.tuple(m.popN(int(op) - 0x84)))
	case 't': // TUPLE
		m.push(m.tuple(m.unmark()))
	case ']': // EMPTY_LIST
		m.push(&List{})
	case 'l': // LIST
		m.push(m.list(m.unmark()))
	case '}': // EMPTY_DICT
		m.push(&Dict{})
	case 'd': // DICT
		d := &Dict{}
		m.setItems(d, m.unmark())
		m.push(d)
	case 0x8f: // EMPTY_SET
		m.push(&Set{})
	case 0x91: // FROZENSET
		set := &Set{}
		m.addItems(set, m.unmark())
		set.Frozen = true
		m.push(set)
	case 'a': // APPEND
		items := m.popN(1)
		m.appendItems(m.top(), items)
	case 'e': // APPENDS
		items := m.unmark()
		m.appendItems(m.top(), items)
	case 's': // SETITEM
		items := m.popN(2)
		m.setItems(m.top(), items)
	case 'u': // SETITEMS
		items := m.unmark()
		m.setItems(m.top(), items)
	case 0x90: // ADDITEMS
		items := m.unmark()
		m.addItems(m.top(), items)

	case 'c': // GLOBAL
		module, name := m.line(), m.line()
		m.push(m.global(m.names(module, name, isUTF8)))
	case 0x93: // STACK_GLOBAL
		m.stackGlobal()
	case 0x82: // EXT1
		m.extension(int64(m.number(1)))
	case 0x83: // EXT2
		m.extension(int64(m.number(2)))
	case 0x84: // EXT4
		m.extension(int64(int32(m.number(4))))
	case 'P': // PERSID
		m.find(CodePersID, "a persistent id as text")
		m.persistent(Str(m.ascii(m.line())))
	case 'Q': // BINPERSID
		m.persistent(m.pop())

	case 'R': // REDUCE
		args, fn := m.pop(), m.pop()
		m.reduce(fn, args)
	case 'i': // INST
		module, name := m.line(), m.line()
		fn := m.global(m.names(module, name, isASCII))
		m.instantiate(fn, m.unmark())
	case 'o': // OBJ
		items := m.unmark()
		if len(items) == 0 {
			m.fail(CodeUnderflow, "OBJ without a class")
			return
		}
		m.instantiate(items[0], items[1:])
	case 0x81: // NEWOBJ
		args, class := m.pop(), m.pop()
		m.construct(class, args, nil)
	case 0x92: // NEWOBJ_EX
		kwargs, args, class := m.pop(), m.pop(), m.pop()
		m.construct(class, args, kwargs)
	case 'b': // BUILD
		state := m.pop()
		m.build(m.top(), state)

	default:
		m.fail(CodeOpcode, "no opcode")
	}
}

// proto takes the protocol, which stands once and in front.
func (m *machine) proto(version int) {
	if m.op != 0 {
		m.find(CodeProto, "a protocol is named again, or not in front")
	}
	if version > 5 {
		m.find(CodeProto, "protocol "+itoa(version)+" is unknown")
	}
	m.protocol = version
}

// enterFrame takes the length of a frame: of the opcodes that follow, of which
// none may cross its end.
func (m *machine) enterFrame(size uint64) {
	if m.frame > 0 {
		m.find(CodeFrame, "a frame begins within another")
	}
	if size > uint64(len(m.in)-m.at) {
		m.find(CodeFrame, "a frame ends behind the stream")
		m.frame = 0
		return
	}
	m.frame = m.at + int(size)
}

// leaveFrame ends the frame if the opcode before reached its end.
func (m *machine) leaveFrame() {
	if m.frame > 0 && m.at > m.frame {
		m.find(CodeFrame, "an opcode crosses the end of its frame")
	}
	if m.at >= m.frame {
		m.frame = 0
	}
}
