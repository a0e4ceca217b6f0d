//go:build !cgo

package benchmarks

func sessionWays() []way { return nil } // sessions need cgo
