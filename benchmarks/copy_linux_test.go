package benchmarks

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// kept is memory for one file: whole blocks, which O_DIRECT asks for.
type kept struct {
	room []byte
	size int64 // of the file
}

// keptFor is private memory for the job's files: resident, in huge pages if
// there are any, as a gate keeps its own.
func keptFor(j job) ([]kept, error) {
	all, b, err := mappedFor(j)
	if err != nil {
		return nil, err
	}
	return all, unix.Madvise(b, unix.MADV_POPULATE_WRITE)
}

// mappedFor is the same, and none of it resident yet. b is all of it.
func mappedFor(j job) (all []kept, b []byte, err error) {
	total := int64(0)
	for _, name := range j.Files {
		info, err := os.Stat(j.path(name))
		if err != nil {
			return nil, nil, err
		}
		all = append(all, kept{size: info.Size()})
		total += blocks(info.Size())
	}
	b, err = unix.Mmap(-1, 0, int(total), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, nil, err
	}
	_ = unix.Madvise(b, unix.MADV_HUGEPAGE) // small ones do, too
	at := int64(0)
	for i := range all {
		n := blocks(all[i].size)
		all[i].room = b[at : at+n : at+n]
		at += n
	}
	return all, b, nil
}

// blocks is size, rounded up to whole blocks.
func blocks(size int64) int64 { return (size + block - 1) &^ (block - 1) }

// readAll reads a file on all cores.
func readAll(into []byte, path string, size int64) error {
	return readBy(runtime.GOMAXPROCS(0), chunk, into, path, size, 0)
}

// Of reads by O_DIRECT so many are under way at a time: storage answers them
// side by side, and no core has work to do.
const (
	directReaders = 8
	directPiece   = 1 << 20
)

// readDirect reads a file past the page cache.
func readDirect(into []byte, path string, size int64) error {
	err := readBy(directReaders, directPiece, into, path, size, unix.O_DIRECT)
	if errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("%w: %s cannot be read by O_DIRECT: %w", errNotCold, filepath.Base(path), err)
	}
	return err
}

// readBy reads a file in pieces, so many at a time.
func readBy(readers, piece int, into []byte, path string, size int64, flags int) error {
	f, err := os.OpenFile(path, os.O_RDONLY|flags, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return inPieces(readers, piece, int(size), func(from, to int) error {
		n, err := unix.Pread(int(f.Fd()), into[from:min(from+piece, len(into))], int64(from))
		if err == nil && n < to-from {
			err = io.ErrUnexpectedEOF
		}
		return err
	})
}

// chunk is the unit in which cores share a file.
const chunk = 128 * block

// inChunks calls do for every chunk of n bytes, on all cores.
func inChunks(n int, do func(from, to int) error) error {
	return inPieces(runtime.GOMAXPROCS(0), chunk, n, do)
}

// inPieces calls do for every piece of n bytes, by so many workers.
func inPieces(workers, piece, n int, do func(from, to int) error) error {
	var next atomic.Int64
	var group errgroup.Group
	for range workers {
		group.Go(func() error {
			for {
				to := int(next.Add(int64(piece)))
				if to-piece >= n {
					return nil
				}
				if err := do(to-piece, min(to, n)); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}
