package fetch

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// maxUnpacked bounds what one archive may unfold to, in bytes.
const maxUnpacked = 1 << 30

// extract hands each wanted member of a .tgz to keep. Names in the archive are
// only compared, never used as paths, and nothing is read after the last
// wanted member. What unfolds to more than limit bytes is not an archive.
func extract(archive io.Reader, limit int64, wanted []Item, keep func(Item, io.Reader) error) error {
	unzipped, err := gzip.NewReader(archive)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrArchive, err)
	}
	members := tar.NewReader(&bounded{unzipped, limit})
	left := map[string]Item{}
	for _, item := range wanted {
		left[item.Member] = item
	}
	for len(left) > 0 {
		header, err := members.Next()
		if err == io.EOF {
			return lacks(left)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrArchive, err)
		}
		item, ok := left[header.Name]
		if !ok || header.Typeflag != tar.TypeReg {
			continue
		}
		if err := keep(item, member{members}); err != nil {
			return err
		}
		delete(left, header.Name)
	}
	return nil
}

// A member tells trouble in the archive from trouble where it is written to.
type member struct{ io.Reader }

func (m member) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("%w: %w", ErrArchive, err)
	}
	return n, err
}

// A bounded reader fails where an io.LimitedReader would end.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errors.New("it unfolds to too many bytes")
	}
	return n, err
}
