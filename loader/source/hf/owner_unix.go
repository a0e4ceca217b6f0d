//go:build unix

package hf

import (
	"io/fs"
	"os"
	"syscall"
)

// noWait makes an open return at once, whatever it opens, and take no terminal.
const noWait = syscall.O_NONBLOCK | syscall.O_NOCTTY

// isPrivate reports whether nobody but this process's user, and root, may write
// to a file or in a directory.
func isPrivate(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && privateTo(os.Geteuid(), int(stat.Uid), info.Mode())
}

func privateTo(user, owner int, mode fs.FileMode) bool {
	return (owner == user || owner == 0) && mode.Perm()&0o022 == 0
}

// hasOtherName reports whether a file can be written to by another name.
func hasOtherName(file fs.FileInfo) bool {
	stat, ok := file.Sys().(*syscall.Stat_t)
	return !ok || stat.Nlink > 1
}
