package fetch

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
)

// A store is a directory of blobs by digest, and of copies of them under the
// names by which they are used. All its paths stay beneath the directory.
type store struct {
	dir  string
	root *os.Root
}

func openStore(dir string) (*store, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &store{dir, root}, nil
}

func (s *store) close() { s.root.Close() }

func (i Item) blob() string { return path.Join("blobs", i.SHA256) }

// has reports whether the file of that name is the item, byte for byte.
func (s *store) has(name string, item Item) bool {
	info, err := s.root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() != item.Size {
		return false
	}
	file, err := s.root.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	return item.copy(io.Discard, file) == nil
}

// fetch brings the members of one package in as blobs.
func (s *store) fetch(ctx context.Context, pkg string, members []Item) error {
	scratch, err := os.MkdirTemp(s.dir, "package-") // on the same disk: the archives are large
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	keep := func(item Item, r io.Reader) error { return s.write(item.blob(), item, r) }
	if isWheel(pkg) {
		name, err := wheel(ctx, pkg, scratch)
		if err != nil {
			return err
		}
		return unzip(name, members, keep)
	}
	name, err := pack(ctx, pkg, scratch)
	if err != nil {
		return err
	}
	archive, err := os.Open(name)
	if err != nil {
		return err
	}
	defer archive.Close()
	return extract(archive, maxUnpacked, members, keep)
}

// place copies an item's blob to the item's path. A link would save the space,
// and would be one more name through which the bytes can be changed.
func (s *store) place(item Item) error {
	if s.has(item.Path, item) {
		return nil
	}
	blob, err := s.root.Open(item.blob())
	if err != nil {
		return err
	}
	defer blob.Close()
	return s.write(item.Path, item, blob)
}

// write gives the file its name once all of it was checked.
func (s *store) write(name string, item Item, r io.Reader) error {
	if err := s.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	partial := "partial-" + rand.Text()
	file, err := s.root.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if err := errors.Join(item.copy(file, r), file.Close()); err != nil {
		return errors.Join(err, s.root.Remove(partial))
	}
	return s.root.Rename(partial, name)
}

// copy fails unless r holds the item and nothing else.
func (i Item) copy(w io.Writer, r io.Reader) error {
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(r, i.Size+1))
	switch {
	case err != nil:
		return err
	case n != i.Size:
		return fmt.Errorf("%w: %s is not %d bytes long", ErrDigest, i.Member, i.Size)
	case hex.EncodeToString(sum.Sum(nil)) != i.SHA256:
		return fmt.Errorf("%w: %s has the SHA-256 %x, not %s", ErrDigest, i.Member, sum.Sum(nil), i.SHA256)
	}
	return nil
}
