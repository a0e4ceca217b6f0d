// Package walls is what a child puts up around itself before it reads a byte of
// what it cannot trust: resource limits, no privileges, Landlock, a seccomp
// filter. It runs before the packages of the host are initialised and imports
// nothing that needs an operating system but syscall.
package walls

// A Wall is one of them. Its number is its place in a [Report].
type Wall uint8

const (
	Limits     Wall = iota // resource limits, and no descriptors but the four
	Privileges             // no capabilities and none to gain, no tracer, no life after the parent
	Pages                  // what was written is never made executable
	Landlock               // no files, no TCP, no signals and sockets to the outside
	Seccomp                // a list of system calls, on all threads
	count
)

var names = [count]string{"limits", "privileges", "pages", "landlock", "seccomp"}

func (w Wall) String() string { return names[w] }

// Count is the number of walls.
const Count = int(count)

// A Set is some of them.
type Set uint8

// All of them is what stands around a child outside of tests.
const All = Set(1<<count - 1)

// Of is the set of these walls.
func Of(walls ...Wall) (s Set) {
	for _, w := range walls {
		s |= 1 << w
	}
	return s
}

// Has says whether w is among them.
func (s Set) Has(w Wall) bool { return s>>w&1 == 1 }
