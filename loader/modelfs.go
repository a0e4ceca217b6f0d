package loader

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// modelFS is the verified files of a model.
type modelFS struct{ m *Model }

func (v modelFS) Open(name string) (fs.File, error) {
	fail := func(err error) (fs.File, error) { return nil, &fs.PathError{Op: "open", Path: name, Err: err} }
	if !fs.ValidPath(name) {
		return fail(fs.ErrInvalid)
	}
	release, err := v.m.acquire()
	if err != nil {
		return fail(err)
	}
	if f, ok := v.m.staged.find(name); ok {
		return &modelFile{Reader: bytes.NewReader(f.bytes), stat: modelStat{name: path.Base(name), size: f.size}, release: release}, nil
	}
	defer release()
	entries := v.children(name)
	if len(entries) == 0 && name != "." {
		return fail(fs.ErrNotExist)
	}
	return &modelDir{stat: modelStat{name: path.Base(name), dir: true}, entries: entries}, nil
}

// children are the files and directories right beneath dir, sorted.
func (v modelFS) children(dir string) []fs.DirEntry {
	prefix := dir + "/"
	if dir == "." {
		prefix = ""
	}
	var entries []fs.DirEntry
	for _, f := range v.m.staged.files { // sorted, so that a directory's files follow each other
		rest, ok := strings.CutPrefix(f.name, prefix)
		if !ok {
			continue
		}
		stat := modelStat{name: rest, size: f.size}
		if first, _, below := strings.Cut(rest, "/"); below {
			stat = modelStat{name: first, dir: true}
		}
		entries = append(entries, fs.FileInfoToDirEntry(stat))
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return slices.CompactFunc(entries, func(a, b fs.DirEntry) bool { return a.Name() == b.Name() })
}

// modelFile is one verified file. Its bytes are the model's.
type modelFile struct {
	*bytes.Reader
	stat    modelStat
	release func()
}

func (f *modelFile) Stat() (fs.FileInfo, error) { return f.stat, nil }

// Close ends every way to the bytes: they may be gone after it.
func (f *modelFile) Close() error {
	f.Reader.Reset(nil)
	f.release()
	return nil
}

type modelDir struct {
	stat    modelStat
	entries []fs.DirEntry
}

func (d *modelDir) Stat() (fs.FileInfo, error) { return d.stat, nil }
func (d *modelDir) Close() error               { return nil }

func (d *modelDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.stat.name, Err: fs.ErrInvalid}
}

func (d *modelDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(d.entries)
	} else if len(d.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.entries))
	out := d.entries[:n:n]
	d.entries = d.entries[n:]
	return out, nil
}

// modelStat is all that is left of a file's status: a verified copy has no
// owner and no time.
type modelStat struct {
	name string
	size int64
	dir  bool
}

func (s modelStat) Name() string       { return s.name }
func (s modelStat) Size() int64        { return s.size }
func (s modelStat) ModTime() time.Time { return time.Time{} }
func (s modelStat) IsDir() bool        { return s.dir }
func (s modelStat) Sys() any           { return nil }

func (s modelStat) Mode() fs.FileMode {
	if s.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}
