// Package hashing measures files: the fs-verity digest as a tree that any
// number of cores feed, and SHA-256 as the serial chain that hubs speak.
//
// The fs-verity digest is that of Linux with SHA-256, 4 KiB blocks and no salt,
// as `fsverity digest` prints it
// (https://docs.kernel.org/filesystems/fsverity.html#merkle-tree):
//
//   - The file is hashed in blocks of 4 KiB, the last one filled up with zeros.
//   - Hashes are grouped by 128 into blocks of 4 KiB, the last one of each level
//     filled up with zeros, and hashed again until one hash, the root, is left.
//   - The root of a file of one block is that block's hash, the root of an empty
//     file 32 zero bytes.
//   - The digest is the SHA-256 of a descriptor with the size and the root.
package hashing

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/weightgate/weightgate/policy/manifest"
)

const (
	// Block is the unit of the digest, in bytes.
	Block = 4096

	// Chunk is the unit of copying, hashing and scheduling, in bytes: the
	// blocks beneath one hash of level 1.
	Chunk = fan * Block

	fan = Block / sha256.Size // hashes in one block of the tree
)

// ErrIncomplete says that a digest was asked for before every byte was hashed.
var ErrIncomplete = errors.New("hashing: not every byte was hashed")

// A Tree is the fs-verity digest of one file in the making. It keeps 32 bytes
// for each chunk.
type Tree struct {
	size   int64
	chunks []manifest.Digest // level 1; zero: not hashed yet
}

// NewTree is the tree of a file of size bytes. It allocates size/16384 bytes:
// the caller has compared size with its limits before. A negative size gives a
// tree that no chunk fits and that has no digest.
func NewTree(size int64) *Tree {
	return &Tree{size: size, chunks: make([]manifest.Digest, Chunks(size))}
}

// Chunks is the number of chunks in a file of size bytes.
func Chunks(size int64) int64 {
	if size <= 0 {
		return 0
	}
	return (size-1)/Chunk + 1
}

// Size is the size of the file in bytes.
func (t *Tree) Size() int64 { return t.size }

// Bounds is where chunk i lies in the file. Its length is Chunk but for the
// last chunk, and 0 for an i that the file does not have.
func (t *Tree) Bounds(i int64) (offset int64, length int) {
	if i < 0 || i >= int64(len(t.chunks)) {
		return 0, 0
	}
	offset = i * Chunk
	return offset, int(min(Chunk, t.size-offset))
}

// Hash keeps the hash of chunk i. It is safe for concurrent use with different
// i, and allocates nothing. A chunk that the file does not have, or of another
// length than Bounds says, is not kept and leaves the tree incomplete.
func (t *Tree) Hash(i int64, chunk []byte) {
	if t.fits(i, chunk) {
		t.chunks[i] = t.level1(chunk)
	}
}

// Digest is the fs-verity digest of the file, or ErrIncomplete if a chunk was
// not hashed. It is called when all calls of Hash have returned.
func (t *Tree) Digest() (manifest.Digest, error) {
	if t.size < 0 {
		return manifest.Digest{}, ErrIncomplete
	}
	for _, h := range t.chunks {
		if h.IsZero() {
			return manifest.Digest{}, ErrIncomplete
		}
	}
	return descriptor(t.size, root(t.chunks)), nil
}

func (t *Tree) fits(i int64, chunk []byte) bool {
	_, n := t.Bounds(i)
	return n > 0 && n == len(chunk)
}

// level1 is the hash of a chunk's block of leaf hashes, or of the block itself
// where the file has no second one.
func (t *Tree) level1(chunk []byte) manifest.Digest {
	var hashes [Block]byte
	leaves(&hashes, chunk)
	if t.size <= Block {
		return manifest.Digest(hashes[:sha256.Size])
	}
	return sha256.Sum256(hashes[:])
}

// leaves writes the hash of each block of chunk, the last one filled up with
// zeros.
func leaves(hashes *[Block]byte, chunk []byte) {
	out := hashes[:0]
	for ; len(chunk) >= Block; chunk = chunk[Block:] {
		h := sha256.Sum256(chunk[:Block])
		out = append(out, h[:]...)
	}
	if len(chunk) > 0 {
		var last [Block]byte
		copy(last[:], chunk)
		h := sha256.Sum256(last[:])
		_ = append(out, h[:]...)
	}
}

// root folds the hashes of level 1 until one is left.
func root(level []manifest.Digest) manifest.Digest {
	if len(level) == 0 {
		return manifest.Digest{}
	}
	for len(level) > 1 {
		up := make([]manifest.Digest, 0, (len(level)-1)/fan+1)
		for len(level) > 0 {
			n := min(fan, len(level))
			var block [Block]byte
			out := block[:0]
			for _, h := range level[:n] {
				out = append(out, h[:]...)
			}
			up = append(up, sha256.Sum256(block[:]))
			level = level[n:]
		}
		level = up
	}
	return level[0]
}

// descriptor is the hash of struct fsverity_descriptor
// (https://docs.kernel.org/filesystems/fsverity.html#fs-verity-descriptor).
func descriptor(size int64, root manifest.Digest) manifest.Digest {
	var d [256]byte
	d[0] = 1  // version
	d[1] = 1  // SHA-256
	d[2] = 12 // log2 of the block size; the sizes of salt and signature after it are 0
	binary.LittleEndian.PutUint64(d[8:], uint64(size))
	copy(d[16:], root[:])
	return sha256.Sum256(d[:])
}
