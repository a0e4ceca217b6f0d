package memory

import (
	"errors"
	"fmt"
	"math"

	"golang.org/x/sys/unix"
)

// seals end every way to change the content or to take a seal off
// (https://man7.org/linux/man-pages/man2/F_GET_SEALS.2const.html).
const seals = unix.F_SEAL_WRITE | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// NewSealed is sealed memory of size bytes, whose content fill writes. dst is
// fill's until it returns; a slice kept longer faults. The name is shown by the
// system, cut after 249 bytes, and need not be unique.
func NewSealed(name string, size int64, fill func(dst []byte) error) (*Sealed, error) {
	if size < 0 || size > math.MaxInt {
		return nil, fmt.Errorf("%w: %d sealed bytes", ErrRange, size)
	}
	const longest = 249 // a longer one is an error (https://man7.org/linux/man-pages/man2/memfd_create.2.html)
	fd, err := unix.MemfdCreate(name[:min(len(name), longest)], unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if errors.Is(err, unix.ENOSYS) {
		return nil, ErrUnsupported
	}
	if err != nil {
		return nil, fmt.Errorf("memory: memfd_create: %w", err)
	}
	s := &Sealed{fd: fd}
	if err := s.make(int(size), fill); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// make fills, unmaps, seals and maps again, in this order: the kernel sets no
// seal against writing while a writable mapping exists.
func (s *Sealed) make(size int, fill func([]byte) error) error {
	if err := unix.Ftruncate(s.fd, int64(size)); err != nil {
		return fmt.Errorf("memory: sizing sealed memory: %w", err)
	}
	if err := s.fill(size, fill); err != nil {
		return err
	}
	if _, err := unix.FcntlInt(uintptr(s.fd), unix.F_ADD_SEALS, seals); err != nil {
		return fmt.Errorf("memory: sealing: %w", err)
	}
	if size == 0 {
		return nil
	}
	// Private, since kernels before 6.7 refuse a shared mapping of what is sealed.
	b, err := unix.Mmap(s.fd, 0, size, unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return fmt.Errorf("memory: mapping sealed memory: %w", err)
	}
	s.bytes = b
	return nil
}

func (s *Sealed) fill(size int, fill func([]byte) error) (err error) {
	if size == 0 {
		return fill(nil)
	}
	b, err := unix.Mmap(s.fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("memory: mapping memory to be sealed: %w", err)
	}
	defer func() { err = errors.Join(err, unix.Munmap(b)) }()
	preferHuge(b)
	if err := populate(b); err != nil {
		return err
	}
	return fill(b)
}

// Reachable says what is wrong if Path does not lead to the content: it does
// not where /proc is not mounted.
func (s *Sealed) Reachable() error { return s.reachedBy(s.Path()) }

func (s *Sealed) reachedBy(path string) error {
	var ours, found unix.Stat_t
	if err := unix.Fstat(s.fd, &ours); err != nil {
		return fmt.Errorf("memory: looking at sealed memory: %w", err)
	}
	if err := unix.Stat(path, &found); err != nil {
		return fmt.Errorf("memory: %s does not lead to sealed memory; is /proc mounted, and may links be followed? %w", path, err)
	}
	if found.Dev != ours.Dev || found.Ino != ours.Ino {
		return fmt.Errorf("memory: %s leads elsewhere than to sealed memory", path)
	}
	return nil
}

// Close unmaps the content and closes the descriptor. Other descriptors and
// mappings of it stay valid. Further calls do nothing.
func (s *Sealed) Close() (err error) {
	s.close.Do(func() {
		if s.bytes != nil {
			err = unix.Munmap(s.bytes)
		}
		err = errors.Join(err, unix.Close(s.fd))
	})
	return err
}
