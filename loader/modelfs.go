package loader

import (
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
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
		return &modelFile{bytes: io.NewSectionReader(f, 0, f.size), stat: modelStat{name: path.Base(name), size: f.size}, release: release}, nil
	}
	if d := derivedNamed(v.m.derived, name); d != nil {
		return &modelFile{bytes: io.NewSectionReader(d, 0, d.size), stat: modelStat{name: path.Base(name), size: d.size}, release: release}, nil
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
	add := func(name string, size int64) {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			return
		}
		stat := modelStat{name: rest, size: size}
		if first, _, below := strings.Cut(rest, "/"); below {
			stat = modelStat{name: first, dir: true}
		}
		entries = append(entries, fs.FileInfoToDirEntry(stat))
	}
	for _, f := range v.m.staged.files {
		add(f.name, f.size)
	}
	for _, d := range v.m.derived {
		add(d.name, d.size)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return slices.CompactFunc(entries, func(a, b fs.DirEntry) bool { return a.Name() == b.Name() })
}

// modelFile is one verified file. Reads and Close may overlap: the bytes stay
// until the last read is done.
type modelFile struct {
	stat modelStat

	mu      sync.RWMutex      // held by each read, for reading where it moves no position
	bytes   *io.SectionReader // nil once closed
	release func()
}

func (f *modelFile) closed(op string) error {
	if f.bytes == nil {
		return &fs.PathError{Op: op, Path: f.stat.name, Err: fs.ErrClosed}
	}
	return nil
}

func (f *modelFile) ReadAt(p []byte, off int64) (int, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if err := f.closed("read"); err != nil {
		return 0, err
	}
	return f.bytes.ReadAt(p, off)
}

func (f *modelFile) Read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.closed("read"); err != nil {
		return 0, err
	}
	return f.bytes.Read(p)
}

func (f *modelFile) Seek(offset int64, whence int) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.closed("seek"); err != nil {
		return 0, err
	}
	return f.bytes.Seek(offset, whence)
}

func (f *modelFile) Stat() (fs.FileInfo, error) { return f.stat, nil }

// Close ends every way to the bytes: they may be gone after it.
func (f *modelFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.closed("close"); err != nil {
		return err
	}
	f.bytes = nil
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
