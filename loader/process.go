package loader

import (
	"errors"
	"os"
	"sync"

	"github.com/weightgate/weightgate/loader/internal/memory"
	"github.com/weightgate/weightgate/policy/manifest"
)

// process is what this process has opened. That is a fact of the process: a
// shared library cannot be opened twice with two contents.
var process openedLibraries

type openedLibraries struct {
	mu     sync.Mutex
	digest manifest.Digest // zero: nothing yet
	sealed []sealedLibrary // never closed: their code may be running

	opening sync.Mutex // held while they are opened
	done    bool
	folder  memory.Folder // of a core that has providers, which it looks for beside itself
}

func (o *openedLibraries) identity() manifest.Digest {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.digest
}

// sealedFrom is the entry of the copy that was sealed from a file, if the file
// has not changed since by its name, inode, size and time. One that only seems
// so deceives nobody: what runs has this entry.
func (o *openedLibraries) sealedFrom(f *libraryFile) (manifest.Entry, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.sealed {
		if s.entry.Name == f.name && os.SameFile(s.from, f.info) && s.entry.Size == f.size && s.from.ModTime().Equal(f.info.ModTime()) {
			return s.entry, true
		}
	}
	return manifest.Entry{}, false
}

// take makes l's libraries those of the process if it has none yet, and is the
// identity of those it has. It is zero if l has none left to give.
func (o *openedLibraries) take(l *Library) manifest.Digest {
	o.mu.Lock()
	defer o.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if o.digest.IsZero() && len(l.sealed) > 0 {
		o.digest, o.sealed, l.sealed = l.identity, l.sealed, nil
	}
	return o.digest
}

// open runs open unless an earlier call succeeded. The copies stand in their
// folder no longer than that takes.
func (o *openedLibraries) open(open func(core string, providers []string) error) error {
	o.opening.Lock()
	defer o.opening.Unlock()
	if o.done {
		return nil
	}
	paths, err := o.paths()
	if err == nil {
		err = open(paths[0], paths[1:])
	}
	o.done = err == nil
	return errors.Join(err, o.folder.Clear())
}

// paths are those to the copies. Beside each other they stand under their own
// names; the core alone needs no folder.
func (o *openedLibraries) paths() ([]string, error) {
	if len(o.sealed) == 1 {
		core := o.sealed[0].Sealed
		return []string{core.Path()}, core.Reachable()
	}
	var files []memory.Named
	for _, s := range o.sealed {
		files = append(files, memory.Named{Name: s.entry.Name, Memory: s.Sealed})
	}
	return o.folder.Fill(files...)
}
