//go:build !unix

package loader

import "os"

// openLibrary follows links.
func openLibrary(path string) (*os.File, error) { return os.Open(path) }
