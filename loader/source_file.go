package loader

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
)

// File is the one file at path, under its base name. Links in the directories
// of path are followed; a link at its end is listed as irregular, and so is
// anything else that is no regular file.
func File(path string) Source { return fileSource(path) }

type fileSource string

func (f fileSource) Origin() policy.Origin { return policy.Origin{Kind: "file"} }

func (f fileSource) Open(ctx context.Context, _ formats.Limits) (Tree, error) {
	dir, name := filepath.Split(string(f))
	if !plain(name) {
		return nil, &fs.PathError{Op: "open", Path: string(f), Err: fs.ErrInvalid}
	}
	if dir == "" {
		dir = "."
	}
	root, err := openTop(ctx, dir)
	if err != nil {
		return nil, err
	}
	info, err := root.Lstat(name)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &fileTree{root: root, name: name, info: info}, nil
}

// fileTree is one file. Nothing beside it is reached.
type fileTree struct {
	root *os.Root
	name string
	info fs.FileInfo
}

func (t *fileTree) Root() fs.FileInfo { return t.info }
func (t *fileTree) Close() error      { return t.root.Close() }

func (t *fileTree) Files(ctx context.Context) iter.Seq2[policy.File, error] {
	return func(yield func(policy.File, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(policy.File{Name: t.name}, err)
			return
		}
		yield(listed(t.name, t.info), nil)
	}
}

func (t *fileTree) Open(ctx context.Context, name string) (fs.File, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if name != t.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return openFile(t.root, name, t.info)
}
