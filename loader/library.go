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
	verity, err := file.measure(ctx)
	return manifest.Entry{Name: file.name, Size: file.size, Verity: verity}, err
}

// A libraryFile is a runtime library as it lies on the disk.
type libraryFile struct {
	*os.File
	name string // without directories
	size int64
	tree *hashing.Tree
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
	return &libraryFile{File: f, name: filepath.Base(path), size: info.Size(), tree: hashing.NewTree(info.Size())}, nil
}

// read fills dst from offset.
func (f *libraryFile) read(dst []byte, offset int64) error {
	n, err := f.ReadAt(dst, offset)
	return full(f.name, dst, n, offset, err)
}

// chunks calls each for every chunk of the file in order, until ctx ends.
func (f *libraryFile) chunks(ctx context.Context, each func(i, offset int64, n int) error) error {
	for i := range hashing.Chunks(f.size) {
		if err := ctx.Err(); err != nil {
			return err
		}
		offset, n := f.tree.Bounds(i)
		if err := each(i, offset, n); err != nil {
			return err
		}
	}
	return nil
}

// measure is the fs-verity digest of the file, of which no byte is kept.
func (f *libraryFile) measure(ctx context.Context) (manifest.Digest, error) {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	err := f.chunks(ctx, func(i, offset int64, n int) error {
		group.Go(func() error {
			chunk := make([]byte, n)
			if err := f.read(chunk, offset); err != nil {
				return err
			}
			f.tree.Hash(i, chunk)
			return nil
		})
		return nil
	})
	if err := errors.Join(err, group.Wait()); err != nil {
		return manifest.Digest{}, err
	}
	return f.tree.Digest()
}

// measure is the fs-verity digest of b, on all cores.
func measure(ctx context.Context, b []byte) (manifest.Digest, error) {
	tree := hashing.NewTree(int64(len(b)))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range hashing.Chunks(tree.Size()) {
		group.Go(func() error {
			offset, n := tree.Bounds(i)
			tree.Hash(i, b[offset:][:n])
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return manifest.Digest{}, err
	}
	return tree.Digest()
}
