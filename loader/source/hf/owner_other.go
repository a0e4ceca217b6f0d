//go:build !unix

package hf

import "io/fs"

// noWait is nothing: files are opened only after a look at what they are.
const noWait = 0

// isPrivate is not looked at: the access list says it.
func isPrivate(fs.FileInfo) bool { return true }

// hasOtherName is not looked at: a fs.FileInfo does not say.
func hasOtherName(fs.FileInfo) bool { return false }
