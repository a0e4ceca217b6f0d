//go:build race

package walls

// Data is the limit on private memory in bytes. The race detector keeps several
// bytes for each of the program.
const Data = 4 << 30
