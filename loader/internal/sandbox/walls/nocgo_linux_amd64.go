//go:build !cgo

package walls

// Threads may be started by libc: cgo, the race detector.
const cgo = false
