//go:build !linux

package cli

import "errors"

// renameNew is not to be had here.
func renameNew(from, to string) error { return errors.ErrUnsupported }
