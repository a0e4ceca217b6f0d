package walls

import (
	"strconv"
	"strings"
)

// An Order is what a parent tells its child, in the environment.
type Order struct {
	CPU   uint64 // seconds of processor time
	Alone bool   // nobody else's threads count against the child's user
	User  uint64 // what the child makes itself; zero: it stays what it is

	// What a child tells itself when it executes itself again.
	Inside   bool
	Landlock uint64 // the error that Landlock was refused with
}

// String is what ParseOrder reads.
func (o Order) String() string {
	var b []byte
	for _, n := range [...]uint64{o.CPU, bit(o.Alone), o.User, bit(o.Inside)} {
		b = append(strconv.AppendUint(b, n, 10), '.')
	}
	return string(strconv.AppendUint(b, o.Landlock, 10))
}

// ParseOrder reads an order that String wrote.
func ParseOrder(s string) (o Order, ok bool) {
	var n [5]uint64
	for i := range n {
		word, rest, _ := strings.Cut(s, ".")
		v, err := strconv.ParseUint(word, 10, 32)
		if err != nil {
			return Order{}, false
		}
		n[i], s = v, rest
	}
	o = Order{CPU: n[0], Alone: n[1] == 1, User: n[2], Inside: n[3] == 1, Landlock: n[4]}
	return o, s == "" && o.CPU > 0 // of zero the kernel makes one
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
