package memory

import (
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// arenas are those of a test: one that keeps memory, and one that keeps none.
func arenas(t *testing.T) map[string]*Arena {
	kept, err := NewArena(8 * Piece)
	require.NoError(t, err)
	none, err := NewArena(0)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, kept.Close())
		require.NoError(t, none.Close())
	})
	return map[string]*Arena{"kept": kept, "none": none}
}

func TestRegionFaults(t *testing.T) {
	for name, a := range arenas(t) {
		t.Run(name, func(t *testing.T) {
			r, err := a.Alloc(3*Piece + 5)
			require.NoError(t, err)
			b := r.Bytes()
			require.Len(t, b, 3*Piece+5)
			require.Equal(t, len(b), cap(b))
			require.Zero(t, uintptr(unsafe.Pointer(&b[0]))%Piece)
			require.False(t, faultsOnWrite(b))

			require.NoError(t, r.Protect(Piece, Piece))
			require.True(t, faultsOnWrite(b[Piece:2*Piece]), "the protected piece")
			require.False(t, faultsOnRead(b[Piece:2*Piece]))
			require.False(t, faultsOnWrite(b[:Piece]), "the piece before it")
			require.False(t, faultsOnWrite(b[2*Piece:]), "the piece after it")

			require.NoError(t, r.Protect(3*Piece, Piece), "the last piece reaches beyond Bytes")
			require.True(t, faultsOnWrite(b))

			require.NoError(t, r.Release())
			require.NoError(t, r.Release())
			if r.own != nil {
				require.False(t, mapped(t, b))
				return
			}
			require.True(t, faultsOnRead(b[:Piece]))
			require.True(t, faultsOnWrite(b[Piece:2*Piece]))
		})
	}
}

func TestProtectRange(t *testing.T) {
	for name, a := range arenas(t) {
		r, err := a.Alloc(2 * Piece)
		require.NoError(t, err)
		for _, c := range [][2]int64{{-Piece, Piece}, {0, -Piece}, {0, 3 * Piece}, {2 * Piece, Piece}, {1, Piece}, {0, page}, {1<<62 - 1<<62%Piece, 1 << 62}} {
			require.ErrorIs(t, r.Protect(c[0], c[1]), ErrRange, "%s: %v", name, c)
		}
		require.NoError(t, r.Protect(2*Piece, 0))
		require.False(t, faultsOnWrite(r.Bytes()))
		require.NoError(t, r.Release())
	}
}

func TestArenaReuse(t *testing.T) {
	a, err := NewArena(4 * Piece)
	require.NoError(t, err)
	defer a.Close()
	alloc := func(size int64) *Region {
		r, err := a.Alloc(size)
		require.NoError(t, err)
		return r
	}
	at := func(r *Region) int {
		require.Same(t, a, r.arena)
		return r.offset / Piece
	}

	require.Equal(t, int64(4*Piece), a.Free())
	first, second, third := alloc(Piece), alloc(Piece+1), alloc(1)
	require.Zero(t, a.Free())
	require.Equal(t, []int{0, 1, 3}, []int{at(first), at(second), at(third)})
	copy(second.Bytes(), "old")
	require.NoError(t, second.Protect(0, 2*Piece))

	beyond := alloc(1)
	require.NotNil(t, beyond.own, "the arena is full")
	require.NoError(t, beyond.Release())

	stale := second.Bytes()
	require.NoError(t, second.Release())
	require.True(t, faultsOnRead(stale[:Piece]))
	require.Equal(t, int64(2*Piece), a.Free())
	large := alloc(3 * Piece)
	require.NotNil(t, large.own, "no gap is wide enough")
	require.NoError(t, large.Release())

	again := alloc(2 * Piece)
	require.Equal(t, 1, at(again))
	require.False(t, faultsOnWrite(again.Bytes()))
	require.False(t, faultsOnWrite(first.Bytes()))
	require.False(t, faultsOnWrite(third.Bytes()))
	for _, r := range []*Region{first, again, third} {
		require.NoError(t, r.Release())
	}
	whole := alloc(4 * Piece)
	require.Zero(t, at(whole))
	require.NoError(t, whole.Release())
	require.NoError(t, a.Close())
	require.Zero(t, a.Free())
}

func TestArenaIsResident(t *testing.T) {
	a, err := NewArena(4 * Piece)
	require.NoError(t, err)
	defer a.Close()
	r, err := a.Alloc(4 * Piece)
	require.NoError(t, err)
	defer r.Release()
	b := r.Bytes()
	state := make([]byte, len(b)/os.Getpagesize())
	_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), uintptr(unsafe.Pointer(&state[0])))
	require.Zero(t, errno)
	require.NotContains(t, state, byte(0))
}

func TestArenaClose(t *testing.T) {
	a, err := NewArena(2 * Piece)
	require.NoError(t, err)
	inside, err := a.Alloc(1)
	require.NoError(t, err)
	outside, err := a.Alloc(2 * Piece)
	require.NoError(t, err)
	require.NotNil(t, outside.own)

	require.NoError(t, a.Close())
	require.NoError(t, a.Close())
	for _, size := range []int64{0, 1} {
		_, err = a.Alloc(size)
		require.ErrorIs(t, err, ErrClosed)
	}

	b := inside.Bytes()
	require.False(t, faultsOnWrite(b))
	require.False(t, faultsOnWrite(outside.Bytes()))
	require.NoError(t, inside.Release())
	require.False(t, mapped(t, b), "with its last region the arena is unmapped")
	require.NoError(t, outside.Release())

	a, err = NewArena(Piece)
	require.NoError(t, err)
	all := a.pages.all
	require.True(t, mapped(t, all))
	require.NoError(t, a.Close())
	require.False(t, mapped(t, all), "without regions it is unmapped at once")
}

func TestSizes(t *testing.T) {
	for _, size := range []int64{-1, -1 << 63, 1<<63 - 1} {
		_, err := NewArena(size)
		require.ErrorIs(t, err, ErrRange)
	}
	for name, a := range arenas(t) {
		for _, size := range []int64{-1, 1<<63 - 1} {
			_, err := a.Alloc(size)
			require.ErrorIs(t, err, ErrRange, name)
		}
		_, err := a.Alloc(1 << 60)
		require.ErrorIs(t, err, unix.ENOMEM, name)
		r, err := a.Alloc(0)
		require.NoError(t, err)
		require.Empty(t, r.Bytes())
		require.NoError(t, r.Release())
	}
	_, err := NewArena(1 << 60)
	require.ErrorIs(t, err, unix.ENOMEM)
}

// TestConcurrent lets holders mark their regions and look whether anyone else
// did.
func TestConcurrent(t *testing.T) {
	for _, a := range arenas(t) {
		var wg sync.WaitGroup
		for worker := range 8 {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(1, uint64(worker)))
				for range 200 {
					r, err := a.Alloc(1 + random.Int64N(3*Piece))
					if err != nil {
						t.Error(err)
						return
					}
					b := r.Bytes()
					b[0], b[len(b)-1] = byte(worker), byte(worker)
					if random.IntN(2) == 0 {
						err = r.Protect(0, Piece)
					}
					if err != nil || b[0] != byte(worker) || b[len(b)-1] != byte(worker) {
						t.Error("another holder wrote here", err)
					}
					var both sync.WaitGroup
					for range 2 {
						both.Go(func() {
							if err := r.Release(); err != nil {
								t.Error(err)
							}
						})
					}
					both.Wait()
				}
			})
		}
		wg.Wait()
		require.Empty(t, a.held)
	}
}

func TestNoLeaks(t *testing.T) {
	file := fileOf(t, make([]byte, page))
	round := func() {
		a, err := NewArena(Piece)
		require.NoError(t, err)
		for _, size := range []int64{1, 3 * Piece} {
			r, err := a.Alloc(size)
			require.NoError(t, err)
			require.NoError(t, r.Release())
		}
		require.NoError(t, a.Close())

		m, err := MapFile(file, page)
		require.NoError(t, err)
		require.NoError(t, m.Unmap())
		require.NoError(t, m.Unmap())

		s, err := NewSealed("leak-check", page, func([]byte) error { return nil })
		require.NoError(t, err)
		require.NoError(t, s.Close())
		_, err = NewSealed("leak-check", page, func([]byte) error { return os.ErrInvalid })
		require.ErrorIs(t, err, os.ErrInvalid)
	}
	descriptors := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		require.NoError(t, err)
		return len(entries)
	}
	round()
	fds, before := descriptors(), len(maps(t))
	for range 100 {
		round()
	}
	require.Less(t, len(maps(t)), before+50, "the Go runtime maps a little, 100 leaks are more")
	require.Equal(t, fds, descriptors())
	require.False(t, mappedByName(t, "leak-check"))
	require.False(t, mappedByName(t, strings.TrimSpace(file.Name())))
}
