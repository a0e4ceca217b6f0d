package hashing

import (
	"crypto/sha256"
	"hash"

	"github.com/weightgate/weightgate/policy/manifest"
)

// A Chain is the SHA-256 of one file, fed from its first byte to its last. It
// is not safe for concurrent use: there is nothing in it to share.
type Chain struct {
	h    hash.Hash
	left int64
}

// NewChain is the chain of a file of size bytes.
func NewChain(size int64) *Chain { return &Chain{h: sha256.New(), left: size} }

// Write hashes the bytes that follow those of the last call. It always returns
// len(p) and nil; bytes beyond the file's size leave the chain without digest.
func (c *Chain) Write(p []byte) (int, error) {
	c.left -= int64(len(p))
	return c.h.Write(p)
}

// Digest is the SHA-256 of the file, or ErrIncomplete if more or fewer bytes
// than its size were written.
func (c *Chain) Digest() (manifest.Digest, error) {
	if c.left != 0 {
		return manifest.Digest{}, ErrIncomplete
	}
	return manifest.Digest(c.h.Sum(nil)), nil
}
