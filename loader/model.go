package loader

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

// What a Model answers instead of bytes.
var (
	// ErrPending says that the policy has rules for the runtime library or the
	// session that were not met yet.
	ErrPending = errors.New("weightgate: pending: the policy has rules that were not met yet")

	// ErrClosed says that the Model was closed.
	ErrClosed = errors.New("loader: the model is closed")

	// ErrNoTensor says that the model has no tensor of that ID, or one whose
	// bytes lie in no place of their own (formats.Tensor.Inline).
	ErrNoTensor = errors.New("loader: no such tensor")
)

// A Model is what a Gate admitted: verified bytes in memory that nobody else
// can write, and what is known of them. Only Gate.Load makes one.
//
// It is safe for concurrent use. Its bytes are read-only: writing to them
// faults. They live until Close was called and the last View, Hold and open
// file is done.
type Model struct {
	gate    *Gate
	rules   *policy.Rules
	limits  formats.Limits
	tensors []formats.Tensor
	byID    map[formats.TensorID]int
	staged  *staged
	derived []*derivedFile

	mu     sync.Mutex
	refs   int // views, holds and open files, and one until Close
	closed bool
	facts  policy.Facts
	report *Report      // replaced, never changed, when a later phase decides
	ran    policy.Phase // the last phase that was admitted
}

// model takes the verified bytes over.
func (a *admission) model(c *content) *Model {
	m := &Model{
		gate: a.gate, rules: a.rules, limits: a.limits, tensors: c.tensors, derived: c.derived, staged: a.staged,
		facts: a.facts, report: a.report, refs: 1, ran: policy.PhaseInspect,
		byID: make(map[formats.TensorID]int, len(c.tensors)),
	}
	a.staged = nil
	for i, t := range c.tensors {
		m.byID[t.ID] = i
	}
	return m
}

// Tensors lists the tensors of all files, in the order of the files and within
// them. The caller owns the slice, not the shapes in it.
func (m *Model) Tensors() []formats.Tensor { return slices.Clone(m.tensors) }

// Identity is the digest of the model's manifest: measured by this load.
func (m *Model) Identity() manifest.Digest { return m.Report().Identity }

// Derived is the digest of the manifest of what conversions made of the model:
// what the lock lists under derived. It is zero if nothing was converted. Where
// the lock has the recipe by which this load made it (Report.Recipe), from bytes
// that this load measured, the digest is the lock's and was not measured anew.
func (m *Model) Derived() manifest.Digest { return m.Report().Derived }

// Vouched reports whether a pin or a signature stands behind the model. It is
// false only for a name that the policy asks neither for and the lock does not
// have, where an exception waives them, and for what only the mode audit let pass.
func (m *Model) Vouched() bool { return m.Report().Vouched }

// Limits are those that the model was admitted under: a second reader of its
// files takes no more than the first.
func (m *Model) Limits() formats.Limits { return m.limits }

// Verdict is policy.Admitted, or policy.Pending while the policy has rules for
// the runtime library or the session that were not met yet. What only the mode
// audit let pass keeps policy.Denied, or policy.Unverifiable.
func (m *Model) Verdict() policy.Verdict { return m.Report().Verdict }

// Report is what is known of the model by now. It is not changed.
func (m *Model) Report() *Report {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.report == nil { // no Gate made it
		return &Report{}
	}
	return m.report
}

// View lends the bytes of a tensor to f: little-endian, row-major. They are
// f's until it returns: writing to them faults, and later they are no more than
// an address, which faults or shows whatever lies there then.
//
// The error is f's, ErrNoTensor, ErrClosed, or ErrPending while the policy has
// library or session rules that were not met yet.
func (m *Model) View(id formats.TensorID, f func(b []byte) error) error {
	b, release, err := m.lend(id, policy.PhaseSession)
	if err != nil {
		return err
	}
	defer release()
	return f(b)
}

// Hold lends the bytes of a tensor until release is called, which may be done
// more than once. It is for runtimes: it answers ErrPending only until the
// policy's library rules were met.
func (m *Model) Hold(id formats.TensorID) (b []byte, release func(), err error) {
	return m.lend(id, policy.PhaseLibrary)
}

// lend gives the bytes of a tensor once every phase up to the given one that
// has rules was admitted.
func (m *Model) lend(id formats.TensorID, until policy.Phase) ([]byte, func(), error) {
	i, ok := m.byID[id]
	if !ok || m.tensors[i].Inline {
		return nil, nil, fmt.Errorf("%w: %s", ErrNoTensor, formats.Quote(id.String()))
	}
	m.mu.Lock()
	ran := m.ran
	m.mu.Unlock()
	for _, open := range m.rules.Opens(ran) {
		if open <= until {
			return nil, nil, ErrPending
		}
	}
	release, err := m.acquire()
	if err != nil {
		return nil, nil, err
	}
	place := m.tensors[i].Place
	if d := derivedNamed(m.derived, place.File); d != nil {
		b, _ := d.slice(place) // inspection saw to it that it is one piece
		return b, release, nil
	}
	f, _ := m.staged.find(place.File)
	return f.bytes[place.Offset:place.End():place.End()], release, nil
}

// acquire keeps the bytes alive until its result is called, once or more often.
func (m *Model) acquire() (release func(), err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || m.staged == nil { // no Gate made it
		return nil, ErrClosed
	}
	m.refs++
	return sync.OnceFunc(m.drop), nil
}

func (m *Model) drop() {
	m.mu.Lock()
	m.refs--
	last := m.refs == 0
	m.mu.Unlock()
	if last {
		m.staged.release()
	}
}

// Close lets go of the model. Its bytes are freed when the last View, Hold and
// open file is done. It may be called at any time, and twice.
func (m *Model) Close() error {
	m.mu.Lock()
	closed := m.closed
	m.closed = true
	m.mu.Unlock()
	if !closed && m.staged != nil {
		m.drop()
	}
	return nil
}

// FS is the files of the model as they were verified: every file that was
// admitted, graphs and companions included, what conversions made beside what
// they made it of, and nothing that files.only left out. Open files implement io.ReaderAt and io.Seeker and keep the bytes alive
// until they are closed. After Close nothing opens any more.
func (m *Model) FS() fs.FS { return modelFS{m} }
