package benchmarks

import (
	"crypto/sha256"
	"encoding/binary"
)

const block = 4096

// fsverity is the fs-verity digest of a file
// (https://docs.kernel.org/filesystems/fsverity.html#merkle-tree), as plainly as
// it can be written: crypto/sha256 over blocks, on all cores.
func fsverity(b []byte) ([sha256.Size]byte, error) {
	level := make([]byte, (len(b)+chunk-1)/chunk*sha256.Size)
	err := inChunks(len(b), func(from, to int) error {
		var leaves [block]byte
		hashBlocks(leaves[:], b[from:to])
		h := sha256.Sum256(leaves[:])
		copy(level[from/chunk*sha256.Size:], h[:])
		return nil
	})
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	if len(b) <= block {
		hashBlocks(level, b) // the tree of one block is its hash
	}
	for len(level) > sha256.Size {
		up := make([]byte, (len(level)+block-1)/block*sha256.Size)
		hashBlocks(up, level)
		level = up
	}
	descriptor := [256]byte{0: 1, 1: 1, 2: 12} // version, SHA-256, log2 of the block size
	binary.LittleEndian.PutUint64(descriptor[8:], uint64(len(b)))
	copy(descriptor[16:], level)
	return sha256.Sum256(descriptor[:]), nil
}

// hashBlocks writes the hash of each block of b, the last one filled up with
// zeros.
func hashBlocks(hashes, b []byte) {
	for ; len(b) >= block; b = b[block:] {
		h := sha256.Sum256(b[:block])
		hashes = hashes[copy(hashes, h[:]):]
	}
	if len(b) > 0 {
		var last [block]byte
		copy(last[:], b)
		h := sha256.Sum256(last[:])
		copy(hashes, h[:])
	}
}
