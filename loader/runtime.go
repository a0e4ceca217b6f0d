package loader

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"

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
	sealed []sealedLibrary // in the order core, providers; none once closed or opened
}

// A sealedLibrary is the copy of a library, and what it is a copy of.
type sealedLibrary struct {
	*memory.Sealed
	entry manifest.Entry // of the copy
	from  fs.FileInfo    // of the file, before it was read
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
	if err := namedOnce(paths); err != nil {
		return err
	}
	l.facts.Opened = process.identity()
	if err := l.seal(ctx, a, paths, !l.facts.Opened.IsZero()); err != nil {
		return err
	}
	l.identity = l.facts.Files.Identity()
	return a.decide(policy.PhaseLibrary, l)
}

// namedOnce refuses libraries that would stand under one name.
func namedOnce(paths []string) error {
	names := map[string]bool{}
	for _, path := range paths {
		name := filepath.Base(path)
		if names[name] {
			return &fault{Finding: codes.Finding(CodeTwice, name, 0, "named twice among the runtime's libraries")}
		}
		names[name] = true
	}
	return nil
}

func (l *Library) addTo(f *policy.Facts) { f.Library = &l.facts }

// seal copies each library once and measures the copy where it was sealed. A
// process that has opened libraries takes no others: then they are only
// measured, and what runs is what was sealed before. A file that is still the
// one that was sealed is not even read: its bytes are used by nobody any more.
func (l *Library) seal(ctx context.Context, a *admission, paths []string, opened bool) error {
	defer a.timed("seal libraries")()
	for _, path := range paths {
		name := filepath.Base(path)
		file, err := openLibrary(ctx, path)
		if err != nil {
			return libraryFault(err, name)
		}
		entry, known := process.sealedFrom(file)
		switch {
		case known:
		case opened:
			entry, err = file.measure(ctx)
		default:
			entry, err = l.keep(ctx, file)
		}
		file.Close()
		if err != nil {
			return libraryFault(err, name)
		}
		l.facts.Files = append(l.facts.Files, entry)
	}
	l.facts.Files.Sort()
	return nil
}

// keep seals a copy of the file and measures the copy.
func (l *Library) keep(ctx context.Context, file *libraryFile) (manifest.Entry, error) {
	sealed, err := memory.NewSealed(file.name, file.size, func(dst []byte) error {
		for at := int64(0); at < file.size; at += hashing.Chunk {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := file.read(dst[at:min(at+hashing.Chunk, file.size)], at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return manifest.Entry{}, err
	}
	l.sealed = append(l.sealed, sealedLibrary{Sealed: sealed, from: file.info})
	copied := &l.sealed[len(l.sealed)-1]
	copied.entry, err = file.entry(ctx, func(offset int64, n int) ([]byte, error) { return sealed.Bytes()[offset:][:n], nil })
	return copied.entry, err
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

// Digest is the identity of the admitted libraries' manifest.
func (l *Library) Digest() manifest.Digest { return l.identity }

// Open runs open with paths to the sealed copies, unless this process has
// opened these libraries already: a process can open ONNX Runtime once. From
// the first try on, the copies stay for the life of the process, since code of
// them may run even if open failed; a later call for the same libraries tries
// the same copies again, by the same paths.
//
// A core that has providers stands beside them, each under the name of its file,
// in a private directory that is gone when open returns: what the core is
// to find there it has to open until then.
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
