package loader

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/weightgate/weightgate/loader/internal/hashing"
	"github.com/weightgate/weightgate/loader/internal/memory"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

// A Library is ONNX Runtime as it was admitted for a model: sealed copies in
// memory that no process can write, not yet opened. It is safe for concurrent
// use.
type Library struct {
	model    *Model
	facts    policy.LibraryFacts
	sealed   []*memory.Sealed // in the order core, providers
	identity manifest.Digest
}

// AdmitLibrary copies the runtime's core library and its providers into sealed
// memory, hashes what lies there, and asks the policy, before anything is
// opened. Links in the paths are followed: the copy is judged. Nothing keeps
// the paths.
//
// The error is always a *Rejection. The caller closes the Library.
func (m *Model) AdmitLibrary(ctx context.Context, core string, providers ...string) (*Library, error) {
	a, err := m.resume(EventLibrary, policy.PhaseLibrary)
	if err != nil {
		return nil, err
	}
	lib := &Library{model: m}
	err = lib.judge(ctx, a, append([]string{core}, providers...))
	if err := a.record(ctx, err); err != nil {
		lib.Close()
		return nil, err
	}
	m.advance(a, policy.PhaseLibrary)
	return lib, nil
}

func (l *Library) judge(ctx context.Context, a *admission, paths []string) error {
	if err := l.seal(ctx, a, paths); err != nil {
		return err
	}
	l.identity = l.facts.Files.Identity()
	l.facts.Opened = process.identity()
	return a.decide(policy.PhaseLibrary, l)
}

func (l *Library) addTo(f *policy.Facts) { f.Library = &l.facts }

// seal copies each library once and measures the copy where it was sealed.
func (l *Library) seal(ctx context.Context, a *admission, paths []string) error {
	defer a.timed("seal libraries")()
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := filepath.Base(path)
		sealed, err := sealFile(path)
		if err != nil {
			if errors.Is(err, errors.ErrUnsupported) {
				return &fault{Finding: codes.Finding(CodeUnsupported, name, 0, "%v", err), err: err}
			}
			return faultFor(err, name)
		}
		l.sealed = append(l.sealed, sealed)
		digest, err := measure(sealed.Bytes())
		if err != nil {
			return faultFor(err, name)
		}
		l.facts.Files = append(l.facts.Files, manifest.Entry{Name: name, Size: int64(len(sealed.Bytes())), Verity: digest})
	}
	l.facts.Files.Sort()
	return nil
}

// MeasureLibrary is the manifest entry of a runtime library, for a lock. It
// asks no policy and opens nothing: whoever pins vouches for the file.
func MeasureLibrary(ctx context.Context, path string) (manifest.Entry, error) {
	var l Library
	defer l.Close()
	if err := l.seal(ctx, newAdmission(EventLibrary, "", policy.Origin{}), []string{path}); err != nil {
		return manifest.Entry{}, err
	}
	return l.facts.Files[0], nil
}

func sealFile(path string) (*memory.Sealed, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|noWait, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return nil, &os.PathError{Op: "read", Path: path, Err: errors.New("not a regular file with bytes in it")}
	}
	return memory.NewSealed(filepath.Base(path), info.Size(), func(dst []byte) error {
		n, err := f.ReadAt(dst, 0)
		return full(filepath.Base(path), dst, n, 0, err)
	})
}

// measure is the fs-verity digest of b, on all cores.
func measure(b []byte) (manifest.Digest, error) {
	tree := hashing.NewTree(int64(len(b)))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range hashing.Chunks(tree.Size()) {
		group.Go(func() error {
			offset, n := tree.Bounds(i)
			tree.Hash(i, b[offset:][:n])
			return nil
		})
	}
	group.Wait()
	return tree.Digest()
}

// Digest is the identity of the admitted libraries' manifest.
func (l *Library) Digest() manifest.Digest { return l.identity }

// Open runs open with paths to the sealed copies, unless this process has
// opened these libraries already: a process can open ONNX Runtime once. The
// copies that were opened stay for the life of the process. If other libraries
// were opened since the admission, the error is a *Rejection; otherwise it is
// open's, and a later call may try again, or ErrClosed.
func (l *Library) Open(ctx context.Context, open func(core string, providers []string) error) error {
	err := l.openOnce(open)
	if errors.Is(err, errOther) {
		return l.refuseOther(ctx)
	}
	return err
}

// errOther says that the process has opened other libraries.
var errOther = errors.New("loader: other libraries are open")

func (l *Library) openOnce(open func(core string, providers []string) error) error {
	process.mu.Lock()
	defer process.mu.Unlock()
	switch {
	case process.digest == l.identity:
		return nil
	case !process.digest.IsZero():
		return errOther
	case len(l.sealed) == 0:
		return ErrClosed
	}
	paths := make([]string, len(l.sealed))
	for i, s := range l.sealed {
		paths[i] = s.Path()
	}
	if err := open(paths[0], paths[1:]); err != nil {
		return err
	}
	process.digest, process.sealed = l.identity, l.sealed
	l.sealed = nil
	return nil
}

// refuseOther decides anew with what was opened meanwhile.
func (l *Library) refuseOther(ctx context.Context) error {
	a, err := l.model.resume(EventLibrary, policy.PhaseLibrary)
	if err != nil {
		return err
	}
	facts := l.facts
	facts.Opened = process.identity()
	return a.record(ctx, a.decide(policy.PhaseLibrary, &Library{facts: facts}))
}

// AdmitSession asks the policy about a session that was created and not yet
// handed out. The first session that is admitted ends the model's pending
// state; a later one that is refused does not bring it back.
//
// The error is always a *Rejection.
func (l *Library) AdmitSession(ctx context.Context, facts policy.SessionFacts) error {
	a, err := l.model.resume(EventSession, policy.PhaseSession)
	if err != nil {
		return err
	}
	a.facts.Library = &l.facts
	err = a.decide(policy.PhaseSession, sessionFacts(facts))
	if err := a.record(ctx, err); err != nil {
		return err
	}
	l.model.advance(a, policy.PhaseSession)
	return nil
}

type sessionFacts policy.SessionFacts

func (s sessionFacts) addTo(f *policy.Facts) { f.Session = (*policy.SessionFacts)(&s) }

// Close lets go of the sealed copies that were not opened. It may be called
// twice.
func (l *Library) Close() error {
	process.mu.Lock()
	defer process.mu.Unlock()
	var errs []error
	for _, s := range l.sealed {
		errs = append(errs, s.Close())
	}
	l.sealed = nil
	return errors.Join(errs...)
}

// process is what this process has opened. That is a fact of the process: a
// shared library cannot be opened twice with two contents.
var process openedLibraries

type openedLibraries struct {
	mu     sync.Mutex
	digest manifest.Digest  // zero: nothing
	sealed []*memory.Sealed // never closed: the code is running
}

func (o *openedLibraries) identity() manifest.Digest {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.digest
}

// resume starts an admission that goes on from where the model is.
func (m *Model) resume(event Event, phase policy.Phase) (*admission, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	report := *m.report
	report.Event, report.Began = event, m.gate.cfg.Now()
	report.Decisions = slices.Clone(report.Decisions)
	report.Phases = slices.Clone(report.Phases)
	a := &admission{gate: m.gate, rules: m.rules, facts: m.facts, report: &report, now: m.gate.cfg.Now, phase: phase}
	if m.closed {
		err := a.record(context.Background(), &fault{Finding: codes.Finding(CodeClosed, "", 0, "the model was closed"), err: ErrClosed})
		return nil, err
	}
	return a, nil
}

// advance makes an admitted phase the model's own.
func (m *Model) advance(a *admission, p policy.Phase) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p < m.ran || m.ran == policy.PhaseSession {
		return
	}
	m.ran, m.facts, m.report = p, a.facts, a.report
}
