package onnx

import (
	"math"
	"math/bits"
)

// A number is a dimension, or an element of a tensor that becomes one, as far as
// it is known before a run. The zero number may be anything.
type number struct {
	state numberState
	v     int64
}

type numberState uint8

const (
	anything numberState = iota // a runtime may know it when it creates a session, we do not
	known                       // v
	atMost                      // some number from 0 to v that a runtime may know
	onlyRun                     // only a run knows it
)

func is(v int64) number     { return number{known, v} }
func upTo(v int64) number   { return number{atMost, v} }
func (n number) open() bool { return n.state == onlyRun }

// combine is what is known of f(a, b), where f is exact on known numbers and
// false where it has no result.
func combine(a, b number, f func(a, b int64) (int64, bool)) number {
	switch {
	case a.state == known && b.state == known:
		if v, ok := f(a.v, b.v); ok {
			return is(v)
		}
		return number{}
	case a.open() || b.open():
		return number{state: onlyRun} // whatever the other one is
	}
	return number{}
}

func plus(a, b number) number {
	if a.bounded() && b.bounded() && (a.state == atMost || b.state == atMost) {
		if v, ok := addInt(a.v, b.v); ok && a.v >= 0 && b.v >= 0 {
			return upTo(v)
		}
	}
	return combine(a, b, addInt)
}

func times(a, b number) number {
	if a.bounded() && b.bounded() && (a.state == atMost || b.state == atMost) {
		if v, ok := mulInt(a.v, b.v); ok && a.v >= 0 && b.v >= 0 {
			return upTo(v)
		}
	}
	return combine(a, b, mulInt)
}

// bounded reports whether v bounds the number from above.
func (n number) bounded() bool { return n.state == known || n.state == atMost }

// largest is a number that bounds all of them.
func largest(numbers ...number) number {
	most := is(0)
	for _, n := range numbers {
		if !n.bounded() {
			return number{}
		}
		if n.v > most.v {
			most = n
		}
	}
	return most
}

// product of dimensions; is(1) for a scalar.
func product(dims []number) number {
	p := is(1)
	for _, d := range dims {
		p = times(p, d)
	}
	return p
}

// either is what is known of a number that is a or b, whoever decides it.
func either(a, b number) number {
	switch {
	case a == b:
		return a
	case a.bounded() && b.bounded() && a.v >= 0 && b.v >= 0:
		return upTo(max(a.v, b.v))
	}
	return number{}
}

func addInt(a, b int64) (int64, bool) {
	c := a + b
	return c, (c > a) == (b > 0)
}

func subInt(a, b int64) (int64, bool) {
	c := a - b
	return c, (c < a) == (b > 0)
}

func mulInt(a, b int64) (int64, bool) {
	negative := (a < 0) != (b < 0)
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	if hi != 0 || lo > math.MaxInt64 {
		return 0, false
	}
	if negative {
		return -int64(lo), true
	}
	return int64(lo), true
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return uint64(-(a + 1)) + 1
	}
	return uint64(a)
}

func divInt(a, b int64) (int64, bool) {
	if b == 0 || a == math.MinInt64 {
		return 0, false
	}
	return a / b, true
}

// modInt leaves out negative numbers, whose remainder depends on fmod.
func modInt(a, b int64) (int64, bool) {
	if a < 0 || b <= 0 {
		return 0, false
	}
	return a % b, true
}
