package hf

import (
	"io/fs"
	"os"
)

// sameState reports whether a file is what it was, and nothing of it changed.
func sameState(a, b fs.FileInfo) bool { return sameContent(a, b) && changed(a) == changed(b) }

// sameContent does so of a file that was given another name in between.
func sameContent(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
