package loader

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
// use. The zero Library is closed.
type Library struct {
	model    *Model
	facts    policy.LibraryFacts
	identity manifest.Digest

	mu     sync.Mutex
	sealed []*memory.Sealed // in the order core, providers; none once closed or opened
}

// AdmitLibrary copies the runtime's core library and its providers into sealed
// memory, hashes what lies there, and asks the policy, before anything is
// opened. Links in the paths are followed: the copy is judged. Nothing keeps
// the paths.
//
// The error is always a *Rejection. The caller closes the Library.
func (m *Model) AdmitLibrary(ctx context.Context, core string, providers ...string) (admitted *Library, err error) {
	a, err := m.resume(ctx, EventLibrary, policy.PhaseLibrary)
	if err != nil {
		return nil, err
	}
	lib := &Library{model: m}
	defer func() {
		if admitted == nil { // also when a Recorder panics
			lib.Close()
		}
	}()
	err = lib.judge(ctx, a, append([]string{core}, providers...))
	if err := a.record(ctx, err); err != nil {
		return nil, err
	}
	m.advance(a, policy.PhaseLibrary)
	return lib, nil
}

func (l *Library) judge(ctx context.Context, a *admission, paths []string) error {
	if !slices.Contains(a.rules.Opens(policy.PhaseInspect), policy.PhaseLibrary) {
		return a.decide(policy.PhaseLibrary, l) // no rule takes any: none is read
	}
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
		name := filepath.Base(path)
		sealed, err := sealFile(ctx, path)
		if err != nil {
			return libraryFault(err, name)
		}
		l.sealed = append(l.sealed, sealed)
		digest, err := measure(ctx, sealed.Bytes())
		if err != nil {
			return libraryFault(err, name)
		}
		l.facts.Files = append(l.facts.Files, manifest.Entry{Name: name, Size: int64(len(sealed.Bytes())), Verity: digest})
	}
	l.facts.Files.Sort()
	return nil
}

func libraryFault(err error, name string) *fault {
	code := CodeUnsupported
	switch {
	case errors.Is(err, errNoRoom):
		code = CodeMemory
	case !errors.Is(err, errors.ErrUnsupported):
		return faultFor(err, name)
	}
	return &fault{Finding: codes.Finding(code, name, 0, "%v", err), err: err}
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

func sealFile(ctx context.Context, path string) (*memory.Sealed, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
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
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file with bytes in it")}
	}
	if have := available(); info.Size() > have {
		return nil, fmt.Errorf("%w: %s, and %s are left", errNoRoom, size(info.Size()), size(have))
	}
	name := filepath.Base(path)
	return memory.NewSealed(name, info.Size(), func(dst []byte) error {
		for at := 0; at < len(dst); at += hashing.Chunk {
			if err := ctx.Err(); err != nil {
				return err
			}
			chunk := dst[at:min(at+hashing.Chunk, len(dst))]
			n, err := f.ReadAt(chunk, int64(at))
			if err := full(name, chunk, n, int64(at), err); err != nil {
				return err
			}
		}
		return nil
	})
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

// Digest is the identity of the admitted libraries' manifest.
func (l *Library) Digest() manifest.Digest { return l.identity }

// Open runs open with paths to the sealed copies, unless this process has
// opened these libraries already: a process can open ONNX Runtime once. From
// the first try on, the copies stay for the life of the process, since code of
// them may run even if open failed; a later call for the same libraries tries
// the same copies again.
//
// The error is open's, ErrClosed, or a *Rejection if the process has taken
// other libraries since the admission.
func (l *Library) Open(ctx context.Context, open func(core string, providers []string) error) error {
	switch taken := process.take(l); {
	case l.identity.IsZero(), taken.IsZero():
		return ErrClosed
	case taken != l.identity:
		return l.refuseOther(ctx)
	}
	return process.open(open)
}

// refuseOther decides anew with what was opened meanwhile.
func (l *Library) refuseOther(ctx context.Context) error {
	a, err := l.model.resume(ctx, EventLibrary, policy.PhaseLibrary)
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
	if l.model == nil {
		return ErrClosed // no AdmitLibrary made it
	}
	a, err := l.model.resume(ctx, EventSession, policy.PhaseSession)
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

// Close lets go of the sealed copies, unless they were opened. It may be called
// twice.
func (l *Library) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, s := range l.sealed {
		errs = append(errs, s.Close())
	}
	l.sealed = nil
	return errors.Join(errs...)
}

// advance makes an admitted phase the model's own.
func (m *Model) advance(a *admission, p policy.Phase) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p <= m.ran {
		return // the first one counts: a model's report does not grow with its sessions
	}
	m.ran, m.facts, m.report = p, a.facts, a.report
}

// resume starts an admission that goes on from where the model is.
func (m *Model) resume(ctx context.Context, event Event, phase policy.Phase) (*admission, error) {
	if m.gate == nil {
		return nil, ErrClosed // no Gate made it
	}
	m.mu.Lock()
	report, facts, closed := *m.report, m.facts, m.closed
	m.mu.Unlock()
	a := &admission{gate: m.gate, rules: m.rules, facts: facts, report: &report, now: m.gate.cfg.Now, phase: phase}
	report.Event, report.Began = event, a.now()
	report.Decisions = slices.Clone(report.Decisions)
	report.Phases = slices.Clone(report.Phases)
	if closed {
		return nil, a.record(ctx, &fault{Finding: codes.Finding(CodeClosed, "", 0, "the model was closed"), err: ErrClosed})
	}
	return a, nil
}
