package walls

// A Report is the first that a child says: which walls stand. It is believed
// because it is said before anything hostile was read, and only together with
// what the kernel shows of the child.
type Report struct {
	ABI   uint32        // of Landlock
	Errno [Count]uint32 // by [Wall]; zero: it stands
}

// Absent is the error of a wall that nobody asked for.
const Absent = ^uint32(0)

const greeting = "weightgate.wall1"

// ReportSize is the length of every report in bytes.
const ReportSize = len(greeting) + 4 + 4*Count

// Append writes the report.
func (r Report) Append(dst []byte) []byte {
	dst = append(dst, greeting...)
	dst = appendWord(dst, r.ABI)
	for _, e := range r.Errno {
		dst = appendWord(dst, e)
	}
	return dst
}

// ParseReport reads the ReportSize bytes that Append wrote.
func ParseReport(b []byte) (r Report, ok bool) {
	if len(b) != ReportSize || string(b[:len(greeting)]) != greeting {
		return Report{}, false
	}
	b = b[len(greeting):]
	r.ABI = word(b)
	for i := range r.Errno {
		r.Errno[i] = word(b[4+4*i:])
	}
	return r, true
}

// Stands says whether all these walls stand.
func (r Report) Stands(walls ...Wall) bool {
	for _, w := range walls {
		if r.Errno[w] != 0 {
			return false
		}
	}
	return true
}

func appendWord(b []byte, n uint32) []byte {
	return append(b, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
}

func word(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}
