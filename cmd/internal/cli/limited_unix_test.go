//go:build unix

package cli_test

import (
	"os/signal"
	"syscall"
)

// addLimited adds weightgate as it runs where files can take 100 bytes: a lock
// has more.
func addLimited(commands map[string]func()) {
	commands["weightgate-on-full-disk"] = func() {
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 100, Max: 100}); err != nil {
			panic(err)
		}
		weightgate()
	}
}
