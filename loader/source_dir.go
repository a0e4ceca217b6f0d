package loader

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
)

// Dir is the directory at path. Links in path are followed; links beneath it
// are listed as irregular and never followed.
func Dir(path string) Source { return dirSource(path) }

type dirSource string

func (d dirSource) Origin() policy.Origin { return policy.Origin{Kind: "dir"} }

func (d dirSource) Open(ctx context.Context, lim formats.Limits) (Tree, error) {
	root, err := openTop(ctx, string(d))
	if err != nil {
		return nil, err
	}
	info, err := root.Stat(".")
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &rootTree{root: root, info: info, lim: lim.WithDefaults()}, nil
}

// openTop opens a directory that the host named.
func openTop(ctx context.Context, path string) (*os.Root, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if path == "" {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrInvalid}
	}
	return os.OpenRoot(path + onlyDirectory)
}

// onlyDirectory, behind a name, makes the system open nothing but a directory:
// without it the open waits where a pipe has taken the name.
const onlyDirectory = string(filepath.Separator) + "."

// openRoot opens the directory of that name in root, which is the one seen.
func openRoot(root *os.Root, name string, seen fs.FileInfo) (*os.Root, error) {
	sub, err := root.OpenRoot(name + onlyDirectory)
	if err != nil {
		return nil, err
	}
	info, err := sub.Stat(".")
	if err == nil && !os.SameFile(seen, info) {
		err = &fs.PathError{Op: "open", Path: name, Err: ErrReplaced}
	}
	if err != nil {
		return nil, errors.Join(err, sub.Close())
	}
	return sub, nil
}

// enter looks at a name in root and opens it, if it is a directory.
func enter(root *os.Root, name string) (*os.Root, error) {
	seen, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !seen.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: ErrIrregular}
	}
	return openRoot(root, name, seen)
}

// openFile opens the file of that name in root, which is the one seen.
func openFile(root *os.Root, name string, seen fs.FileInfo) (fs.File, error) {
	if !seen.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: ErrIrregular}
	}
	f, err := root.OpenFile(name, os.O_RDONLY|noWait, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !os.SameFile(seen, info) {
		err = &fs.PathError{Op: "open", Path: name, Err: ErrReplaced}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// listed is how an entry is listed that is no directory to descend into.
func listed(name string, info fs.FileInfo) policy.File {
	if !info.Mode().IsRegular() {
		return policy.File{Name: name, Kind: policy.Irregular, Links: hardLinks(info)}
	}
	return policy.File{Name: name, Size: info.Size(), Kind: policy.Regular, Links: hardLinks(info)}
}

// rootTree is a directory. One os.Root is opened for each level, so that a
// directory that is swapped for a link takes nobody out of its parent.
type rootTree struct {
	root  *os.Root
	info  fs.FileInfo // of the model's root
	blobs *blobs      // where links lead; nil: nowhere
	lim   formats.Limits
}

func (t *rootTree) Root() fs.FileInfo { return t.info }

func (t *rootTree) Close() error {
	if t.blobs == nil {
		return t.root.Close()
	}
	return errors.Join(t.root.Close(), t.blobs.root.Close())
}

func (t *rootTree) Files(ctx context.Context) iter.Seq2[policy.File, error] {
	return func(yield func(policy.File, error) bool) {
		w := &walk{ctx: ctx, lim: t.lim, yield: yield}
		if err := ctx.Err(); err != nil {
			w.fail("", err)
			return
		}
		t.directory(w, t.root, "", 0)
	}
}

// directory lists root, whose entries have this prefix and depth directories
// above them. It is false when the listing is over.
func (t *rootTree) directory(w *walk, root *os.Root, prefix string, depth int) bool {
	dir, err := root.Open(".")
	if err != nil {
		return w.fail(prefix, err)
	}
	defer dir.Close()
	for {
		names, err := dir.Readdirnames(batch)
		for _, name := range names {
			if !t.entry(w, root, prefix, name, depth) {
				return false
			}
		}
		if errors.Is(err, io.EOF) {
			return true
		}
		if err == nil {
			err = w.ctx.Err()
		}
		if err != nil {
			return w.fail(prefix, err)
		}
	}
}

func (t *rootTree) entry(w *walk, root *os.Root, prefix, name string, depth int) bool {
	full := prefix + name
	info, err := root.Lstat(name)
	if err != nil {
		return w.fail(full, err)
	}
	if info.IsDir() {
		if err := w.descend(depth + 1); err != nil {
			return w.fail(full, err)
		}
		sub, err := openRoot(root, name, info)
		if err != nil {
			return w.fail(full, err)
		}
		defer sub.Close()
		return t.directory(w, sub, full+"/", depth+1)
	}
	if t.blobs != nil && info.Mode().Type() == fs.ModeSymlink {
		if _, info, err = t.blobs.follow(root, name, depth, info); err != nil {
			return w.fail(full, err)
		}
	}
	return w.yield(listed(full, info), nil)
}

func (t *rootTree) Open(ctx context.Context, name string) (fs.File, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p, ok := parts(name)
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if len(p)-1 > t.lim.MaxDepth {
		return nil, &fs.PathError{Op: "open", Path: name, Err: ErrDepth}
	}
	return t.open(t.root, p, 0)
}

func (t *rootTree) open(root *os.Root, parts []string, depth int) (fs.File, error) {
	name := parts[0]
	if len(parts) > 1 {
		sub, err := enter(root, name)
		if err != nil {
			return nil, err
		}
		defer sub.Close()
		return t.open(sub, parts[1:], depth+1)
	}
	info, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if t.blobs != nil && info.Mode().Type() == fs.ModeSymlink {
		blob, info, err := t.blobs.follow(root, name, depth, info)
		if err != nil {
			return nil, err
		}
		return openFile(t.blobs.root, blob, info)
	}
	return openFile(root, name, info)
}
