//go:build !unix

package loader

import "io/fs"

// noWait is nothing: files are opened only after a look at what they are.
const noWait = 0

// hardLinks is 0: the number of names that a file has is not known.
func hardLinks(fs.FileInfo) int { return 0 }
