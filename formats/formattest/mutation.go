package formattest

import (
	"fmt"
	"slices"
)

// exhaustive is the size in bytes up to which every mutant of a file is tried.
const exhaustive = 4 << 10

// How many mutants are tried where not all are: of large files, and by tests
// that have no time.
const (
	sampled = 4096
	hasty   = 256
)

// A mutation is one small change of a file.
type mutation struct {
	at    int
	flip  byte // bits of the byte at
	delta int  // to the integer of width bytes at
	width int
	big   bool // big-endian
} // neither flip nor delta: cut at

func (m mutation) String() string {
	switch {
	case m.flip != 0:
		return fmt.Sprintf("byte %d ^ %#02x", m.at, m.flip)
	case m.delta == 0:
		return fmt.Sprintf("cut to %d bytes", m.at)
	}
	order := "little"
	if m.big {
		order = "big"
	}
	return fmt.Sprintf("u%d at %d %+d, %s-endian", m.width*8, m.at, m.delta, order)
}

// apply is file with the change, in room.
func (m mutation) apply(room, file []byte) []byte {
	room = append(room[:0], file...)
	switch {
	case m.flip != 0:
		room[m.at] ^= m.flip
	case m.delta == 0:
		return room[:m.at]
	default:
		m.add(room[m.at : m.at+m.width])
	}
	return room
}

// add adds to the integer b, modulo its width.
func (m mutation) add(b []byte) {
	for i := range b {
		if m.big {
			i = len(b) - 1 - i
		}
		b[i] += byte(m.delta)
		if !carries(b[i]-byte(m.delta), m.delta) {
			return
		}
	}
}

// carries reports whether adding delta to b changes the next byte too.
func carries(b byte, delta int) bool { return delta > 0 && b == 0xff || delta < 0 && b == 0 }

// mutations are all changes of file, by where they begin. An integer of more
// than one byte that is changed without a carry is changed as one of one byte
// is, and left out.
func mutations(file []byte) []mutation {
	var all []mutation
	for at, b := range file {
		all = append(all, mutation{at: at})
		for bit := range 8 {
			all = append(all, mutation{at: at, flip: 1 << bit})
		}
		all = append(all, mutation{at: at, flip: 0xff})
		for _, delta := range []int{1, -1} {
			all = append(all, mutation{at: at, delta: delta, width: 1})
			if !carries(b, delta) {
				continue
			}
			for _, width := range []int{2, 4, 8} {
				if at+width <= len(file) {
					all = append(all, mutation{at: at, delta: delta, width: width})
				}
				if first := at - width + 1; first >= 0 {
					all = append(all, mutation{at: first, delta: delta, width: width, big: true})
				}
			}
		}
	}
	return all
}

// chosen is the mutations that are tried of a file.
func (t Terms) chosen(file []byte) []mutation {
	all := mutations(file)
	n := t.Mutants
	switch {
	case n == 0 && hurried():
		n = hasty
	case n == 0 && len(file) > exhaustive:
		n = sampled
	case n == 0:
		return all
	}
	return spread(all, n)
}

// spread is n of all, evenly.
func spread[T any](all []T, n int) []T {
	if len(all) <= n {
		return all
	}
	some := make([]T, 0, n)
	for i := range n {
		some = append(some, all[i*len(all)/n])
	}
	return slices.Clip(some)
}
