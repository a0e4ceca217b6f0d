package loader

import (
	"sync"

	"github.com/weightgate/weightgate/loader/internal/memory"
	"github.com/weightgate/weightgate/policy/manifest"
)

// process is what this process has opened. That is a fact of the process: a
// shared library cannot be opened twice with two contents.
var process openedLibraries

type openedLibraries struct {
	mu     sync.Mutex
	digest manifest.Digest  // zero: nothing yet
	sealed []*memory.Sealed // never closed: their code may be running

	opening sync.Mutex // held while they are opened
	done    bool
}

func (o *openedLibraries) identity() manifest.Digest {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.digest
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

// open runs open unless an earlier call succeeded.
func (o *openedLibraries) open(open func(core string, providers []string) error) error {
	o.opening.Lock()
	defer o.opening.Unlock()
	if o.done {
		return nil
	}
	paths := make([]string, len(o.sealed))
	for i, s := range o.sealed {
		paths[i] = s.Path()
	}
	if err := open(paths[0], paths[1:]); err != nil {
		return err
	}
	o.done = true
	return nil
}
