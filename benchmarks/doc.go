// Package benchmarks measures the line from a file to a model and to a session
// against what it is held against: loads that verify nothing, digests that are
// taken before a load, the speed of SHA-256 itself, and the programs of others.
// All of it lies in test files; README.md says how to run it and how to read it.
package benchmarks
