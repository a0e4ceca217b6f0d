package fetch

import (
	"archive/zip"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// unzip hands each wanted member of a wheel, which is a zip, to keep. Names in
// the archive are only compared, never used as paths; a member is read no
// further than keep reads.
func unzip(archive string, wanted []Item, keep func(Item, io.Reader) error) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrArchive, err)
	}
	defer z.Close()
	left := map[string]Item{}
	for _, item := range wanted {
		left[item.Member] = item
	}
	for _, f := range z.File {
		item, ok := left[f.Name]
		if !ok || !f.Mode().IsRegular() {
			continue
		}
		if err := keepMember(f, item, keep); err != nil {
			return err
		}
		delete(left, f.Name)
	}
	if len(left) > 0 {
		return lacks(left)
	}
	return nil
}

func keepMember(f *zip.File, item Item, keep func(Item, io.Reader) error) error {
	r, err := f.Open()
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrArchive, f.Name, err)
	}
	defer r.Close()
	return keep(item, member{r})
}

// lacks is the error of an archive without what is left.
func lacks(left map[string]Item) error {
	return fmt.Errorf("%w: it has no %s", ErrArchive, strings.Join(slices.Sorted(maps.Keys(left)), ", "))
}
