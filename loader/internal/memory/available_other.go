//go:build !linux

package memory

// Available is false: this system is not asked.
func Available() (int64, bool) { return 0, false }
