package hf

import (
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"hash"

	"github.com/weightgate/weightgate/policy/manifest"
)

// A measure is what was seen of a file's content so far.
type measure struct {
	sha256 hash.Hash
	blob   hash.Hash // SHA-1 of git's blob; nil: the file is in Git LFS
	size   int64
}

func newMeasure(e entry) *measure {
	m := &measure{sha256: sha256.New()}
	if e.sha256.IsZero() {
		m.blob = sha1.New()
		fmt.Fprintf(m.blob, "blob %d\x00", e.size)
	}
	return m
}

func (m *measure) Write(p []byte) (int, error) {
	m.sha256.Write(p)
	if m.blob != nil {
		m.blob.Write(p)
	}
	m.size += int64(len(p))
	return len(p), nil
}

// digest is the SHA-256 of what was seen.
func (m *measure) digest() (d manifest.Digest) {
	m.sha256.Sum(d[:0])
	return d
}

// check fails unless what was seen is the entry's content, and has this digest.
func (m *measure) check(e entry, digest manifest.Digest) error {
	switch {
	case m.size != e.size:
		return fmt.Errorf("%w: %d bytes, and %d are listed", ErrContent, m.size, e.size)
	case digest.IsZero() || m.digest() != digest:
		return fmt.Errorf("%w: SHA-256 %s, and it should be %s", ErrContent, m.digest(), digest)
	case m.blob != nil && [20]byte(m.blob.Sum(nil)) != e.sha1:
		return fmt.Errorf("%w: git's SHA-1 %x, and %x is listed", ErrContent, m.blob.Sum(nil), e.sha1)
	}
	return nil
}
