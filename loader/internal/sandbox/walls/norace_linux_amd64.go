//go:build !race

package walls

// Data is the limit on private memory in bytes, AddressSpace that on all that is
// mapped: it bounds the page tables, which nothing else counts.
const (
	Data         = 3 * Heap
	AddressSpace = 4 << 30
)
