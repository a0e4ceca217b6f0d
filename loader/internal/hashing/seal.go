package hashing

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
)

// SealSize is what is kept for each chunk, in bytes.
const SealSize = 16

// Seals tell whether a chunk that is read a second time is the one that was
// hashed. A seal is a GMAC (NIST SP 800-38D) under a key that ends with the
// Seals and never leaves them: who writes to the file can only guess, and a wrong
// guess ends the load. A check costs a fraction of hashing the chunk.
type Seals struct {
	gcm  cipher.AEAD
	tags [][SealSize]byte // by chunk
}

// NewSeals are those of a file of size bytes; the empty file has one chunk.
func NewSeals(size int64) *Seals {
	key := make([]byte, 32)
	rand.Read(key) // never fails
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // of the key's length
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // of the block's
	}
	return &Seals{gcm, make([][SealSize]byte, max(1, Chunks(size)))}
}

// Seal seals chunk i, once: no nonce is used twice. It is safe for concurrent
// use with different i.
func (s *Seals) Seal(i int64, chunk []byte) {
	copy(s.tags[i][:], s.gcm.Seal(nil, nonce(i), nil, chunk))
}

// Verify reports whether chunk is what Seal was given as chunk i.
func (s *Seals) Verify(i int64, chunk []byte) bool {
	_, err := s.gcm.Open(nil, nonce(i), s.tags[i][:], chunk)
	return err == nil
}

func nonce(i int64) []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint64(nil, uint64(i)), 0) // of 12 bytes
}
