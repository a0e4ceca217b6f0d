//go:build !race

package walls

// Data is the limit on private memory in bytes.
const Data = 3 * Heap
