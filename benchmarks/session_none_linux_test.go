//go:build !cgo

package benchmarks

// Sessions need cgo.
func sessionWays() []way   { return nil }
func sessionPeers() []peer { return nil }
