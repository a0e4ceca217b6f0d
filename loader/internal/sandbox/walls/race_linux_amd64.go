//go:build race

package walls

// Data is the limit on private memory in bytes. The race detector keeps several
// bytes for each of the program, and maps terabytes: AddressSpace is no limit.
const (
	Data         = 4 << 30
	AddressSpace = 1<<64 - 1
)
