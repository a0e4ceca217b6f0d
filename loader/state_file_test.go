package loader

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFileState(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "state")
	s := FileState(path)

	n, err := s.Load(ctx, "a")
	require.NoError(t, err)
	require.Zero(t, n)

	for _, step := range []struct {
		key      string
		old, new uint64
		stored   bool
	}{
		{"a", 0, 7, true},
		{"a", 0, 8, false},
		{"a", 6, 9, false},
		{"a", 7, math.MaxUint64, true},
		{"b \"\n\x00\xff\u202e", 0, 1, true},
		{"b \"\n\x00\xff\u202e", 1, 2, true},
		{"c", 1, 2, false},
	} {
		stored, err := FileState(path).CompareAndStore(ctx, step.key, step.old, step.new)
		require.NoError(t, err)
		require.Equal(t, step.stored, stored, step)
	}
	for key, want := range map[string]uint64{"a": math.MaxUint64, "b \"\n\x00\xff\u202e": 2, "c": 0} {
		n, err := FileState(path).Load(ctx, key)
		require.NoError(t, err)
		require.Equal(t, want, n, key)
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o077)
	require.NoFileExists(t, path+".new")
}

// Numbers never go back, and what cannot be stored is refused before anything
// is written.
func TestFileStateRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	for _, c := range []struct {
		key      string
		old, new uint64
	}{
		{"a", 0, 0}, {"a", 5, 5}, {"a", 5, 4}, {"", 0, 1}, {strings.Repeat("k", maxKey+1), 0, 1},
	} {
		stored, err := FileState(path).CompareAndStore(context.Background(), c.key, c.old, c.new)
		require.ErrorIs(t, err, ErrState)
		require.False(t, stored)
	}
	require.NoFileExists(t, path)

	numbers := map[string]uint64{}
	for i := range 1 << 17 {
		numbers[fmt.Sprintf("key %d", i)] = 1
	}
	require.ErrorIs(t, fileState(path).write(numbers), ErrState)
	require.NoFileExists(t, path)

	done, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := FileState(path).Load(done, "a")
	require.ErrorIs(t, err, context.Canceled)
}

// What FileState has not written is an error, and never 0: every byte of a file
// changed, dropped and doubled, and every prefix of it.
func TestFileStateIsStrict(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	good := encodeState(map[string]uint64{"a": 17, "revocation/ä": 3})
	numbers, err := parseState(good)
	require.NoError(t, err)
	require.Equal(t, map[string]uint64{"a": 17, "revocation/ä": 3}, numbers)

	var spoilt [][]byte
	for i := range good {
		flipped := append([]byte(nil), good...)
		flipped[i] ^= 1
		spoilt = append(spoilt, flipped, good[:i],
			append(append([]byte(nil), good[:i]...), good[i+1:]...),
			append(append([]byte(nil), good[:i+1]...), good[i:]...))
	}
	spoilt = append(spoilt, append(append([]byte(nil), good...), '\n'), make([]byte, maxState+1))
	for _, b := range spoilt {
		require.NoError(t, os.WriteFile(path, b, 0o600))
		n, err := FileState(path).Load(context.Background(), "a")
		require.ErrorIs(t, err, ErrState, "%q", b)
		require.Zero(t, n)
	}
	_, err = FileState(path).CompareAndStore(context.Background(), "a", 0, 1)
	require.ErrorIs(t, err, ErrState)

	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Mkdir(path, 0o700))
	_, err = FileState(path).Load(context.Background(), "a")
	require.Error(t, err)
}

// A writer waits for another one until its context ends.
func TestFileStateWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	unlock, err := fileState(path).lock(context.Background())
	require.NoError(t, err)
	ctx, cancel := context.WithCancelCause(context.Background())
	answered := make(chan error)
	go func() {
		_, err := FileState(path).CompareAndStore(ctx, "a", 0, 1)
		answered <- err
	}()
	cancel(errors.New("enough"))
	require.ErrorIs(t, <-answered, context.Canceled)
	require.NoError(t, unlock())
	stored, err := FileState(path).CompareAndStore(context.Background(), "a", 0, 1)
	require.NoError(t, err)
	require.True(t, stored)
}

func TestFileStateConcurrent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 10 {
				if err := countOne(FileState(path)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	n, err := FileState(path).Load(context.Background(), "n")
	require.NoError(t, err)
	require.EqualValues(t, 40, n)
}

// countOne adds 1 to the number n.
func countOne(s State) error {
	for {
		old, err := s.Load(context.Background(), "n")
		if err != nil {
			return err
		}
		stored, err := s.CompareAndStore(context.Background(), "n", old, old+1)
		if err != nil || stored {
			return err
		}
	}
}

// A link in the place of the file is not nothing seen, wherever it leads.
func TestFileStateOfALink(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "link")
	require.NoError(t, os.Symlink(real, link))
	for range 2 {
		_, err := FileState(link).Load(context.Background(), "k")
		require.ErrorIs(t, err, ErrState)
		_, err = FileState(link).CompareAndStore(context.Background(), "k", 0, 1)
		require.ErrorIs(t, err, ErrState)
		_, err = FileState(real).CompareAndStore(context.Background(), "k", 0, 5)
		require.NoError(t, err)
	}
}
