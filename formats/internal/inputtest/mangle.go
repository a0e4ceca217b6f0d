package inputtest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// mostMangled is how long a sample may be, in bytes, to be mangled.
const mostMangled = 4 << 10

// Mangle cuts every short sample at every byte, flips each of its bits, and adds
// one to each byte or takes one away. check judges what comes of it, which it
// does not keep, and reports whether it was accepted. A prefix of what is
// accepted must not be; of the changed ones Mangle counts both.
func Mangle(t *testing.T, samples map[string][]byte, check func(require.TestingT, []byte) bool) (accepted, refused int) {
	t.Helper()
	for name, data := range samples {
		if len(data) > mostMangled {
			continue
		}
		good := check(t, data)
		for n := range data {
			if check(mangled{t, name, n}, data[:n]) && good {
				require.Fail(t, "a prefix is accepted", "%d bytes of %s", n, name)
			}
		}
		for i, was := range data {
			for _, changed := range []byte{was ^ 1, was ^ 2, was ^ 4, was ^ 8, was ^ 16, was ^ 32, was ^ 64, was ^ 128, was + 1, was - 1} {
				data[i] = changed
				if check(mangled{t, name, i}, data) {
					accepted++
				} else {
					refused++
				}
			}
			data[i] = was
		}
	}
	return accepted, refused
}

// mangled tells which byte a failure came from.
type mangled struct {
	*testing.T
	name string
	at   int
}

func (m mangled) Errorf(format string, args ...any) {
	m.T.Helper()
	m.T.Errorf("byte %d of %s: %s", m.at, m.name, fmt.Sprintf(format, args...))
}
