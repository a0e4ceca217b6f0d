package loader

import (
	"context"
	"errors"
	"fmt"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
)

// A State is the host's memory of numbers that only grow: the versions of lists
// and the releases of models that its loads have seen. It is what makes an older
// one that was once true a replay. It is safe for concurrent use, also by the
// Gates of other processes that share it.
//
// Whoever can set it back can replay, so it lies where no publisher of models
// writes. Its errors refuse the load, as unverifiable.
type State interface {
	// Load is the number of key, 0 if none was stored. What cannot be read is an
	// error and never 0.
	Load(ctx context.Context, key string) (uint64, error)

	// CompareAndStore makes new the number of key if it is old, and reports
	// whether it was. It returns true once a crash does not undo it any more. A
	// new that is not above old is an error.
	CompareAndStore(ctx context.Context, key string, old, new uint64) (bool, error)
}

// lookUp adds to f what the State has of the numbers in it.
func (a *admission) lookUp(ctx context.Context, f *policy.EvidenceFacts) error {
	facts := a.facts
	facts.Evidence = f
	marks := a.rules.Marks(&facts)
	if len(marks) == 0 {
		return nil
	}
	f.Marks = make(map[string]uint64, len(marks))
	for _, m := range marks {
		seen, err := a.seen(ctx, m.Key)
		if err != nil {
			return err
		}
		f.Marks[m.Key] = seen
	}
	return nil
}

// seen is the number that the State has.
func (a *admission) seen(ctx context.Context, key string) (uint64, error) {
	s := a.gate.cfg.State
	if s == nil { // New has asked the policy: it speaks against itself
		return 0, stateFault(errors.New("loader: no State"))
	}
	n, err := s.Load(ctx, key)
	if err != nil {
		return 0, stateFault(err)
	}
	return n, nil
}

// advance stores the numbers of a load that every rule has let pass, so that no
// older one passes after it. A load that only the mode audit let pass moves none.
func (a *admission) advance(ctx context.Context) error {
	if a.report.Audit {
		return nil
	}
	for _, m := range a.rules.Marks(&a.facts) {
		if err := a.raise(ctx, m, a.facts.Evidence.Marks[m.Key]); err != nil {
			return err
		}
	}
	return nil
}

// raise makes m the number of its key, from the one that was seen. Where another
// load was faster, it is looked at again: below m it was raised by that load, so
// that this ends; above m this load is the older one.
func (a *admission) raise(ctx context.Context, m policy.Mark, seen uint64) error {
	for seen < m.Value {
		stored, err := a.gate.cfg.State.CompareAndStore(ctx, m.Key, seen, m.Value)
		if err != nil {
			return stateFault(err)
		}
		if stored {
			return nil
		}
		now, err := a.seen(ctx, m.Key)
		if err != nil {
			return err
		}
		if now <= seen {
			return stateFault(fmt.Errorf("loader: the State answers %d for %s, where it had %d", now, formats.Quote(m.Key), seen))
		}
		seen = now
	}
	if seen > m.Value {
		return stateFault(fmt.Errorf("loader: %s is at %d since another load, and this one has %d", formats.Quote(m.Key), seen, m.Value))
	}
	return nil
}

// stateFault is an error of the State, or of whoever ended the load meanwhile.
func stateFault(err error) *fault {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return faultFor(err, "")
	}
	return &fault{Finding: codes.Finding(CodeState, "", 0, "%v", err), err: err}
}
