// Package manifest is the list of a model's files with their digests, and the
// one digest that names the whole: the model's identity.
//
// Manifest v1 is the byte string
//
//	"weightgate.manifest.v1\0"
//	u64le  number of files
//	for each file, sorted bytewise by name:
//	  u32le  length of the name
//	  name
//	  u64le  size
//	  32 bytes fs-verity digest
//
// and the identity is its SHA-256. It binds names, sizes and contents.
package manifest

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
)

const domain = "weightgate.manifest.v1\x00"

// A Digest is a SHA-256 digest: a file's fs-verity digest, a plain SHA-256, or
// an identity. The zero Digest is no digest and equals none that was measured.
type Digest [sha256.Size]byte

// IsZero reports whether d is no digest.
func (d Digest) IsZero() bool { return d == Digest{} }

// String is d in lower-case hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText writes hexadecimal digits, none for the zero Digest.
func (d Digest) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return []byte{}, nil
	}
	return hex.AppendEncode(nil, d[:]), nil
}

// UnmarshalText reads what MarshalText wrote.
func (d *Digest) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = Digest{}
		return nil
	}
	p, err := ParseDigest(string(b))
	if err != nil {
		return err
	}
	*d = p
	return nil
}

// ErrDigest says that a text is not 64 lower-case hexadecimal digits, or all
// of them zero.
var ErrDigest = errors.New("manifest: not a digest")

// ParseDigest reads 64 lower-case hexadecimal digits. Upper case and the zero
// digest are errors: one digest has one spelling, and none is not a digest.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	if len(s) != 2*len(d) {
		return Digest{}, fmt.Errorf("%w: %d characters, want %d", ErrDigest, len(s), 2*len(d))
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return Digest{}, fmt.Errorf("%w: %q is no lower-case hexadecimal digit", ErrDigest, c)
		}
	}
	if _, err := hex.Decode(d[:], []byte(s)); err != nil {
		return Digest{}, fmt.Errorf("%w: %v", ErrDigest, err)
	}
	if d.IsZero() {
		return Digest{}, fmt.Errorf("%w: all zeros", ErrDigest)
	}
	return d, nil
}

// Entry is one file.
type Entry struct {
	Name   string `json:"name"` // slash-separated, beneath the model's root
	Size   int64  `json:"size"`
	Verity Digest `json:"verity"`          // what `fsverity digest` prints
	SHA256 Digest `json:"sha256,omitzero"` // zero: not measured; no part of the identity
}

// Manifest is a list of files, sorted bytewise by name, each name once.
type Manifest []Entry

// Sort brings m into order.
func (m Manifest) Sort() {
	slices.SortFunc(m, func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) })
}

// Find is the entry of that name.
func (m Manifest) Find(name string) (Entry, bool) {
	i, ok := slices.BinarySearchFunc(m, name, func(e Entry, n string) int { return cmp.Compare(e.Name, n) })
	if !ok {
		return Entry{}, false
	}
	return m[i], true
}

// Identity is the SHA-256 of manifest v1. It is the zero Digest, which equals
// no identity, if m is empty, out of order, holds a name twice, a negative
// size or an entry without digest.
func (m Manifest) Identity() Digest {
	if len(m) == 0 {
		return Digest{}
	}
	h := sha256.New()
	h.Write([]byte(domain))
	var n [8]byte
	u64 := func(v int64) []byte { return binary.LittleEndian.AppendUint64(n[:0], uint64(v)) }
	h.Write(u64(int64(len(m))))
	for i, e := range m {
		if i > 0 && m[i-1].Name >= e.Name || e.Size < 0 || e.Verity.IsZero() {
			return Digest{}
		}
		h.Write(binary.LittleEndian.AppendUint32(n[:0], uint32(len(e.Name))))
		h.Write([]byte(e.Name))
		h.Write(u64(e.Size))
		h.Write(e.Verity[:])
	}
	return Digest(h.Sum(nil))
}
