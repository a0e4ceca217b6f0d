package memory

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestSealsHold(t *testing.T) {
	content := bytes.Repeat([]byte("library "), page)
	s, err := NewSealed("library", int64(len(content)), func(dst []byte) error {
		copy(dst, content)
		return nil
	})
	require.NoError(t, err)
	defer s.Close()
	require.Equal(t, content, s.Bytes())
	for _, line := range maps(t) {
		if strings.Contains(line, "memfd:library") {
			require.Contains(t, line, " r--p ", "what fill wrote to is gone")
		}
	}
	require.True(t, faultsOnWrite(s.Bytes()))

	reopened := func(flags int) int {
		fd, err := unix.Open(s.Path(), flags|unix.O_CLOEXEC, 0)
		require.NoError(t, err)
		t.Cleanup(func() { unix.Close(fd) })
		return fd
	}
	for name, fd := range map[string]int{"its descriptor": int(s.Fd()), "opened again": reopened(unix.O_RDWR)} {
		_, err := unix.Pwrite(fd, []byte("x"), 0)
		require.ErrorIs(t, err, unix.EPERM, "%s: write", name)
		_, err = unix.Mmap(fd, 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		require.ErrorIs(t, err, unix.EPERM, "%s: map", name)
		require.ErrorIs(t, unix.Ftruncate(fd, 1), unix.EPERM, "%s: shrink", name)
		require.ErrorIs(t, unix.Ftruncate(fd, int64(len(content))+1), unix.EPERM, "%s: grow", name)
		require.ErrorIs(t, unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, page), unix.EPERM, "%s: punch", name)
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_FUTURE_WRITE)
		require.ErrorIs(t, err, unix.EPERM, "%s: seal", name)
	}
	_, err = unix.Open(s.Path(), unix.O_RDWR|unix.O_TRUNC, 0)
	require.ErrorIs(t, err, unix.EPERM)

	got, err := os.ReadFile(s.Path())
	require.NoError(t, err)
	require.Equal(t, content, got)

	code, err := unix.Mmap(int(s.Fd()), 0, page, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE)
	require.NoError(t, err, "a dynamic linker maps it as code")
	require.NoError(t, unix.Munmap(code))
}

func TestSealedClose(t *testing.T) {
	s, err := NewSealed("closed", page, func([]byte) error { return nil })
	require.NoError(t, err)
	require.Equal(t, make([]byte, page), s.Bytes())
	require.True(t, mappedByName(t, "memfd:closed"))
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	require.False(t, mappedByName(t, "memfd:closed"))
}

// A file may have a longer name than what is sealed.
func TestSealedOfALongName(t *testing.T) {
	s, err := NewSealed(strings.Repeat("n", 255), page, func([]byte) error { return nil })
	require.NoError(t, err)
	require.True(t, mappedByName(t, "memfd:"+strings.Repeat("n", 249)+" (deleted)"))
	require.NoError(t, s.Close())
}

func TestSealedIsReachable(t *testing.T) {
	s, other := sealedText(t, "core"), sealedText(t, "other")
	require.NoError(t, s.Reachable())
	require.ErrorContains(t, s.reachedBy(other.Path()), "elsewhere")
	require.ErrorContains(t, s.reachedBy("/no/proc/self/fd/3"), "is /proc mounted")
	require.NoError(t, s.Close())
	require.Error(t, s.Reachable())
}

func TestSealedFails(t *testing.T) {
	for _, size := range []int64{0, page} {
		failed := errors.New("nothing to fill it with")
		s, err := NewSealed("failed", size, func([]byte) error { return failed })
		require.ErrorIs(t, err, failed)
		require.Nil(t, s)
	}
	for _, size := range []int64{-1, -1 << 63} {
		_, err := NewSealed("negative", size, nil)
		require.ErrorIs(t, err, ErrRange)
	}
	require.ErrorIs(t, ErrUnsupported, errors.ErrUnsupported)
}

func TestSealedEmpty(t *testing.T) {
	s, err := NewSealed("empty", 0, func(dst []byte) error {
		require.Empty(t, dst)
		return nil
	})
	require.NoError(t, err)
	defer s.Close()
	require.Empty(t, s.Bytes())
	_, err = unix.Pwrite(int(s.Fd()), []byte("x"), 0)
	require.ErrorIs(t, err, unix.EPERM)
}
