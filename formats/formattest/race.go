//go:build race

package formattest

const race = true
