//go:build !unix

package hf

import "io/fs"

// isPrivate is not looked at: the directory's access list says it.
func isPrivate(fs.FileInfo) bool { return true }

// hasOtherName is not looked at: a fs.FileInfo does not say.
func hasOtherName(fs.FileInfo) bool { return false }
