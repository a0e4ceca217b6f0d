package hf

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/weightgate/weightgate/loader/internal/filelock"
	"github.com/weightgate/weightgate/policy/manifest"
)

// The directories of a cache. A name in them is a digest: nothing that a server
// or a caller spelt becomes part of a path.
const (
	blobs    = "blobs"    // content, by its SHA-256
	listings = "listings" // what an endpoint lists, by the key of the commit
	places   = "places"   // the SHA-256 of a file that is not in Git LFS, by the key of the file
	staging  = "staging"  // what is being written, by the same keys; a writer who was killed leaves what he had
	locks    = "locks"    // empty files, locked by whoever writes under a key
)

// maxListing is in bytes: what is one byte of metadata is three here at most.
const maxListing = 4 * maxMetadata

// cache is a directory that survives a kill at any moment: what has a name
// outside staging was whole on the disk before it had it.
type cache struct{ root *os.Root }

// openCache opens the directory, and makes it unless it is only read.
func openCache(path string, readOnly bool) (*cache, error) {
	if !readOnly {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return nil, err
		}
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	c := &cache{root: root}
	for _, dir := range []string{".", blobs, listings, places, staging, locks} {
		if err := c.openDirectory(dir, readOnly); err != nil {
			return nil, errors.Join(err, root.Close())
		}
	}
	return c, nil
}

// openDirectory makes a directory if it is absent, and refuses one that somebody
// else may write in.
func (c *cache) openDirectory(name string, readOnly bool) error {
	if !readOnly && name != "." {
		if err := c.root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	info, err := c.root.Lstat(name)
	if readOnly && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && !(info.IsDir() && isPrivate(info)) {
		err = &fs.PathError{Op: "open", Path: filepath.Join(c.root.Name(), name), Err: ErrCache}
	}
	return err
}

// key is the name of what these words say together.
func key(words ...string) string {
	h := sha256.New()
	for _, w := range words {
		fmt.Fprintf(h, "%d %s\n", len(w), w)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// lock waits until nobody else writes under the key, or the context ends.
func (c *cache) lock(ctx context.Context, key string) (unlock func() error, err error) {
	return filelock.Wait(ctx, func() (*os.File, error) {
		return c.openOrCreate(locks + "/" + key) // what else lies there stays: somebody may hold it
	})
}

// openOrCreate opens a file of the cache for reading and writing.
func (c *cache) openOrCreate(name string) (file *os.File, err error) {
	for range 3 { // it may be removed between the two
		file, err = c.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
		file, _, err = c.openRegular(name, os.O_RDWR)
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return file, err
}

// stage opens a file in staging, which may be what an earlier download left. The
// caller holds the lock of its key.
func (c *cache) stage(name string) (*os.File, error) {
	file, err := c.openOrCreate(name)
	if errors.Is(err, ErrCache) {
		if err = c.root.Remove(name); err == nil {
			file, err = c.openOrCreate(name)
		}
	}
	return file, err
}

// openRegular opens a file of the cache that is its own, and no link to one. It is
// judged before, since to open it may be forbidden or wait, and once it is open.
func (c *cache) openRegular(name string, flag int) (*os.File, fs.FileInfo, error) {
	seen, err := c.root.Lstat(name)
	if err != nil {
		return nil, nil, err
	}
	if !isOwn(seen) {
		return nil, nil, &fs.PathError{Op: "open", Path: name, Err: ErrCache}
	}
	file, err := c.root.OpenFile(name, flag|noWait, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !(isOwn(info) && os.SameFile(seen, info)) {
		err = &fs.PathError{Op: "open", Path: name, Err: ErrCache}
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

// isOwn reports whether a file is as this package makes it.
func isOwn(file fs.FileInfo) bool {
	return file.Mode().IsRegular() && !hasOtherName(file) && isPrivate(file)
}

// read is a small file of the cache.
func (c *cache) read(name string, limit int64) ([]byte, error) {
	file, _, err := c.openRegular(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = &fs.PathError{Op: "read", Path: name, Err: ErrTooLarge}
	}
	if err != nil {
		return nil, err
	}
	return text, nil
}

// write gives a small file its content, at once and for good. The caller holds
// the lock of the key.
func (c *cache) write(dir, key string, text []byte) error {
	staged := staging + "/" + key + ".new"
	if err := c.remove(staged); err != nil { // of a writer who was killed
		return err
	}
	file, err := c.root.OpenFile(staged, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return c.rename(staged, dir, key)
}

// rename gives what lies in staging, and is on the disk, its name. The caller
// holds the lock of the name.
func (c *cache) rename(staged, dir, name string) error {
	to := dir + "/" + name
	if info, err := c.root.Lstat(to); err == nil && info.IsDir() { // a rename replaces anything else
		if err := c.root.Remove(to); err != nil {
			return err
		}
	}
	if err := c.root.Rename(staged, to); err != nil {
		return err
	}
	return filelock.SyncNames(func() (*os.File, error) { return c.root.Open(dir) })
}

func (c *cache) remove(name string) error {
	if err := c.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// place is the digest that a file had which is not in Git LFS.
func (c *cache) place(key string) (manifest.Digest, error) {
	text, err := c.read(places+"/"+key, 2*sha256.Size+1)
	if err != nil {
		return manifest.Digest{}, err
	}
	return manifest.ParseDigest(strings.TrimSuffix(string(text), "\n"))
}

// blob opens the content of that digest, once every byte was read and is the
// entry's. What is not the cache's own, truncated or damaged is none.
func (c *cache) blob(ctx context.Context, e entry, digest manifest.Digest) (*os.File, fs.FileInfo, error) {
	file, info, err := c.openRegular(blobs+"/"+digest.String(), os.O_RDONLY)
	if err != nil {
		return nil, nil, err
	}
	if info.Size() != e.size {
		err = fmt.Errorf("%w: it has %d bytes in the cache", ErrContent, info.Size())
		return nil, nil, errors.Join(err, file.Close())
	}
	m := newMeasure(e)
	_, err = io.Copy(m, io.LimitReader(untilDone{ctx, file}, e.size+1))
	if err == nil {
		err = m.check(e, digest)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err == nil {
		err = unchanged(file, info)
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

// unchanged fails unless an open file is what it was.
func unchanged(file *os.File, was fs.FileInfo) error {
	info, err := file.Stat()
	if err == nil && !sameState(was, info) {
		err = &fs.PathError{Op: "read", Path: file.Name(), Err: ErrCache}
	}
	return err
}

// publish gives the content in staging its name, unless that content is there
// already: who measured a good blob knows it by its identity, and there are
// systems that replace no open file.
func (c *cache) publish(ctx context.Context, staged string, e entry, digest manifest.Digest) (err error) {
	unlock, err := c.lock(ctx, "blob-"+digest.String()) // no key of words, whatever the content is
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if there, _, err := c.blob(ctx, e, digest); err == nil {
		return errors.Join(there.Close(), c.root.Remove(staged))
	}
	if err := ctx.Err(); err != nil { // what could not be looked at to its end may be good
		return err
	}
	return c.rename(staged, blobs, digest.String())
}

// untilDone reads until the context ends.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
