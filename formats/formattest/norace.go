//go:build !race

package formattest

const race = false
