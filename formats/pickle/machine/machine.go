package machine

// Unknown says what becomes of a global that no pack has. The zero Unknown denies.
type Unknown uint8

const (
	Deny    Unknown = iota // a finding that refuses
	Extract                // an opaque object, listed: its call is recorded and means nothing
)

// Options are what a stream is judged by. The zero Options know no global.
type Options struct {
	Rules   *Rules // nil: no pack, every global is unknown
	Unknown Unknown
	Limits  Limits
}

// Limits bound one Run. A zero field means its default.
type Limits struct {
	Ops     int // opcodes, of nested streams too; long keys count as several. Default 50,000,000
	Memo    int // entries of the memo. Default 4,000,000
	Stack   int // values on the stack, marks included. Default 1,000,000
	Depth   int // containers in containers, as they are filled. Default 256
	Strings int // bytes of strings and numbers that had to be decoded. Default 256 MiB
}

func (l Limits) withDefaults() Limits {
	orDefault := func(v, def int) int {
		if v <= 0 {
			return def
		}
		return v
	}
	return Limits{
		Ops:     orDefault(l.Ops, 50_000_000),
		Memo:    orDefault(l.Memo, 4_000_000),
		Stack:   orDefault(l.Stack, 1_000_000),
		Depth:   orDefault(l.Depth, 256),
		Strings: orDefault(l.Strings, 256<<20),
	}
}

// A Use is one place where a stream names a global or calls something.
type Use struct {
	Name   string // module and name, joined by a dot and cut where they are overlong
	Offset int64
	Call   bool // the place calls it; else it only names it
	Known  bool // a pack has it, and wherever it is called, with the arguments there
}

// A Finding is something that the stream holds and should not, or that people
// should know.
type Finding struct {
	Code   string
	Offset int64
	Detail string
}

// A Result is what a stream holds.
type Result struct {
	Value    Value
	End      int64 // offset behind STOP
	Protocol int
	Ops      int
	Uses     []Use     // each distinct name once for naming and once for calling, at its first place
	Findings []Finding // in the order of the stream, each distinct detail once
}

// An Error says that a stream could not be read to its end. It is never a pass.
type Error struct {
	Code   string
	Offset int64 // of the opcode
	Op     byte
	Detail string

	// What was seen before.
	Uses     []Use
	Findings []Finding
}

func (e *Error) Error() string { return e.Code + ": " + e.Detail }
