package loader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
)

// FS is what fsys holds. Its files are read once and never mapped. It claims no
// containment: where its names lead is fsys's business, and the rule that a
// policy does not lie beneath the model's root does not apply. Nothing but
// regular files is opened in an fsys that is an fs.ReadLinkFS, as os.DirFS is;
// with any other, whether an open waits for a pipe is fsys's business too. A read
// that blocks holds the load, past its context; a panic is a failed read.
func FS(fsys fs.FS) Source { return fsSource{fsys} }

type fsSource struct{ fsys fs.FS }

func (s fsSource) Origin() policy.Origin { return policy.Origin{Kind: "fs"} }

func (s fsSource) Open(ctx context.Context, lim formats.Limits) (Tree, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.fsys == nil {
		return nil, &fs.PathError{Op: "open", Path: ".", Err: fs.ErrInvalid}
	}
	return &fsTree{fsys: s.fsys, lim: lim.WithDefaults()}, nil
}

type fsTree struct {
	fsys fs.FS
	lim  formats.Limits
}

func (t *fsTree) Root() fs.FileInfo { return nil }
func (t *fsTree) Close() error      { return nil }

func (t *fsTree) Files(ctx context.Context) iter.Seq2[policy.File, error] {
	return func(yield func(policy.File, error) bool) {
		w := &walk{ctx: ctx, lim: t.lim, yield: yield}
		if err := ctx.Err(); err != nil {
			w.fail("", err)
			return
		}
		t.directory(w, ".", "", 0)
	}
}

// directory lists the directory dir, whose entries have this prefix and depth
// directories above them. It is false when the listing is over.
func (t *fsTree) directory(w *walk, dir, prefix string, depth int) bool {
	f, err := t.open(dir)
	if err != nil {
		return w.fail(dir, err)
	}
	defer guardedFile{f}.Close()
	list, ok := f.(fs.ReadDirFile)
	if !ok {
		return w.fail(dir, &fs.PathError{Op: "readdir", Path: dir, Err: errors.ErrUnsupported})
	}
	for {
		entries, err := guard("ReadDir", func() ([]fs.DirEntry, error) { return list.ReadDir(batch) })
		for _, e := range entries {
			if !t.entry(w, prefix, e, depth) {
				return false
			}
		}
		if errors.Is(err, io.EOF) {
			return true
		}
		if err == nil && len(entries) == 0 {
			err = io.ErrNoProgress
		}
		if err == nil {
			err = w.ctx.Err()
		}
		if err != nil {
			return w.fail(dir, err)
		}
	}
}

func (t *fsTree) entry(w *walk, prefix string, e fs.DirEntry, depth int) bool {
	var name string
	dir, err := guard("DirEntry", func() (bool, error) { name = e.Name(); return e.IsDir(), nil })
	full := prefix + name
	if err != nil {
		return w.fail(full, err)
	}
	if !plain(name) {
		return w.fail(full, &fs.PathError{Op: "readdir", Path: full, Err: fs.ErrInvalid})
	}
	if dir {
		if err := w.descend(depth + 1); err != nil {
			return w.fail(full, err)
		}
		return t.directory(w, full, full+"/", depth+1)
	}
	info, err := guardedInfo("Info", e.Info)
	if err != nil {
		return w.fail(full, err)
	}
	return w.yield(listed(full, info), nil)
}

func (t *fsTree) Open(ctx context.Context, name string) (fs.File, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if _, ok := parts(name); !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if l, ok := t.fsys.(fs.ReadLinkFS); ok {
		info, err := guardedInfo("Lstat", func() (fs.FileInfo, error) { return l.Lstat(name) })
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() {
			return nil, &fs.PathError{Op: "open", Path: name, Err: ErrIrregular}
		}
	}
	f, err := t.open(name)
	if err != nil {
		return nil, err
	}
	file := guarded(f)
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: ErrIrregular}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// open is fsys.Open, whose file is not nil.
func (t *fsTree) open(name string) (fs.File, error) {
	f, err := guard("Open", func() (fs.File, error) { return t.fsys.Open(name) })
	if err == nil && f == nil {
		return nil, fmt.Errorf("%w: Open gave nothing", errPanicked)
	}
	return f, err
}
