package walls

import _ "unsafe" // for go:linkname

// startTimers makes the runtime open its poller, which the first timer needs.
// Otherwise that is the collector's, after some collections, and it would find
// no descriptor left.
func startTimers() { sleep(1) }

// Package time would have to be initialised before the hook, and with it every
// package of the host that needs no more than time.
//
//go:linkname sleep time.Sleep
func sleep(ns int64)
