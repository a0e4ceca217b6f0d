//go:build !unix

package cli

import (
	"io"
	"io/fs"
	"os"
)

// lockDir keeps nobody out here: files that are open cannot be removed.
func lockDir(*os.Root) (io.Closer, error) { return io.NopCloser(nil), nil }

// private does not ask: who may write to a directory is no part of its mode here.
func private(fs.FileInfo) bool { return true }

// syncDir does nothing: directories cannot be synced here.
func syncDir(func(string) (*os.File, error), string) error { return nil }
