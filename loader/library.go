package loader

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/weightgate/weightgate/loader/internal/hashing"
	"github.com/weightgate/weightgate/policy/manifest"
)

// MeasureLibrary is the manifest entry of a runtime library, for a lock. It
// asks no policy and opens nothing: whoever pins vouches for the file.
func MeasureLibrary(ctx context.Context, path string) (manifest.Entry, error) {
	file, err := openLibrary(ctx, path)
	if err != nil {
		return manifest.Entry{}, err
	}
	defer file.Close()
	return file.measure(ctx)
}

// A libraryFile is a runtime library as it lies on the disk.
type libraryFile struct {
	*os.File
	name string // without directories
	size int64
	info fs.FileInfo
}

// openLibrary follows links and waits for no FIFO.
func openLibrary(ctx context.Context, path string) (*libraryFile, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|noWait, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && (!info.Mode().IsRegular() || info.Size() == 0) {
		err = &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file with bytes in it")}
	}
	if have := available(); err == nil && info.Size() > have {
		err = fmt.Errorf("%w: %s, and %s are left", errNoRoom, size(info.Size()), size(have))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &libraryFile{File: f, name: filepath.Base(path), size: info.Size(), info: info}, nil
}

// read fills dst from offset.
func (f *libraryFile) read(dst []byte, offset int64) error {
	n, err := f.ReadAt(dst, offset)
	return full(f.name, dst, n, offset, err)
}

// measure is the file's entry. No byte is kept.
func (f *libraryFile) measure(ctx context.Context) (manifest.Entry, error) {
	return f.entry(ctx, func(offset int64, n int) ([]byte, error) {
		chunk := make([]byte, n)
		return chunk, f.read(chunk, offset)
	})
}

// entry is that of the file, with the digest of these chunks.
func (f *libraryFile) entry(ctx context.Context, chunk func(offset int64, n int) ([]byte, error)) (manifest.Entry, error) {
	verity, err := measure(ctx, f.size, chunk)
	if err != nil {
		return manifest.Entry{}, err
	}
	return manifest.Entry{Name: f.name, Size: f.size, Verity: verity}, nil
}

// measure is the fs-verity digest of size bytes, on all cores. A chunk may be
// asked for by any of them.
func measure(ctx context.Context, size int64, chunk func(offset int64, n int) ([]byte, error)) (manifest.Digest, error) {
	tree := hashing.NewTree(size)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range hashing.Chunks(size) {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			b, err := chunk(tree.Bounds(i))
			if err != nil {
				return err
			}
			tree.Hash(i, b)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return manifest.Digest{}, err
	}
	return tree.Digest()
}
