package benchmarks

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/weightgate/weightgate/loader"
)

// The ways of loading a model of one file.
const (
	mmapUnverified = "mmap, unverified"
	copyUnverified = "copy, unverified"
	hashThenLoad   = "hash, then load"
	throughGate    = "gate"
	throughSHA256  = "gate, sha256"
	throughFresh   = "gate, no kept memory"
	leavesLimit    = "limit: leaves"
	chainLimit     = "limit: chain"
)

func loadWays() []way {
	return []way{
		{mmapUnverified, here(prepareMmap)},
		{copyUnverified, here(prepareCopy)},
		{hashThenLoad, here(prepareHashThenLoad)},
		{throughGate, here(prepareGate("", true))},
		{throughSHA256, here(prepareGate("measure: [sha256]", true))},
		{throughFresh, here(prepareGate("", false))},
		{leavesLimit, here(prepareLeaves)},
		{chainLimit, here(prepareChain)},
	}
}

func BenchmarkLoadWarm(b *testing.B) {
	j, size := gibibyte().published(b)
	title := fmt.Sprintf("Load of %d MiB of safetensors, page cache warm", size>>20)
	j.benchmark(b, title, 7, size,
		[]string{mmapUnverified, copyUnverified, hashThenLoad, throughGate, throughSHA256, throughFresh, leavesLimit, chainLimit},
		[]comparison{
			{"gate/leaves", throughGate, leavesLimit, 0.90},
			{"sha256/chain", throughSHA256, chainLimit, 0.95},
			{"gate/hash-then-load", throughGate, hashThenLoad, 1},
			{"sha256/hash-then-load", throughSHA256, hashThenLoad, 1},
			{"fresh/leaves", throughFresh, leavesLimit, 0},
			{"gate/copy", throughGate, copyUnverified, 0},
			{"gate/mmap", throughGate, mmapUnverified, 0},
		})
}

func BenchmarkLoadCold(b *testing.B) {
	j, size := gibibyte().published(b)
	j.Cold = true
	title := fmt.Sprintf("Load of %d MiB of safetensors, page cache cold", size>>20)
	j.benchmark(b, title, 5, size,
		[]string{mmapUnverified, copyUnverified, hashThenLoad, throughGate, throughSHA256},
		[]comparison{
			{"gate/copy", throughGate, copyUnverified, 0},
			{"gate/mmap", throughGate, mmapUnverified, 0},
			{"gate/hash-then-load", throughGate, hashThenLoad, 1},
		})
}

func BenchmarkAdmission(b *testing.B) {
	j, size := mebibyte().published(b)
	j.Repeat = 100
	title := fmt.Sprintf("Admission of %d KiB of safetensors, page cache warm, no recorder, median of %d in a process; a gate is to take 3 ms at most", size>>10, j.Repeat)
	j.benchmark(b, title, 7, size,
		[]string{copyUnverified, hashThenLoad, throughGate, throughFresh},
		[]comparison{{"gate/hash-then-load", throughGate, hashThenLoad, 0}})
}

// prepareMmap maps the file and touches every page of it.
func prepareMmap(j job) (func() (*held, error), error) {
	return func() (*held, error) {
		return overMapping(j, func(b []byte) (digest, error) {
			sum := byte(0)
			for at := 0; at < len(b); at += 4096 {
				sum += b[at]
			}
			runtime.KeepAlive(sum)
			return func() (string, error) { return hexSum(bytes.NewReader(b)) }, nil
		})
	}, nil
}

// prepareCopy reads the file on all cores into memory that is kept.
func prepareCopy(j job) (func() (*held, error), error) {
	kept, err := keptFor(j)
	if err != nil {
		return nil, err
	}
	return func() (*held, error) {
		if err := readInto(kept, j.path(j.Files[0])); err != nil {
			return nil, err
		}
		return &held{
			copied:  int64(len(kept)),
			digest:  func() (string, error) { return hexSum(bytes.NewReader(kept)) },
			release: func() error { return nil },
		}, nil
	}, nil
}

// prepareHashThenLoad is what is done today: the file's SHA-256, then the load,
// which reads the file once more and knows nothing of the first time.
func prepareHashThenLoad(j job) (func() (*held, error), error) {
	load, err := prepareCopy(j)
	if err != nil {
		return nil, err
	}
	return func() (*held, error) {
		f, err := os.Open(j.path(j.Files[0]))
		if err != nil {
			return nil, err
		}
		defer f.Close()
		h := sha256.New()
		n, err := io.Copy(h, f)
		if err != nil {
			return nil, err
		}
		held, err := load()
		if err != nil {
			return nil, err
		}
		held.copied += n // through a buffer
		held.digest = func() (string, error) { return hex.EncodeToString(h.Sum(nil)), nil }
		return held, nil
	}, nil
}

// prepareGate loads through a gate with pins, under the job's policy and this
// further term.
func prepareGate(term string, keep bool) preparation {
	return func(j job) (func() (*held, error), error) {
		if term != "" {
			j.Policy = policyFor("formats: [safetensors], pin: required, " + term)
		}
		arena := int64(0)
		if keep {
			info, err := os.Stat(j.path(j.Files[0]))
			if err != nil {
				return nil, err
			}
			arena = info.Size()
		}
		gate, err := j.gate(safetensorsOnly(), arena)
		if err != nil {
			return nil, err
		}
		return func() (*held, error) {
			m, err := gate.Load(context.Background(), modelName, loader.Dir(j.Dir))
			if err != nil {
				return nil, err
			}
			return &held{
				copied:  m.Report().Bytes,
				digest:  func() (string, error) { return hexSumOf(m.FS(), j.Files[0]) },
				release: m.Close,
			}, nil
		}, nil
	}
}

// prepareLeaves is what the gate's hashing is held against: the same hashes of
// the same bytes on all cores, where they are, copied nowhere.
func prepareLeaves(j job) (func() (*held, error), error) {
	return func() (*held, error) {
		return overMapping(j, func(b []byte) (digest, error) {
			tree, err := fsverity(b)
			return func() (string, error) { return hex.EncodeToString(tree[:]), nil }, err
		})
	}, nil
}

// prepareChain is the same for a SHA-256 of the whole file, which is serial.
func prepareChain(j job) (func() (*held, error), error) {
	return func() (*held, error) {
		return overMapping(j, func(b []byte) (digest, error) {
			sum := sha256.Sum256(b)
			return func() (string, error) { return hex.EncodeToString(sum[:]), nil }, nil
		})
	}, nil
}

type digest = func() (string, error)

// overMapping runs do over a mapping of the job's file.
func overMapping(j job, do func([]byte) (digest, error)) (*held, error) {
	f, err := os.Open(j.path(j.Files[0]))
	if err != nil {
		return nil, err
	}
	defer f.Close() // the mapping stays
	b, err := mapping(f)
	if err != nil {
		return nil, err
	}
	sum, err := do(b)
	return &held{digest: sum, release: func() error { return unix.Munmap(b) }}, err
}

// keptFor is private memory for the job's file: resident, in huge pages if
// there are any, as a gate keeps its own.
func keptFor(j job) ([]byte, error) {
	info, err := os.Stat(j.path(j.Files[0]))
	if err != nil {
		return nil, err
	}
	b, err := unix.Mmap(-1, 0, int(info.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, err
	}
	_ = unix.Madvise(b, unix.MADV_HUGEPAGE) // small ones do, too
	return b, unix.Madvise(b, unix.MADV_POPULATE_WRITE)
}

// chunk is the unit in which cores share a file.
const chunk = 128 * block

// inChunks calls do for every chunk of n bytes, on all cores.
func inChunks(n int, do func(from, to int) error) error {
	var next atomic.Int64
	var group errgroup.Group
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for {
				to := int(next.Add(chunk))
				if to-chunk >= n {
					return nil
				}
				if err := do(to-chunk, min(to, n)); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

func readInto(b []byte, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return inChunks(len(b), func(from, to int) error {
		if n, err := f.ReadAt(b[from:to], int64(from)); n < to-from {
			return err
		}
		return nil
	})
}

func hexSumOf(files fs.FS, name string) (string, error) {
	f, err := files.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return hexSum(f)
}

func hexSum(r io.Reader) (string, error) {
	h := sha256.New()
	_, err := io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil)), err
}
