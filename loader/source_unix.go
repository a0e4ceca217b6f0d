//go:build unix

package loader

import (
	"io/fs"
	"syscall"
)

// noWait makes an open return at once, whatever it opens, and take no terminal.
const noWait = syscall.O_NONBLOCK | syscall.O_NOCTTY

// hardLinks is the number of names that a file has, 0 if it is not known.
func hardLinks(info fs.FileInfo) int {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Nlink)
	}
	return 0
}
