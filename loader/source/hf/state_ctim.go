//go:build dragonfly || linux || openbsd || solaris

package hf

import (
	"io/fs"
	"syscall"
)

// changed is when a file changed: its bytes, its mode, its names.
func changed(file fs.FileInfo) (at syscall.Timespec) {
	if stat, ok := file.Sys().(*syscall.Stat_t); ok {
		at = stat.Ctim
	}
	return at
}
