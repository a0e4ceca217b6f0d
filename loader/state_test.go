package loader

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
)

// memoryState is a State that lasts as long as a test, and what else happens
// before it compares.
type memoryState struct {
	mu      sync.Mutex
	numbers map[string]uint64
	before  func(numbers map[string]uint64)
	err     error
}

func (s *memoryState) Load(_ context.Context, key string) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.numbers[key], s.err
}

func (s *memoryState) CompareAndStore(_ context.Context, key string, old, new uint64) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.before != nil {
		s.before(s.numbers)
	}
	if s.err != nil || s.numbers[key] != old {
		return false, s.err
	}
	if s.numbers == nil {
		s.numbers = map[string]uint64{}
	}
	s.numbers[key] = new
	return true, nil
}

// Numbers only grow, whoever else raises them meanwhile.
func TestRaise(t *testing.T) {
	broken := errors.New("disk on fire")
	for name, c := range map[string]struct {
		seen   uint64
		before func(numbers map[string]uint64)
		err    error
		want   uint64
		code   formats.Code
		cause  error
	}{
		"first":                 {want: 5},
		"higher":                {seen: 4, want: 5},
		"the same":              {seen: 5, want: 5},
		"older":                 {seen: 6, want: 6, code: CodeState},
		"another, below":        {seen: 1, before: func(n map[string]uint64) { n["k"] = max(n["k"], 3) }, want: 5},
		"another, equal":        {seen: 1, before: func(n map[string]uint64) { n["k"] = 5 }, want: 5},
		"another, above":        {seen: 1, before: func(n map[string]uint64) { n["k"] = 9 }, want: 9, code: CodeState},
		"another sets it back":  {seen: 3, before: func(n map[string]uint64) { n["k"] = 1 }, want: 1, code: CodeState},
		"it fails":              {seen: 3, err: broken, want: 3, code: CodeState, cause: broken},
		"its context has ended": {seen: 3, err: context.Canceled, want: 3, code: CodeCanceled, cause: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			s := &memoryState{numbers: map[string]uint64{"k": c.seen}, before: c.before, err: c.err}
			a := &admission{gate: &Gate{cfg: Config{State: s}}}
			err := a.raise(context.Background(), policy.Mark{Key: "k", Value: 5}, c.seen)
			require.Equal(t, c.want, s.numbers["k"])
			if c.code == "" {
				require.NoError(t, err)
				return
			}
			f, ok := errors.AsType[*fault](err)
			require.True(t, ok, err)
			require.Equal(t, c.code, f.Code)
			require.Equal(t, formats.Unverifiable, f.Class)
			if c.cause != nil {
				require.ErrorIs(t, err, c.cause)
			}
		})
	}
}
