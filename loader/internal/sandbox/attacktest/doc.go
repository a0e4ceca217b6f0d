// Package attacktest is linked into tests only. Its hook turns a copy of the
// test's program into a child as package child does, but with the walls that
// the test chooses, and with a job that tries to get out.
package attacktest
