package plan

import "unicode/utf8"

// A writer appends fields.
type writer []byte

func (w *writer) u8(v uint8) { *w = append(*w, v) }

func (w *writer) u32(v uint32) {
	*w = append(*w, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
}

func (w *writer) i64(v int64) {
	w.u32(uint32(v))
	w.u32(uint32(v >> 32))
}

func (w *writer) str(s string) {
	w.u32(uint32(len(s)))
	*w = append(*w, s...)
}

// text is a string for people: in UTF-8, and not longer than MaxText.
func (w *writer) text(s string) { w.str(clip(s)) }

// flag is bit if set.
func flag(set bool, bit uint8) uint8 {
	if set {
		return bit
	}
	return 0
}

// clip is s up to MaxText bytes, and up to what is not UTF-8.
func clip(s string) string {
	for i, r := range s {
		size := utf8.RuneLen(r)
		if r == utf8.RuneError {
			_, size = utf8.DecodeRuneInString(s[i:])
		}
		if i+size > MaxText || r == utf8.RuneError && size == 1 {
			return s[:i]
		}
	}
	return s
}

// A reader takes fields off; once something is missing or wrong it is bad, and
// everything it gives is zero.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.rest) {
		r.bad = true
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) u8() uint8 {
	b := r.take(1)
	if b == nil {
		return 0
	}
	return b[0]
}

func (r *reader) u32() uint32 {
	b := r.take(4)
	if b == nil {
		return 0
	}
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

func (r *reader) i64() int64 {
	low := r.u32()
	return int64(low) | int64(r.u32())<<32
}

// natural is an integer that is not negative.
func (r *reader) natural() int64 {
	v := r.i64()
	r.bad = r.bad || v < 0
	return v
}

// flags are bits, of which nothing but allowed may be set.
func (r *reader) flags(allowed uint8) uint8 {
	v := r.u8()
	r.bad = r.bad || v&^allowed != 0
	return v
}

// str is a string of that many bytes at most.
func (r *reader) str(most int) string {
	n := r.u32()
	if n > uint32(most) {
		r.bad = true
	}
	return string(r.take(int(n)))
}

// text is a string for people.
func (r *reader) text() string {
	s := r.str(MaxText)
	r.bad = r.bad || !utf8.ValidString(s)
	return s
}

func (r *reader) int64s(n int) []int64 {
	if r.bad || n > len(r.rest)/8 {
		r.bad = true
		return nil
	}
	if n == 0 {
		return nil
	}
	v := make([]int64, n)
	for i := range v {
		v[i] = r.i64()
	}
	return v
}

// done reports whether all fields were there, and nothing else.
func (r *reader) done() bool { return !r.bad && len(r.rest) == 0 }
